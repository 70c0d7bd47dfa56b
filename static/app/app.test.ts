import assert from "node:assert/strict";
import { test } from "node:test";
import { pickFile } from "./drop";
import { around, rank, score } from "./fuzzy";
import { placeFor } from "./keys";
import { backoff, coalesce } from "./live";
import { effective, other } from "./theme";
import { relative } from "./times";
import { stayFor } from "./toasts";

const now = Date.parse("2025-03-04T08:00:00Z");

test("a moment near now is told in its largest unit", () => {
  assert.equal(relative(now - 1_000, now), "now");
  assert.equal(relative(now - 30_000, now), "30 sec. ago");
  assert.equal(relative(now - 185_000, now), "3 min. ago");
  assert.equal(relative(now + 2 * 3_600_000, now), "in 2 hr.");
  assert.equal(relative(now - 86_400_000, now), "yesterday");
});

test("a moment far away or broken keeps the server's words", () => {
  assert.equal(relative(now - 30 * 86_400_000, now), null);
  assert.equal(relative(Number.NaN, now), null);
});

test("letters must come in order, word starts rank first", () => {
  assert.equal(score("xyz", "Backups"), null);
  const found = rank("te", ["Write", "Team", "Template"], (item) => item);
  assert.deepEqual(found, ["Team", "Template", "Write"]);
  assert.deepEqual(rank("  ", ["b", "a"], (item) => item), ["b", "a"]);
});

test("arrow keys go round", () => {
  assert.equal(around(0, -1, 3), 2);
  assert.equal(around(2, 1, 3), 0);
  assert.equal(around(0, 1, 0), -1);
});

test("trouble stays, success leaves", () => {
  assert.equal(stayFor("bad", "x"), null);
  assert.equal(stayFor("ok", "x".repeat(10)), 4_500);
  assert.equal(stayFor("ok", "x".repeat(9_999)), 12_000);
});

test("the theme in force is the chosen one, else the system's", () => {
  assert.equal(effective("light", true), "light");
  assert.equal(effective(undefined, true), "dark");
  assert.equal(effective("nonsense", false), "light");
  assert.equal(other("dark"), "light");
});

test("only a file of the right kind is picked", () => {
  const csv = { name: "A.CSV", type: "" };
  const sheet = { name: "a.xlsx", type: "application/zip" };
  assert.equal(pickFile([sheet, csv], ".csv,text/csv"), csv);
  assert.equal(pickFile([sheet], ".csv"), undefined);
  assert.equal(pickFile([sheet], ""), sheet);
});

test("only known keys lead somewhere", () => {
  assert.equal(placeFor("j"), "/jobs");
  assert.equal(placeFor("constructor"), undefined);
});

test("waiting doubles up to a minute, give or take a quarter", () => {
  assert.equal(backoff(0, 0.5), 1_000);
  assert.equal(backoff(3, 0), 6_000);
  assert.equal(backoff(50, 1), 75_000);
});

test("calls during a run lead to one more run", async () => {
  let runs = 0;
  const waiting: (() => void)[] = [];
  const run = coalesce(() => new Promise((done) => { runs += 1; waiting.push(done); }));
  const all = [run(), run(), run()];
  waiting.shift()?.();
  await new Promise((done) => setImmediate(done));
  assert.equal(runs, 2);
  waiting.shift()?.();
  await Promise.all(all);
  assert.equal(runs, 2);
});
