import assert from "node:assert/strict";
import { test } from "node:test";
import { plus, readAmount, showAmount } from "./amounts";
import { fromTsv, planPaste, toTsv } from "./clipboard";
import { Config, firstView, shownColumns } from "./config";
import { addMonths, iso, readDate, readDateTime, readTime, showDate } from "./dates";
import { matching } from "./editors/choice";
import { tidy } from "./editors/contacts";
import { linkOf } from "./fields";
import { series } from "./fill";
import { Geometry } from "./geometry";
import { takeChanges } from "./live";
import { lines } from "./load";
import { Ops } from "./ops";
import { buildLines, drift, query } from "./order";
import { startOf } from "./prefill";
import { edge, Selection } from "./selection";
import { newId, type Answer } from "./send";
import { memoryShelf } from "./shelf";
import { words } from "./status";
import { same, Store } from "./store";
import { Table } from "./table";
import { Undo } from "./undo";
import { copied, isEditable, read, text } from "./values";
import type { Applied, Column, ColumnType, Group, Head, Operation, Value } from "./wire";

const NOW = Date.parse("2026-03-04T12:00:00Z");
const TODAY = Date.parse("2026-03-04");

function column(id: string, type: ColumnType, more: Partial<Column> = {}): Column {
  return { id, name: id, type, options: {}, position: 0, hidden: false, ...more };
}

const kind = column("kind", "select", { position: 1, options: { choices: [{ id: "bank", name: "Bank", color: "blue" }, { id: "fund_of_funds", name: "Fund of funds", color: "green" }] } });
const columns: Column[] = [column("name", "text"), kind, column("ticket", "currency", { position: 2, options: { currency: "EUR", precision: 0 } })];
const names = { users: [{ id: "u1", name: "Robin Sample" }], funds: [{ id: "f1", name: "Fund I", currency: "EUR" }] };

function filled(rows = 4): Store {
  const store = new Store();
  const head: Head = { version: 10, epoch: 1, updated_at: 0, updated_by: "", slots: rows, block: 2, columns, views: [], ...names, me: "u1", is_admin: true };
  store.head(head);
  for (let start = 0; start < rows; start += 2) {
    store.block({ start, ids: [`r${start}`, `r${start + 1}`], versions: [5, 6], columns: { name: { v: [`N${start}`, null] }, kind: { d: ["bank"], c: [1, 0] } }, cut: { name: [0] } });
  }
  return store;
}

const done = (version: number, rows: Applied["rows"], more: Partial<Applied> = {}): Answer => ({ is: "applied", applied: { version, rows, columns: [], conflicts: [], changes: 1, ...more } });

/** A server whose answers are given one by one. */
function scripted(answers: Answer[]): { sent: { operations: Operation[]; key: string }[]; send: (o: readonly Operation[], key: string) => Promise<Answer> } {
  const sent: { operations: Operation[]; key: string }[] = [];
  return {
    sent,
    send: async (operations, key) => {
      sent.push({ operations: structuredClone([...operations]), key });
      return answers.shift() ?? { is: "unreachable" };
    },
  };
}

const turns = async (): Promise<void> => { for (let i = 0; i < 12; i++) await Promise.resolve(); };

test("amounts are read as the server reads them", () => {
  const cases: [string, string | null][] = [
    ["1234.5", "1234.5"], ["1,234.00", "1234"], ["€1.234,50", "1234.5"], ["1.234", "1.234"], ["€1.234", "1234"], ["1,234", "1234"], ["(1,000)", "-1000"],
    ["DKK1,234", "1234"], ["49.00%", "49"], ["-$5", "-5"], ["$2M", null], ["abc", null], ["1,2,3", null], ["", null], ["0.10", "0.1"], ["12'500", "12500"], ["-0", "0"],
  ];
  for (const [written, value] of cases) assert.equal(readAmount(written), value, written);
  assert.equal(readAmount("2.5m", true), "2500000");
  assert.equal(readAmount("1.2345k", true), "1234.5");
});

test("amounts add exactly and are shown with thousands", () => {
  assert.equal(plus("0.1", "0.2"), "0.3");
  assert.equal(plus("5", "0.05", -3), "4.85");
  assert.equal(plus("-1", "1"), "0");
  assert.equal(showAmount("1234567.5"), "1,234,567.5");
  assert.equal(showAmount("-1234.995", 2), "-1,235.00");
  assert.equal(showAmount("12345678901234567890.1", 0), "12,345,678,901,234,567,890");
});

test("dates are read as people type them", () => {
  const cases: [string, string | null][] = [
    ["today", "2026-03-04"], ["tom", "2026-03-05"], ["fri", "2026-03-06"], ["next wed", "2026-03-11"], ["last mon", "2026-03-02"], ["+2w", "2026-03-18"], ["-3", "2026-03-01"],
    ["in 5 days", "2026-03-09"], ["2 months ago", "2026-01-04"], ["next month", "2026-04-04"], ["eom", "2026-03-31"], ["end of year", "2026-12-31"], ["31 march", "2026-03-31"],
    ["Mar 3, 2025", "2025-03-03"], ["31.3.26", "2026-03-31"], ["2026-02-30", null], ["20260331", "2026-03-31"], ["15", "2026-03-15"], ["soon", null], ["31/12/2025", "2025-12-31"],
  ];
  for (const [written, date] of cases) assert.equal(readDate(written, TODAY), date, written);
  assert.equal(readDate("3/4/2026", TODAY, "us"), "2026-03-04");
  assert.equal(readDate("3/4/2026", TODAY, "european"), "2026-04-03");
  assert.equal(iso(addMonths(Date.parse("2026-01-31"), 1)), "2026-02-28");
  assert.equal(showDate("2026-03-04", "long"), "4 Mar 2026");
});

test("times of day and moments", () => {
  assert.equal(readTime("2pm"), 840);
  assert.equal(readTime("9:30"), 570);
  assert.equal(readTime("25:00"), null);
  assert.equal(readDateTime("2026-03-04T14:05:00Z", NOW), "2026-03-04T14:05:00Z");
  const local = new Date(2026, 2, 5, 14, 30).toISOString().replace(".000", "");
  assert.equal(readDateTime("2026-03-05 14:30", NOW), local);
  assert.equal(readDateTime("never 14:30", NOW), null);
});

test("text becomes a column's value, or says why not", () => {
  assert.deepEqual(read(kind, "bank", names, NOW), { value: "bank" });
  assert.deepEqual(read(kind, "FUND OF FUNDS", names, NOW), { value: "fund_of_funds" });
  assert.deepEqual(read(kind, "Zoo", names, NOW), { why: "“Zoo” is not an option" });
  assert.deepEqual(read(column("o", "user"), "Robin Sample", names, NOW), { value: "u1" });
  assert.deepEqual(read(column("c", "contacts"), 'Ada <ADA@example.org>,"Sample, Bo"', names, NOW), { value: [{ name: "Ada", email: "ada@example.org" }, { name: "Sample, Bo" }] });
  assert.deepEqual(read(column("x", "checkbox"), "checked", names, NOW), { value: true });
  assert.deepEqual(read(column("x", "checkbox"), "no", names, NOW), { value: null });
  assert.deepEqual(read(column("r", "rating"), "★★★☆☆", names, NOW), { value: 3 });
  assert.deepEqual(read(column("u", "url"), "example.org", names, NOW), { value: "https://example.org" });
  assert.ok("why" in read(column("e", "email"), "nobody", names, NOW));
});

test("what is copied reads back as the same value", () => {
  const all: [Column, Value][] = [
    [column("n", "number"), "1234.5"], [column("p", "percent"), "12.5"], [kind, "bank"], [column("d", "date"), "2026-03-04"], [column("b", "checkbox"), true],
    [column("r", "rating"), 4], [column("f", "funds"), ["f1"]], [column("c", "contacts"), [{ name: "Sample, Bo", email: "bo@example.org" }]], [column("l", "long_text"), 'two\nlines "x"'],
  ];
  for (const [it, value] of all) {
    const fields = fromTsv(toTsv([[copied(it, value, names)]]));
    assert.deepEqual(read(it, fields[0]?.[0] ?? "", names, NOW), { value }, it.type);
  }
});

test("values of columns as shown", () => {
  assert.equal(text(columns[2] as Column, "1234.5", names), "EUR 1,235");
  assert.equal(text(column("f", "formula", { result: "error" }), { error: "#DIV/0!" }, names), "#DIV/0!");
  assert.equal(text(column("r", "rating"), 3, names), "★★★☆☆");
  assert.equal(isEditable(column("@list", "select", { derived: true })), true);
  assert.equal(isEditable(column("@tasks", "number", { derived: true })), false);
});

test("tables from spreadsheets keep quotes, tabs and newlines", () => {
  assert.deepEqual(fromTsv('a\t"b\nc"\r\n"say ""hi"""\t\r\n'), [["a", "b\nc"], ['say "hi"', ""]]);
  assert.deepEqual(fromTsv('5" pipe\t"open'), [['5" pipe', '"open']]);
  assert.equal(toTsv([["a\tb", 'c"d'], ["e", ""]]), '"a\tb"\t"c""d"\ne\t');
});

test("a paste repeats into a larger selection, reports misfits and asks for rows", () => {
  const to = { slots: [0, 1, 2, 3], columns, height: 4, width: 1 };
  const repeated = planPaste([["A"], ["B"]], to, names, NOW, isEditable);
  assert.deepEqual(repeated.cells.map((it) => it.value), ["A", "B", "A", "B"]);
  const one = planPaste([["A"]], { ...to, height: 3, width: 1 }, names, NOW, isEditable);
  assert.equal(one.cells.length, 3);
  const long = planPaste([["A", "Bank", "x"], ["B", "Zoo", "5"]], { ...to, slots: [0], height: 1 }, names, NOW, isEditable);
  assert.deepEqual(long.misfits.map((it) => [it.slot, it.column.id]), [[0, "ticket"], [-1, "kind"]]);
  assert.deepEqual(long.extra[0]?.map((it) => it.value), ["B", "5"]);
});

test("fills continue numbers, dates and numbered names", () => {
  const number = column("n", "number");
  assert.equal(series(number, ["0.1", "0.2"])(2), "0.3");
  assert.equal(series(number, ["10", "5"])(-1), "15");
  assert.equal(series(number, ["1", "2", "4"])(3), "1");
  const date = column("d", "date");
  assert.equal(series(date, ["2026-01-31", "2026-02-28"])(2), "2026-03-31");
  assert.equal(series(date, ["2026-01-01", "2026-01-08"])(2), "2026-01-15");
  assert.equal(series(columns[0] as Column, ["Row 09", "Row 10"])(2), "Row 11");
  assert.equal(series(kind, ["bank", null])(3), null);
});

test("the store reads dictionaries and takes edits", () => {
  const store = filled();
  assert.equal(store.value(0, "kind"), "bank");
  assert.equal(store.value(1, "kind"), null);
  store.set(1, "kind", "fund_of_funds");
  assert.equal(store.value(1, "kind"), "fund_of_funds");
  assert.equal(store.value(0, "kind"), "bank");
  assert.equal(store.isCut(0, "name"), true);
  store.set(0, "name", "whole");
  assert.equal(store.isCut(0, "name"), false);
  assert.equal(store.slot("r3"), 3);
  assert.equal(store.slot("nobody"), undefined);
  assert.ok(same(null, "") && same([], null) && !same("a", "b") && same(["a"], ["a"]));
});

test("a full dictionary goes on as plain values", () => {
  const store = filled(2);
  for (let i = 0; i < 65_600; i++) store.set(0, "kind", `v${i}`);
  assert.equal(store.value(0, "kind"), "v65599");
  assert.equal(store.value(1, "kind"), null);
});

test("lines of a stream survive any cut", async () => {
  const bytes = new TextEncoder().encode('{"a":"ü"}\n{"b":2}\n{"c":3}');
  for (const size of [1, 2, 5, 100]) {
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let i = 0; i < bytes.length; i += size) controller.enqueue(bytes.slice(i, i + size));
        controller.close();
      },
    });
    const found: string[] = [];
    for await (const line of lines(stream)) found.push(line);
    assert.deepEqual(found, ['{"a":"ü"}', '{"b":2}', '{"c":3}']);
  }
});

const group = (depth: number, value: string, start: number, count: number): Group => ({ depth, column: "kind", value, label: value, start, count, subtotals: {} });

test("groups become lines, and a folded one hides its own", () => {
  const groups = [group(0, "a", 0, 3), group(1, "x", 0, 1), group(1, "y", 1, 2), group(0, "b", 3, 1)];
  assert.deepEqual([...buildLines([10, 11, 12, 13], groups, new Set())], [-1, -2, 10, -3, 11, 12, -4, 13]);
  assert.deepEqual([...buildLines([10, 11, 12, 13], groups, new Set(['kind="a"']))], [-1, -4, 13]);
  assert.deepEqual([...buildLines([10, 11, 12, 13], groups, new Set(['kind="a"/kind="y"']))], [-1, -2, 10, -3, -4, 13]);
});

test("drift tells rows that left, came and moved", () => {
  const found = drift([1, 2, 3], [3, 1, 9]);
  assert.deepEqual([...found.left], [2]);
  assert.deepEqual(found.arrived, [9]);
  assert.equal(found.moved, true);
  assert.equal(drift([1, 2, 3], [1, 3]).moved, false);
});

test("a row edited out of its view stays, marked, until it is refreshed", () => {
  const store = filled();
  const table = new Table(store, new Config());
  const order = { version: 1, epoch: 1, total: 4, slots: [0, 1, 2, 3], groups: [], summary: {} };
  table.take(order);
  table.compare({ ...order, total: 3, slots: [0, 2, 3] });
  assert.deepEqual([...table.lines], [0, 1, 2, 3]);
  assert.deepEqual([...table.left], [1]);
  store.setGone(2, { archived: true, deleted: false });
  table.build();
  assert.deepEqual([...table.lines], [0, 1, 3]);
  table.take({ ...order, slots: [0, 3] });
  assert.equal(table.left.size, 0);
});

test("Ctrl+arrow stops at the edge of what is filled", () => {
  const row = [1, 1, 0, 0, 1, 0];
  const at = (i: number): boolean => row[i] === 1;
  assert.equal(edge(0, 1, 6, at), 1);
  assert.equal(edge(1, 1, 6, at), 4);
  assert.equal(edge(4, 1, 6, at), 5);
  assert.equal(edge(5, -1, 6, at), 4);
  const selection = new Selection();
  selection.place(9, 9);
  selection.clamp(3, 2);
  assert.deepEqual(selection.rect, { top: 2, bottom: 2, left: 1, right: 1 });
});

test("a changed view is unsaved for this person until saved or discarded", () => {
  const kept = new Map<string, string>();
  const disk = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value) };
  const view = { id: "v", name: "V", mode: "shared" as const, owner: null, config: { sorts: [{ column: "name" }] }, mine: false };
  const config = new Config(disk);
  config.load(view);
  const heard: string[] = [];
  config.listen((changed) => heard.push(changed));
  config.set({ filter: { column: "name", op: "not_empty" } });
  config.set({ row_height: "tall" });
  assert.deepEqual(heard, ["order", "layout"]);
  assert.match(query(config), /view=v&filter=/);
  const again = new Config(disk);
  again.load(view);
  assert.equal(again.isDirty, true);
  again.discard();
  assert.equal(again.isDirty, false);
  config.set({ filter: { column: "name", op: "not_empty" }, sorts: [{ column: "name" }] });
  assert.equal("sorts" in config.unsaved, false);
  assert.equal(firstView([view], "?view=v", "")?.id, "v");
  assert.equal(firstView([view], "", "x")?.id, "v");
});

test("the title column stays first and shown", () => {
  const shown = shownColumns(columns, { columns: [{ id: "ticket", width: 10 }, { id: "name", hidden: true }, { id: "kind", hidden: true }] });
  assert.deepEqual(shown.map((it) => [it.column.id, it.width]), [["name", 230], ["ticket", 48]]);
});

test("pinned columns leave room and columns in sight are found", () => {
  const shown = Array.from({ length: 40 }, (_, i) => ({ column: column(`c${i}`, "text"), width: 100 }));
  assert.equal(new Geometry(shown, 3, 32, 1000).pinned, 3);
  const narrow = new Geometry(shown, 9, 32, 500);
  assert.equal(narrow.pinned, 2);
  assert.deepEqual(narrow.inSight(0, 500), [2, 5]);
  assert.deepEqual(narrow.inSight(3_600, 500), [37, 39]);
});

test("a new row begins as the filter asks", () => {
  const store = filled();
  const start = startOf({ all: [{ column: "@list", op: "is", value: "longshot" }, { column: "kind", op: "is", value: "bank" }, { any: [{ column: "name", op: "is", value: "x" }] }] }, store);
  assert.deepEqual(start, { list: "longshot", cells: { kind: "bank" } });
});

test("small rules of editors and links", () => {
  assert.deepEqual(matching([{ name: "Abc" }, { name: "Cab" }, { name: "x" }], "ca").map((it) => it.name), ["Cab"]);
  assert.deepEqual(matching([{ name: "Xab" }, { name: "Abx" }], "ab").map((it) => it.name), ["Abx", "Xab"]);
  assert.deepEqual(tidy({ name: " ", email: "a@b.c" }), { name: "a@b.c", email: "a@b.c" });
  assert.equal(linkOf(column("u", "url"), "javascript:alert(1)"), null);
  assert.match(newId(NOW), /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab]/);
});

test("an edit shows at once, is sent with its base, and takes the answer", async () => {
  const store = filled();
  const server = scripted([done(11, [{ id: "r0", version: 11 }], { computed: [{ row: "r0", cells: { ticket: "7" } }] })]);
  const ops = new Ops(store, server.send);
  const batch = ops.edit([{ slot: 0, column: "name", value: "New" }, { slot: 1, column: "name", value: null }], "Set");
  assert.equal(store.value(0, "name"), "New");
  assert.equal(ops.isPending("r0", "name"), true);
  await ops.settled();
  assert.deepEqual(server.sent[0]?.operations, [{ op: "set", row: "r0", column: "name", value: "New", base: 5 }]);
  assert.equal(batch?.traces.length, 1, "what does not differ is not sent");
  assert.equal(store.rowVersion(0), 11);
  assert.equal(store.value(0, "ticket"), "7");
  assert.equal(ops.isPending("r0", "name"), false);
});

test("a second edit of the same cell is based on the first", async () => {
  const store = filled();
  const server = scripted([done(11, [{ id: "r0", version: 11 }]), done(12, [{ id: "r0", version: 12 }])]);
  const ops = new Ops(store, server.send);
  ops.edit([{ slot: 0, column: "name", value: "A" }], "Set");
  ops.edit([{ slot: 0, column: "name", value: "B" }, { slot: 0, column: "kind", value: null }], "Set");
  await ops.settled();
  assert.deepEqual(server.sent[1]?.operations.map((it) => (it.op === "set" ? it.base : null)), [11, 5], "another cell keeps its base: a conflict there must show");
});

test("lists and stages have operations of their own", async () => {
  const server = scripted([done(11, [])]);
  const ops = new Ops(filled(), server.send);
  ops.edit([{ slot: 0, column: "@list", value: "longshot" }, { slot: 0, column: "@stage", value: "lost" }], "Set");
  await ops.settled();
  assert.deepEqual(server.sent[0]?.operations.map((it) => it.op), ["move", "set_stage"]);
});

test("a refused cell is marked and reverted, the others are sent again", async () => {
  const store = filled();
  const server = scripted([
    { is: "refused", status: 422, problem: { code: "invalid_value", detail: "not so", field: "operations[0].value" } },
    done(11, [{ id: "r1", version: 11 }]),
  ]);
  const ops = new Ops(store, server.send);
  ops.edit([{ slot: 0, column: "name", value: "Bad" }, { slot: 1, column: "name", value: "Good" }], "Set");
  await ops.settled();
  assert.equal(store.value(0, "name"), "N0");
  assert.equal(ops.problem("r0", "name"), "not so");
  assert.equal(store.value(1, "name"), "Good");
  assert.notEqual(server.sent[0]?.key, server.sent[1]?.key);
});

test("a conflict shows theirs, and mine is not lost", async () => {
  const store = filled();
  const conflict = { row: "r0", column: "name", yours: "Mine", theirs: "Theirs", by: "u2", at: 1 };
  const server = scripted([done(11, [], { conflicts: [conflict] }), done(12, [{ id: "r0", version: 12 }])]);
  const ops = new Ops(store, server.send);
  ops.edit([{ slot: 0, column: "name", value: "Mine" }], "Set");
  await ops.settled();
  assert.equal(store.value(0, "name"), "Theirs");
  store.setRowVersion(0, 11);
  ops.decide(ops.conflicts[0] ?? conflict, true);
  await ops.settled();
  assert.deepEqual(server.sent[1]?.operations, [{ op: "set", row: "r0", column: "name", value: "Mine", base: 11 }]);
  assert.equal(ops.conflicts.length, 0);
});

test("edits made offline survive a reload and go out with their key and base", async () => {
  const shelf = memoryShelf();
  const first = new Ops(filled(), scripted([]).send);
  await first.resume(shelf);
  first.edit([{ slot: 0, column: "name", value: "Offline" }], "Set");
  first.run([{ op: "add_row", id: "new1", list: "main" }], "Added");
  await turns();
  assert.equal(first.progress.isOffline, true);
  first.stop();
  const key = (await shelf.all()).batches[0]?.key;

  const store = filled();
  const server = scripted([done(12, [{ id: "r0", version: 12 }]), done(13, [{ id: "new1", version: 13, slot: 4 }])]);
  const second = new Ops(store, server.send);
  await second.resume(shelf);
  assert.equal(store.value(0, "name"), "Offline");
  await second.settled();
  assert.equal(server.sent[0]?.key, key);
  assert.equal(store.slot("new1"), 4);
  await turns();
  assert.equal((await shelf.all()).batches.length, 0);
});

test("live changes leave cells with unsent edits alone", () => {
  const store = filled();
  const ops = new Ops(store, () => new Promise<Answer>(() => undefined));
  ops.edit([{ slot: 0, column: "name", value: "Mine" }], "Set");
  const slots = takeChanges({ type: "changes", version: 20, epoch: 1, by: ["Kim"], rows: [{ slot: 0, id: "r0", version: 20, cells: { name: "Theirs", ticket: "9" } }, { slot: 4, id: "r9", version: 20, cells: { name: "Other" } }] }, store, ops);
  assert.equal(store.value(0, "name"), "Mine");
  assert.equal(store.value(0, "ticket"), "9");
  assert.equal(store.value(4, "name"), "Other");
  assert.deepEqual([...slots], [0, 4]);
  assert.equal(store.version, 20);
});

test("undo withdraws what was not sent and asks the server for the rest", async () => {
  const store = filled();
  const said: string[] = [];
  const asked: string[] = [];
  const server = scripted([done(11, [{ id: "r0", version: 11 }])]);
  const ops = new Ops(store, server.send);
  const undo = new Undo(store, ops, (message) => said.push(message), async (which) => {
    asked.push(which);
    return { change_set: 12, summary: "Set name", applied: { version: 12, rows: [{ id: "r0", version: 12 }], columns: [], conflicts: [], changes: 1 } };
  });
  undo.push(ops.edit([{ slot: 0, column: "name", value: "A" }], "Set name"));
  await ops.settled();
  await undo.undo();
  assert.equal(store.value(0, "name"), "N0");
  assert.equal(store.rowVersion(0), 12);
  await undo.redo();
  assert.equal(store.value(0, "name"), "A");
  assert.deepEqual(asked, ["undo", "redo"]);
  undo.push(ops.edit([{ slot: 1, column: "name", value: "B" }], "Set name"));
  await turns();
  await undo.undo();
  assert.equal(store.value(1, "name"), null);
  assert.deepEqual(asked, ["undo", "redo"], "an unsent edit is simply taken back");
  ops.stop();
});

test("an edit made while an undo is under way goes out after it, based on it", async () => {
  const store = filled();
  const server = scripted([done(11, [{ id: "r0", version: 11 }]), done(13, [{ id: "r0", version: 13 }])]);
  const ops = new Ops(store, server.send);
  let answer: (it: Applied) => void = () => undefined;
  const undo = new Undo(store, ops, () => undefined, async () => ({ change_set: 12, summary: "", applied: await new Promise<Applied>((resolve) => { answer = resolve; }) }));
  undo.push(ops.edit([{ slot: 0, column: "name", value: "A" }], "Set name"));
  await ops.settled();
  const undone = undo.undo();
  await turns();
  ops.edit([{ slot: 0, column: "name", value: "B" }], "Set name");
  await turns();
  assert.equal(server.sent.length, 1, "it waits");
  answer({ version: 12, rows: [{ id: "r0", version: 12 }], columns: [], conflicts: [], changes: 1 });
  await undone;
  await ops.settled();
  assert.deepEqual(server.sent[1]?.operations, [{ op: "set", row: "r0", column: "name", value: "B", base: 12 }]);
  assert.equal(store.value(0, "name"), "B");
});

test("the state of saving is one plain word", () => {
  const idle = { waiting: 0, isSending: false, isOffline: false, isSignedOut: false, conflicts: [], refused: 0 };
  assert.equal(words(idle).text, "Saved");
  assert.equal(words({ ...idle, waiting: 1 }).text, "Saving…");
  assert.equal(words({ ...idle, waiting: 2, isOffline: true }).text, "Offline (2 edits waiting)");
  assert.equal(words({ ...idle, conflicts: [{ row: "r", column: "c", yours: null, theirs: null, by: "", at: 0 }] }).text, "Conflict (1)");
});
