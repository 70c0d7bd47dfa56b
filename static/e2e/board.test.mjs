// Board and calendar: moved by mouse, by keys and without scripts; both at phone
// and desktop width, light and dark. CRM_SHOTS=DIR keeps pictures.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, looksWell, newPage, signIn, startStack, until } from "./stack.mjs";

let stack, browser;

before(async () => {
  stack = await startStack({ demo: true });
  stack.addUser("admin@example.org", "admin");
  stack.addUser("member@example.org", "member");
  browser = await launch();
  const { page, context } = await open("admin@example.org", "/grid/board");
  await addDates(page);
  await context.close();
});

after(async () => {
  await browser?.close();
  await stack?.stop();
});

async function open(email, path, options = {}) {
  const made = await newPage(browser, { viewport: { width: 1440, height: 900 }, ...options });
  await signIn(made.page, stack.base, email);
  await made.page.goto(stack.base + path);
  return made;
}

const patch = (page, operations) =>
  page.evaluate(
    async (body) => {
      const answer = await fetch("/api/fundraising/state", { method: "PATCH", headers: { "content-type": "application/json" }, body });
      return { status: answer.status, json: await answer.json() };
    },
    JSON.stringify({ operations }),
  );
const row = (page, id) => page.evaluate(async (path) => (await fetch(path)).json(), `/api/fundraising/rows/${id}`);

/** Next steps in this month, one day crowded; a column of moments. */
async function addDates(page) {
  const month = new Date().toISOString().slice(0, 7);
  const rows = await page.evaluate(async () => (await (await fetch("/api/fundraising/rows?limit=40")).json()).rows);
  const operations = [{ op: "add_column", id: "call_at", name: "Call at", type: "date_time" }];
  for (const [i, { id }] of rows.entries()) {
    const day = String(i < 7 ? 12 : 1 + ((i * 5) % 27)).padStart(2, "0");
    operations.push({ op: "set", row: id, column: "next_step_on", value: `${month}-${day}`, base: 9e15 });
    if (i < 3) operations.push({ op: "set", row: id, column: "call_at", value: `${month}-1${i}T14:30:00Z`, base: 9e15 });
  }
  const { status } = await patch(page, operations);
  assert.equal(status, 200);
}

const lane = (page, name) => page.locator(".lane").filter({ has: page.getByRole("heading", { name, exact: false }) }).first();
const stageOf = async (page, id) => (await row(page, id)).cells.stage;

/** Drags with the real mouse: press, several moves, release. */
async function drag(page, from, to, { drop = true } = {}) {
  const [a, b] = [await from.boundingBox(), await to.boundingBox()];
  await page.mouse.move(a.x + a.width / 2, a.y + 12);
  await page.mouse.down();
  await page.mouse.move(a.x + a.width / 2 + 20, a.y + 30, { steps: 4 });
  await page.mouse.move(b.x + b.width / 2, b.y + Math.min(b.height / 2, 200), { steps: 12 });
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  if (drop) await page.mouse.up();
}

test("a card is dragged to another column, saved, and taken back", async () => {
  const { page, context, problems } = await open("member@example.org", "/grid/board");
  const card = lane(page, "Lead").locator("[data-card]").nth(1);
  const id = await card.getAttribute("data-card");
  const before = await lane(page, "Engaged").locator(".lane-count").innerText();
  await drag(page, card, lane(page, "Engaged").locator("[data-cards]"));
  await page.getByText(/moved to Engaged/).waitFor();
  assert.equal(await stageOf(page, id), "engaged");
  await until(async () => (await lane(page, "Engaged").locator(".lane-count").innerText()) !== before, "the count follows");
  await page.locator(".toast").getByRole("button", { name: "Undo" }).click();
  await page.getByText("Undone.").waitFor();
  await until(async () => (await stageOf(page, id)) === "lead", "it is back");
  await lane(page, "Lead").locator(`#card-${id}`).waitFor();
  assert.deepEqual(problems, []);
  await context.close();
});

test("a card is moved with the keyboard alone, and put back with Escape", async () => {
  const { page, context, problems } = await open("member@example.org", "/grid/board");
  const link = lane(page, "Lead").locator("[data-card] h3 a").first();
  const id = (await link.getAttribute("id")).replace("open-", "");
  const says = () => page.locator("[data-says]").innerText();
  await link.focus();
  await page.keyboard.press("Space");
  assert.match(await says(), /picked up/);
  await page.keyboard.press("ArrowRight");
  assert.match(await says(), /Engaged/);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Escape");
  assert.match(await says(), /back where it was/);
  assert.equal(await stageOf(page, id), "lead");
  assert.equal(await page.evaluate(() => document.activeElement.id), `open-${id}`, "the focus stays on the card");
  await page.keyboard.press("Space");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Space");
  await page.getByText(/moved to Engaged/).waitFor();
  assert.equal(await stageOf(page, id), "engaged");
  await until(() => page.evaluate((want) => document.activeElement.id === want, `open-${id}`), "the focus stays through the refresh");
  assert.equal(new URL(page.url()).pathname, "/grid/board");
  assert.deepEqual(problems, []);
  await context.close();
});

test("two people move one card: the second sees both values, and the card goes back", async () => {
  const { page, context } = await open("member@example.org", "/grid/board");
  const card = lane(page, "Lead").locator("[data-card]").first();
  const id = await card.getAttribute("data-card");
  // While the card is held, somebody else changes its stage: nothing is swapped.
  await drag(page, card, lane(page, "Diligence").locator("[data-cards]"), { drop: false });
  await patch(page, [{ op: "set", row: id, column: "stage", value: "lost", base: 9e15 }]);
  await new Promise((resolve) => setTimeout(resolve, 900));
  assert.equal(await page.locator(`.is-carried#card-${id}`).count(), 1, "still held");
  await page.mouse.up();
  await page.getByText(/you chose Diligence, it is Lost now/).waitFor();
  await lane(page, "Lost").locator(`#card-${id}`).waitFor();
  assert.equal(await stageOf(page, id), "lost");
  await context.close();
});

test("the board follows what others do", async () => {
  const { page, context } = await open("member@example.org", "/grid/board");
  const other = await open("admin@example.org", "/grid/board");
  const card = lane(page, "Lead").locator("[data-card]").nth(2);
  const id = await card.getAttribute("data-card");
  await patch(other.page, [{ op: "set", row: id, column: "stage", value: "commitment", base: 9e15 }]);
  await lane(page, "Commitment").locator(`#card-${id}`).waitFor();
  await Promise.all([context.close(), other.context.close()]);
});

test("without scripts each card has a form, and the move can be undone", async () => {
  const { page, context } = await open("member@example.org", "/grid/board", { javaScriptEnabled: false });
  const card = lane(page, "Lead").locator("[data-card]").first();
  const id = await card.getAttribute("data-card");
  await card.getByText("Move to…").click();
  await card.getByRole("combobox").selectOption({ label: "Diligence" });
  await card.getByRole("button", { name: "Move" }).click();
  await page.getByText(/moved to Diligence/).waitFor();
  await lane(page, "Diligence").locator(`#card-${id}`).waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await lane(page, "Lead").locator(`#card-${id}`).waitFor();
  await context.close();
});

test("an entry is dragged to another day; a moment keeps its time", async () => {
  const { page, context, problems } = await open("member@example.org", "/grid/calendar?by=call_at");
  const entry = page.locator(".month [data-card]").first();
  const id = await entry.getAttribute("data-card");
  const month = new Date().toISOString().slice(0, 7);
  await drag(page, entry, page.locator(`[data-zone="${month}-19"]`));
  await page.getByText(/moved to .* 19 /).waitFor();
  assert.equal((await row(page, id)).cells.call_at, `${month}-19T14:30:00Z`);
  const link = page.locator(`#open-${id}`);
  await link.focus();
  await page.keyboard.press("Space");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Space");
  await page.getByText(/moved to .* 11 /).waitFor();
  assert.equal((await row(page, id)).cells.call_at, `${month}-11T14:30:00Z`);
  assert.deepEqual(problems, []);
  await context.close();
});

test("without scripts the date has a form", async () => {
  const month = new Date().toISOString().slice(0, 7);
  const { page, context } = await open("member@example.org", "/grid/calendar?by=next_step_on", { javaScriptEnabled: false });
  const entry = page.locator(`[data-zone="${month}-12"] [data-card]`).first();
  const id = await entry.getAttribute("data-card");
  await entry.locator("summary").click();
  await entry.locator("input[type=date]").fill(`${month}-20`);
  await entry.getByRole("button", { name: "Save" }).click();
  await page.locator(`[data-zone="${month}-20"] #card-${id}`).waitFor();
  await page.getByRole("button", { name: "Undo" }).waitFor();
  await context.close();
});

const pages = {
  board: "/grid/board?q=Endowment",
  "board-list": "/grid/board?by=@list&q=Endowment",
  "board-fixed": "/grid/board?by=@staleness&q=Endowment",
  "board-nothing": "/grid/board?q=nobody-has-this-name",
  "board-bad": "/grid/board?view=gone&by=gone",
  calendar: "/grid/calendar?by=next_step_on",
  "calendar-times": "/grid/calendar?by=call_at",
  "calendar-bare": "/grid/calendar?month=2031-02",
};

for (const width of [360, 1440]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`both layouts at ${width} px, ${colorScheme}`, async (t) => {
      const { page, context, problems } = await open("member@example.org", "/", { viewport: { width, height: 900 }, colorScheme });
      for (const [name, path] of Object.entries(pages)) {
        await t.test(name, () => inspect(page, name, path, problems));
      }
      await context.close();
    });
  }
}

async function inspect(page, name, path, problems) {
  problems.length = 0;
  await page.goto(stack.base + path);
  await page.locator("h1").waitFor();
  await looksWell(page, name);
  assert.deepEqual(problems, [], name);
}
