import assert from "node:assert/strict";
import { test } from "node:test";
import { named, sections, sentence, type Item } from "./palette";
import { kindOf, Recent } from "./recent";
import { Seeker, type Answer, type Hit, type Standing } from "./seek";

const items: Item[] = [
  { label: "Activity", group: "Go to", href: "/activity" },
  { label: "Add a task", group: "Action", href: "/tasks/new" },
  { label: "Main list", group: "Investors", href: "/grid?list=main" },
];

const hit = (title: string, more: Partial<Hit> = {}): Hit => ({
  kind: "investor", href: `/investors/${title}`, title: [{ text: title, hit: true }], text: [], about: null, archived: false, status: null, ...more,
});

const answer = (...hits: Hit[]): Answer => ({ groups: hits.length === 0 ? [] : [{ kind: "investor", label: "Investors", total: 40, is_capped: false, hits }], near: [] });

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

test("only the last question is asked, and older answers are dropped", async () => {
  const asked: string[] = [];
  const told: Standing[] = [];
  const waiting = new Map<string, (answer: Answer) => void>();
  const seeker = new Seeker(
    (query, signal) => {
      asked.push(query);
      return new Promise((resolve, reject) => {
        waiting.set(query, resolve);
        signal.addEventListener("abort", () => reject(new Error("aborted")));
      });
    },
    (standing) => told.push(standing),
    () => true,
    5, 500, 1_000,
  );
  for (const text of ["b", "be", "ber"]) seeker.type(text);
  await pause(20);
  assert.deepEqual(asked, ["ber"]);
  seeker.type("berg ");
  await pause(20);
  assert.deepEqual(asked, ["ber", "berg"]);
  waiting.get("berg")?.(answer(hit("Berghof")));
  await pause(5);
  assert.equal(seeker.isPending, false);
  const found = told.filter((standing) => standing.is === "found" || standing.is === "failed");
  assert.equal(found.length, 1, JSON.stringify(told));
  // Known already: no question, no wait.
  seeker.type("berg");
  assert.equal(told.at(-1)?.is, "found");
  assert.equal(asked.length, 2);
  seeker.type("  ");
  assert.equal(told.at(-1)?.is, "idle");
});

test("slowness and failure are told, and offline is told apart", async () => {
  for (const online of [true, false]) {
    const told: string[] = [];
    const never = new Seeker(() => new Promise(() => undefined), (standing) => told.push(standing.is), () => online, 1, 10, 30);
    never.type("x");
    await pause(60);
    assert.deepEqual(told, ["waiting", "slow", "failed"]);
    let last: Standing = { is: "idle" };
    const broken = new Seeker(() => Promise.reject(new Error("500")), (standing) => { last = standing; }, () => online, 1);
    broken.type("x");
    await pause(20);
    assert.deepEqual(last, { is: "failed", offline: !online });
    assert.match(sentence(last, 0), online ? /does not answer/ : /offline/);
  }
});

test("pages are named by the beginnings of their words", () => {
  assert.deepEqual(named("act", items).map((item) => item.label), ["Activity"]);
  assert.deepEqual(named("li ma", items).map((item) => item.label), ["Main list"]);
  assert.deepEqual(named("ctiv", items), []);
  assert.deepEqual(named(" ", items), []);
});

test("recent places come first, then pages; a query shows pages, hits and a way to all", () => {
  const recent = [{ label: "Berghof", href: "/investors/b", kind: "investor" }, { label: "x", href: "/activity", kind: "page" }];
  const empty = sections("", items, recent, { is: "idle" });
  assert.deepEqual(empty.map((section) => section.label), ["Recent", "Pages and actions"]);
  assert.equal(empty[1]?.lines.length, 2, "a recent page is not there twice");

  const found = sections("act", items, [], { is: "found", answer: answer(hit("Actis")) });
  assert.deepEqual(found.map((section) => section.label), ["Pages and actions", "Investors · 1 of 40", "Search"]);
  assert.equal(found[2]?.lines[0]?.href, "/search?q=act");
  // Loose letters only where there is nothing better.
  assert.deepEqual(sections("tsk", items, [], { is: "waiting" }).map((section) => section.lines[0]?.href), ["/tasks/new"]);
  assert.deepEqual(sections("tsk", items, [], { is: "found", answer: answer(hit("Tsk")) }).map((section) => section.label), ["Investors · 1 of 40", "Search"]);
});

test("a hit tells where it matched, else whom it is about", () => {
  const line = (more: Partial<Hit>) => sections("q", [], [], { is: "found", answer: answer(hit("Call", more)) })[0]?.lines[0];
  const text = [{ text: "the ", hit: false }, { text: "fee", hit: true }];
  assert.deepEqual(line({ text, about: "Berghof" })?.detail, text);
  assert.deepEqual(line({ text: [{ text: "no", hit: false }], about: "Berghof" })?.detail, [{ text: "Berghof", hit: false }]);
  const note = line({ kind: "note", title: [], text, about: "Berghof" });
  assert.equal(note?.place.label, "Berghof");
  assert.equal(line({ archived: true })?.archived, true);
  assert.equal(line({ status: "done" })?.side, "Done");
});

test("what was found little of is said", () => {
  assert.match(sentence({ is: "found", answer: { groups: [], near: ["sample"] } }, 1), /Also shown: sample/);
  assert.match(sentence({ is: "found", answer: answer() }, 0), /Nothing found/);
  assert.equal(sentence({ is: "found", answer: answer(hit("x")) }, 1), "");
});

test("recent places are kept for one person, few, and only our own", () => {
  const kept = new Map<string, string>();
  const storage = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value), removeItem: (key: string) => void kept.delete(key) } as unknown as Storage;
  const ana = new Recent("ana", storage);
  for (let n = 0; n < 12; n += 1) ana.add({ label: `I${n}`, href: `/investors/${n}`, kind: "investor" });
  ana.add({ label: "I9 renamed", href: "/investors/9", kind: "investor" });
  assert.deepEqual(ana.list().map((place) => place.label), ["I9 renamed", "I11", "I10", "I8", "I7", "I6", "I5", "I4"]);
  assert.deepEqual(new Recent("ben", storage).list(), []);
  ana.clear();
  assert.deepEqual(ana.list(), []);
  kept.set("crm-recent:ana", JSON.stringify([{ label: "x", href: "javascript:alert(1)", kind: "page" }, { label: "y", href: "//evil.example", kind: "page" }, 7]));
  assert.deepEqual(ana.list(), []);
  kept.set("crm-recent:ana", "{");
  assert.deepEqual(ana.list(), []);
  assert.deepEqual(new Recent("ana", null).list(), []);
});

test("only pages of things are worth coming back to", () => {
  assert.equal(kindOf("/investors/0190-a"), "investor");
  assert.equal(kindOf("/contacts/duplicates"), null);
  assert.equal(kindOf("/investors/a/edit"), null);
  assert.equal(kindOf("/jobs/1"), null);
});
