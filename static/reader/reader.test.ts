import assert from "node:assert/strict";
import { test } from "node:test";
import type { Column, Row } from "./data";
import { fileLink, find, numberIn, safeLink } from "./find";

const column = (name: string, kind: Column["kind"]): Column => ({ name, kind, listed: true, derived: false });
const columns = [column("Name", "text"), column("Amount", "number"), column("Met", "date")];
const rows: Row[] = [
  ["1", 0, "Beta Office", "EUR 900", "2026-03-01"],
  ["2", 0, "alpha", "EUR 1,200.50", ""],
  ["3", 1, "Gamma", "", "2020-01-01"],
  ["4", 0, "Delta Office", "", "2025-12-31"],
  ["5", 0, "Office 10", "EUR -5", "2026-01-01"],
];
const wish = { text: "", by: null, descending: false, archived: false };

test("numbers are found in what people read", () => {
  assert.equal(numberIn("EUR 1,200.50"), 1200.5);
  assert.equal(numberIn("-12.5 %"), -12.5);
  assert.ok(Number.isNaN(numberIn("none")));
});

test("every word must be somewhere in the row", () => {
  assert.deepEqual(find(rows, columns, { ...wish, text: "office  eur" }), [0, 4]);
  assert.deepEqual(find(rows, columns, { ...wish, text: "gamma" }), []);
  assert.deepEqual(find(rows, columns, { ...wish, text: "GAMMA", archived: true }), [2]);
});

test("blanks come last either way", () => {
  assert.deepEqual(find(rows, columns, { ...wish, by: 1 }), [4, 0, 1, 3]);
  assert.deepEqual(find(rows, columns, { ...wish, by: 1, descending: true }), [1, 0, 4, 3]);
  assert.deepEqual(find(rows, columns, { ...wish, by: 2 }), [3, 4, 0, 1]);
  assert.deepEqual(find(rows, columns, { ...wish, by: 0 }), [1, 0, 3, 4]);
});

test("only web and mail addresses are followed", () => {
  assert.equal(safeLink("url", "https://example.org/?a=1"), "https://example.org/?a=1");
  for (const text of ["javascript:alert(1)", "data:text/html,x", " https://x.org", "https://x y", "file:///etc/passwd", ""]) {
    assert.equal(safeLink("url", text), null, text);
  }
  assert.equal(safeLink("email", "a@example.org"), "mailto:a@example.org");
  assert.equal(safeLink("email", "a@example.org?bcc=b@example.org"), null);
});

test("file names stay in their folder", () => {
  assert.equal(fileLink("Deck #2 (50%).pdf"), "../files/Deck%20%232%20(50%25).pdf");
  assert.equal(fileLink("../x"), "../files/..%2Fx");
});
