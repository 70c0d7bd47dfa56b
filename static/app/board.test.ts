import assert from "node:assert/strict";
import { test } from "node:test";
import { instant, operation, step } from "./move";

test("a card's operation: a choice, nothing, a list", () => {
  const move = { row: "r1", column: "stage", base: 7, to: "lead" };
  assert.deepEqual(operation(move), { op: "set", row: "r1", column: "stage", value: "lead", base: 7 });
  assert.equal(operation({ ...move, to: "" })["value"], null);
  const listed = operation({ ...move, column: "@list", to: "main" });
  assert.deepEqual(listed, { op: "move", row: "r1", list: "main", reason: "" });
});

test("a moment keeps its time of day where the fund is, across summer time", () => {
  const move = { row: "r1", column: "call", base: 1, to: "2026-11-03", zone: "Europe/Vienna", clock: "14:30:00" };
  assert.equal(operation(move)["value"], "2026-11-03T13:30:00Z");
  assert.equal(operation({ ...move, to: "2026-07-03" })["value"], "2026-07-03T12:30:00Z");
  assert.equal(operation({ ...move, clock: "" })["value"], "2026-11-03T08:00:00Z");
});

test("hours that come twice or never are taken as the server takes them", () => {
  assert.equal(instant("2026-10-25", "02:30:00", "Europe/Vienna"), "2026-10-25T00:30:00Z");
  assert.equal(instant("2026-03-29", "02:30:00", "Europe/Vienna"), "2026-03-29T01:30:00Z");
  assert.equal(instant("2026-03-29", "02:30:00", "UTC"), "2026-03-29T02:30:00Z");
});

test("arrows step along lanes and over weeks, and stop at edges", () => {
  assert.equal(step(1, "ArrowRight", 3, 1), 2);
  assert.equal(step(2, "ArrowRight", 3, 1), null);
  assert.equal(step(1, "ArrowUp", 3, 1), null);
  assert.equal(step(10, "ArrowDown", 42, 7), 17);
  assert.equal(step(3, "ArrowUp", 42, 7), null);
  assert.equal(step(3, "Enter", 42, 7), null);
});
