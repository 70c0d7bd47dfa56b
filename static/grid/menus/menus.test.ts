import assert from "node:assert/strict";
import { test } from "node:test";
import type { Column, ColumnType, Filter } from "../wire";
import { choiceId } from "./choices";
import { hide, listed, move } from "./columns";
import { callAt, complete, parameters, pieces, type Fn } from "./complete";
import { add, at, begin, draftOf, duplicate, finished, operatorsOf, reask, remove, type DraftGroup } from "./filters";
import { summariesOf } from "./types";

function column(id: string, type: ColumnType, more: Partial<Column> = {}): Column {
  return { id, name: id, type, options: {}, position: 0, hidden: false, ...more };
}

const all = [column("name", "text"), column("stage", "select"), column("amount", "currency"), column("on", "date"), column("@list", "select", { derived: true, hidden: true })];
const byId = (id: string): Column | undefined => all.find((it) => it.id === id);

test("a filter comes back from its draft as it went in", () => {
  const filter: Filter = { all: [{ column: "name", op: "contains", value: "a" }, { any: [{ column: "stage", op: "any_of", value: ["lead"] }, { all: [{ column: "on", op: "within", value: { relative: "past_days", n: 30 } }] }] }] };
  assert.deepEqual(finished(draftOf(filter), byId).filter, filter);
  assert.deepEqual(finished(draftOf({ column: "name", op: "empty" }), byId).filter, { all: [{ column: "name", op: "empty" }] });
  assert.deepEqual(finished(draftOf(undefined), byId).filter, { all: [] });
});

test("what is not finished is not asked, and a complaint still finds its place", () => {
  const draft: DraftGroup = { join: "all", parts: [{ column: "name", op: "is" }, { column: "stage", op: "is", value: "lead" }, { join: "any", parts: [{ column: "amount", op: "gt" }, { column: "amount", op: "lt", value: "5" }] }] };
  const { filter, places } = finished(draft, byId);
  assert.deepEqual(filter, { all: [{ column: "stage", op: "is", value: "lead" }, { any: [{ column: "amount", op: "lt", value: "5" }] }] });
  assert.deepEqual(places.get("filter.all[0]"), [1]);
  assert.deepEqual(places.get("filter.all[1].any[0]"), [2, 1]);
});

test("a group whose conditions are all unfinished asks nothing", () => {
  const { filter } = finished({ join: "all", parts: [{ join: "any", parts: [{ column: "name", op: "is" }] }] }, byId);
  assert.deepEqual(filter, { all: [] });
});

test("parts are added, doubled and removed; an empty group goes with its last part", () => {
  const draft = draftOf(undefined);
  add(draft, [], { column: "name", op: "empty" });
  add(draft, [], { join: "any", parts: [{ column: "stage", op: "empty" }] });
  add(draft, [1], { column: "amount", op: "empty" });
  duplicate(draft, [1, 0]);
  assert.equal((at(draft, [1]) as DraftGroup).parts.length, 3);
  for (let i = 0; i < 3; i++) remove(draft, [1, 0]);
  assert.equal(draft.parts.length, 1);
});

test("another question keeps the value where it still fits", () => {
  const stage = column("stage", "select");
  assert.deepEqual(reask({ column: "stage", op: "is", value: "lead" }, stage, "any_of"), { column: "stage", op: "any_of", value: ["lead"] });
  assert.deepEqual(reask({ column: "stage", op: "any_of", value: ["lead", "lost"] }, stage, "is_not"), { column: "stage", op: "is_not", value: "lead" });
  assert.deepEqual(reask({ column: "stage", op: "is", value: "lead" }, stage, "empty"), { column: "stage", op: "empty" });
});

test("operators follow the type; a formula's follow its result", () => {
  const ops = (type: ColumnType, more: Partial<Column> = {}): string[] => operatorsOf(column("x", type, more)).map((it) => it.op);
  assert.ok(ops("currency").includes("ge") && ops("rating").includes("eq"));
  assert.deepEqual(ops("checkbox"), ["checked", "unchecked"]);
  assert.ok(ops("multi_select").includes("exactly") && ops("funds").includes("contains"));
  assert.ok(ops("formula", { result: "date" }).includes("within"));
  assert.deepEqual(ops("formula", { result: "boolean" }), ["checked", "unchecked"]);
  assert.equal(begin(column("x", "date")).op, "is");
});

test("fields: the title leads and stays, what is worked out is hidden unless asked for", () => {
  assert.deepEqual(listed(all, {}).map((it) => [it.column.id, it.hidden]), [["name", false], ["stage", false], ["amount", false], ["on", false], ["@list", true]]);
  const hidden = hide(all, {}, new Set(["stage", "name"]), true);
  assert.deepEqual(hidden.filter((it) => it.hidden).map((it) => it.id), ["stage"]);
  const shown = hide(all, {}, new Set(["@list"]), false);
  assert.equal(shown.find((it) => it.id === "@list")?.hidden, false);
});

test("fields move before one another, and no field goes before the title", () => {
  const moved = move(all, {}, "on", "stage");
  assert.deepEqual(moved.map((it) => it.id), ["name", "on", "stage", "amount", "@list"]);
  assert.deepEqual(move(all, { columns: moved }, "stage", null).map((it) => it.id), ["name", "on", "amount", "@list", "stage"]);
  assert.deepEqual(move(all, {}, "on", "name").map((it) => it.id)[0], "name");
});

const functions: Fn[] = [
  { name: "ROUND", signature: "ROUND(number, [places])", help: "", category: "number" }, { name: "ROUNDUP", signature: "ROUNDUP(number, [places])", help: "", category: "number" },
  { name: "IF", signature: "IF(condition, yes, [no])", help: "", category: "logic" },
];
const fields = ["Fund III target", "Name"];

test("names are completed: functions, fields, fields in braces, nothing inside a text", () => {
  assert.deepEqual(complete("ROU", 3, fields, functions)?.all.map((it) => it.insert), ["ROUND(", "ROUNDUP("]);
  const braces = complete("IF({fund} > 1", 8, fields, functions);
  assert.deepEqual([braces?.from, braces?.to, braces?.all[0]?.insert], [3, 9, "{Fund III target}"]);
  assert.equal(complete('"ROU', 4, fields, functions), null);
  assert.equal(complete("1 + ", 4, fields, functions), null);
  assert.deepEqual(complete("target", 6, fields, functions)?.all.map((it) => it.name), ["Fund III target"]);
});

test("the argument one is in is known, through nesting, texts and fields", () => {
  const source = 'IF({a, b} = "x, (y", ROUND(1, ';
  assert.deepEqual(callAt(source, source.length), { name: "ROUND", argument: 1 });
  assert.deepEqual(callAt(source, 21), { name: "IF", argument: 1 });
  assert.equal(callAt("1 + 2", 5), null);
  assert.deepEqual(parameters("IF(condition, yes, [no])"), { name: "IF", parts: ["condition", "yes", "[no]"] });
});

test("a formula's pieces are the formula again; the mistake is cut out by characters", () => {
  const source = '"🙂" & {Nme} + ROUND(1.5)';
  const made = pieces(source, { start: 6, end: 11 });
  assert.equal(made.map((it) => it.text).join(""), source);
  assert.equal(made.filter((it) => it.isWrong).map((it) => it.text).join(""), "{Nme}");
  assert.equal(made.find((it) => it.text === "ROUND")?.kind, "function");
  assert.equal(pieces("1 +", { start: 3, end: 3 }).at(-1)?.isWrong, true);
});

test("options get readable ids that nobody has", () => {
  assert.equal(choiceId("Fund of Funds", new Set()), "fund_of_funds");
  assert.equal(choiceId("Fund of Funds", new Set(["fund_of_funds"])), "fund_of_funds_2");
  assert.equal(choiceId("★", new Set()), "option");
});

test("sums are for amounts, ends for dates, counts for all", () => {
  assert.ok(summariesOf(column("a", "currency")).includes("sum"));
  assert.ok(!summariesOf(column("a", "date")).includes("sum") && summariesOf(column("a", "date")).includes("max"));
  assert.deepEqual(summariesOf(column("a", "text")), ["filled", "empty", "unique"]);
});
