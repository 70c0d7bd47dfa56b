// The grid island against the real api: what one person does, two people at
// once, and a network that goes away.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, looksWell, newPage, signIn, startStack, until } from "./stack.mjs";

let stack, browser, one;

before(async () => {
  stack = await startStack({ demo: true });
  stack.addUser("admin@example.org", "admin");
  stack.addUser("member@example.org", "member");
  browser = await launch();
  one = await openGrid("admin@example.org");
});

after(async () => {
  await browser?.close();
  await stack?.stop();
});

async function openGrid(email, options = {}) {
  const opened = await newPage(browser, { viewport: { width: 1440, height: 860 }, ...options });
  await opened.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await signIn(opened.page, stack.base, email);
  await goToGrid(opened.page);
  return opened;
}

async function goToGrid(page) {
  await page.goto(`${stack.base}/grid`);
  await page.locator("[role=grid], [role=treegrid]").first().waitFor();
  await page.locator(".g-row .g-c").first().waitFor();
  await saved(page);
}

const press = async (page, ...keys) => { for (const key of keys) await page.keyboard.press(key); };
const saved = (page) => page.getByRole("status").filter({ hasText: /^Saved$/ }).first().waitFor();

/** What a cell shows; both count from 0, the gutter aside. */
const cell = (page, line, column) =>
  page.evaluate(([rowIndex, colIndex]) => {
    const row = document.querySelector(`.g-body > [role=row].g-row[aria-rowindex="${rowIndex}"]`);
    const pinned = document.getElementById(row?.getAttribute("aria-owns").split(" ")[0] ?? "")?.parentElement;
    const all = [...(row?.children ?? []), ...(pinned?.children ?? [])];
    return all.find((it) => !it.hidden && it.getAttribute("aria-colindex") === colIndex)?.innerText ?? null;
  }, [line + 2, String(column + 2)]);
const shows = (page, line, column, wanted, seconds = 5) => until(async () => (await cell(page, line, column)) === wanted, `${line}/${column} shows ${wanted}`, seconds);

/** The place of a column by its name, and the arrows to get there. */
async function goTo(page, line, column) {
  await press(page, "Control+Home");
  for (let i = 0; i < line; i++) await press(page, "ArrowDown");
  for (let i = 0; i < column; i++) await press(page, "ArrowRight");
}

const paste = async (page, text) => {
  await page.evaluate((it) => navigator.clipboard.writeText(it), text);
  await press(page, "Control+v");
};

test("typing replaces a cell, and it is there after a reload", async () => {
  const { page } = one;
  await press(page, "Control+Home");
  await page.keyboard.type("Sample Typed Investor");
  await press(page, "Enter");
  await shows(page, 0, 0, "Sample Typed Investor");
  await saved(page);
  await goToGrid(page);
  await until(async () => (await page.evaluate(async () => (await (await fetch("/api/fundraising/order?search=Sample%20Typed%20Investor")).json()).total)) === 1, "the server has it");
});

test("undo and redo", async () => {
  const { page } = one;
  await goTo(page, 1, 0);
  const before = await cell(page, 1, 0);
  await page.keyboard.type("Sample Short-lived");
  await press(page, "Enter");
  await saved(page);
  await press(page, "Control+z");
  await shows(page, 1, 0, before);
  await press(page, "Control+y");
  await shows(page, 1, 0, "Sample Short-lived");
  await press(page, "Control+z");
  await shows(page, 1, 0, before);
});

test("200 × 10 cells from a spreadsheet are one request and one undo", async () => {
  const { page } = one;
  const patches = [];
  page.on("request", (request) => { if (request.method() === "PATCH") patches.push(request.url()); });
  const table = Array.from({ length: 200 }, (_, i) => [`Sample Pasted ${i}`, ...Array.from({ length: 9 }, () => "")].join("\t")).join("\n");
  await press(page, "Control+Home");
  const before = await cell(page, 0, 0);
  await paste(page, table);
  const more = page.getByRole("button", { name: /^Add \d+ rows?$/ });
  await shows(page, 0, 0, "Sample Pasted 0").catch(async () => more.click());
  await shows(page, 2, 0, "Sample Pasted 2");
  await until(() => patches.length > 0, "the paste is sent", 5);
  await saved(page);
  await page.keyboard.press("Escape");
  assert.equal(patches.length, 1);
  await press(page, "Control+Home", "Control+z");
  await shows(page, 0, 0, before, 10);
});

test("the fill handle goes on counting", async () => {
  const { page } = one;
  await goTo(page, 2, 0);
  await page.keyboard.type("Sample 1");
  await press(page, "Enter");
  await page.keyboard.type("Sample 2");
  await press(page, "Enter", "ArrowUp", "ArrowUp", "Shift+ArrowDown");
  const handle = await page.locator(".g-handle").boundingBox();
  await page.mouse.move(handle.x + 4, handle.y + 4);
  await page.mouse.down();
  await page.mouse.move(handle.x + 4, handle.y + 70, { steps: 4 });
  await page.mouse.up();
  await shows(page, 4, 0, "Sample 3");
  await shows(page, 5, 0, "Sample 4");
  await saved(page);
});

test("two people: an edit arrives within a second, and a crossing one is a conflict", async () => {
  const two = await openGrid("member@example.org");
  await goTo(one.page, 3, 0);
  await one.page.keyboard.type("Sample From One");
  await press(one.page, "Enter");
  await until(async () => (await two.page.locator(".g-c", { hasText: "Sample From One" }).count()) > 0, "the other sees it", 3);
  const line = Number(await two.page.evaluate(() => [...document.querySelectorAll(".g-pane .g-row")].find((row) => row.innerText.includes("Sample From One"))?.querySelector(".g-gutter").innerText)) - 1;

  await two.context.setOffline(true);
  await goTo(two.page, line, 0);
  await two.page.keyboard.type("Sample From Two");
  await press(two.page, "Enter");
  await two.page.getByRole("status").filter({ hasText: "Offline (1 edit waiting)" }).waitFor();
  await goTo(one.page, 3, 0);
  await one.page.keyboard.type("Sample Crossing");
  await press(one.page, "Enter");
  await until(async () => (await one.page.evaluate(async () => (await (await fetch("/api/fundraising/order?search=Sample%20Crossing")).json()).total)) === 1, "the server has it");
  await two.context.setOffline(false);
  await two.page.getByRole("button", { name: "Keep mine" }).waitFor();
  await two.page.getByText("Sample Crossing").first().waitFor();
  await two.page.getByRole("button", { name: "Keep mine" }).click();
  await saved(two.page);
  await until(async () => (await one.page.locator(".g-c", { hasText: "Sample From Two" }).count()) > 0, "mine won", 3);
  await two.context.close();
});

test("an edit made offline survives a reload and is sent on reconnecting", async () => {
  const { page, context } = one;
  // Only saving is cut off: without any network there would be no page to reload.
  await context.route("**/api/fundraising/state", (route) => (route.request().method() === "PATCH" ? route.abort() : route.continue()));
  await press(page, "Control+Home");
  await page.keyboard.type("Sample Made Offline");
  await press(page, "Enter");
  await page.getByRole("status").filter({ hasText: /Offline/ }).waitFor();
  await page.reload();
  await page.locator(".g-c", { hasText: "Sample Made Offline" }).first().waitFor();
  await page.getByRole("status").filter({ hasText: /Offline/ }).waitFor();
  await context.unroute("**/api/fundraising/state");
  await page.getByRole("status").filter({ hasText: /Offline/ }).click();
  await saved(page);
  const total = await page.evaluate(async () => (await (await fetch("/api/fundraising/order?search=Sample%20Made%20Offline")).json()).total);
  assert.equal(total, 1);
});

for (const width of [360, 1440]) {
  test(`no serious finding of axe at ${width} px`, async () => {
    const { page, context } = await openNarrow(width);
    await looksWell(page, "grid-narrow");
    await context.close();
  });
}

async function openNarrow(width) {
  const opened = await newPage(browser, { viewport: { width, height: 800 } });
  await signIn(opened.page, stack.base, "member@example.org");
  await opened.page.goto(`${stack.base}/grid`);
  await opened.page.locator(width < 640 ? ".g-card" : ".g-row").first().waitFor();
  return opened;
}
