// The palette, the search page, the activity feed and feature requests: with
// scripts and without, by keyboard, offline, at phone and desktop width.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { call, launch, looksWell, newPage, signIn, startStack, until } from "./stack.mjs";

let stack, browser, investor;

before(async () => {
  stack = await startStack({ demo: true });
  stack.addUser("admin@example.org", "admin");
  stack.addUser("member@example.org", "member");
  browser = await launch();
  const { page, context } = await open("admin@example.org", "/day");
  await makeThings(page);
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

const search = async (page, query) => (await call(page, "GET", `/api/search?q=${encodeURIComponent(query)}`)).json;

/** An investor of a rare name, with a note, a task and a call; another that is archived; two wishes. */
async function makeThings(page) {
  const name = (await call(page, "GET", "/api/fundraising/state?limit=1")).json.columns[0].id;
  const state = "/api/fundraising/state";
  const rows = ["Quixote Windmill Foundation", "Quixote Old Office"].map((text, n) => ({ op: "add_row", id: `quixote-${n}`, cells: { [name]: text } }));
  const made = await call(page, "PATCH", state, { operations: rows });
  assert.equal(made.status, 200, JSON.stringify(made.json));
  investor = "quixote-0";
  await call(page, "PATCH", state, { operations: [{ op: "archive", row: "quixote-1", reason: "gone" }] });
  await call(page, "POST", "/api/fundraising/notes", { row: investor, body: "They fight **windmills** and want the data room." });
  await call(page, "POST", "/api/reminders", { title: "Bring a lance to the windmill", due: "tomorrow", assignee: "me", row: investor });
  await call(page, "POST", "/api/fundraising/log-communication", { investor, kind: "call", note: "A windmill call.", contact: { name: "Sancho Placeholder", email: "sancho@example.org" } });
  const wish = (title, body) => call(page, "POST", "/api/feature-requests", { title, body });
  const first = await wish("Show birthdays of contacts", "On the day page, a week ahead.\nWith a way to log the call at once.");
  await wish("Print the pipeline on one page", "");
  await call(page, "PATCH", `/api/feature-requests/${first.json.id}`, { status: "planned", answer: "With the next release" });
  await until(async () => (await search(page, "quixote")).groups.some((g) => g.kind === "investor" && g.total === 2), "the sync wrote both");
}

const palette = (page) => page.getByRole("dialog", { name: "Search or jump to" });
const option = (page, name) => palette(page).getByRole("option", { name });

async function openPalette(page) {
  await page.keyboard.press("Control+k");
  await palette(page).waitFor();
}

test("typing finds by kind, marks what matches, and Enter opens it", async () => {
  const { page, context, problems } = await open("member@example.org", "/funds");
  await openPalette(page);
  await page.keyboard.type("windm");
  await option(page, /Quixote Windmill Foundation/).first().waitFor();
  const groups = await palette(page).getByRole("group").evaluateAll((all) => all.map((g) => g.querySelector(".palette-head").textContent));
  assert.deepEqual(groups, ["Investors", "Tasks", "Notes", "Search"]);
  assert.equal(await palette(page).locator("mark").first().textContent(), "Windmill");
  assert.equal(await option(page, /Quixote Windmill/).first().getAttribute("aria-selected"), "true");
  await page.keyboard.press("ArrowDown");
  const active = await palette(page).getByRole("combobox").getAttribute("aria-activedescendant");
  assert.equal(await page.locator(`#${active}`).getAttribute("aria-selected"), "true");
  assert.match(await page.locator(`#${active}`).textContent(), /Bring a lance/);
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/investors/${investor}`);
  assert.deepEqual(problems, []);
  await context.close();
});

test("typos are forgiven and told, archived ones stand last and say so", async () => {
  const { page, context, problems } = await open("member@example.org", "/funds");
  await openPalette(page);
  await page.keyboard.type("quixoet");
  await option(page, /Quixote Windmill/).first().waitFor();
  await palette(page).getByText("Also shown: quixote").waitFor();
  const lines = await palette(page).getByRole("group", { name: "Investors" }).getByRole("option").allTextContents();
  assert.match(lines[0], /Windmill/);
  assert.match(lines[1], /Old Office.*Archived/);
  assert.deepEqual(problems, []);
  await context.close();
});

test("an impatient Enter waits for the answer; pages and actions are there at once", async () => {
  const { page, context } = await open("member@example.org", "/funds");
  await page.route("**/api/search**", async (route) => {
    await new Promise((done) => setTimeout(done, 900));
    await route.continue();
  });
  await openPalette(page);
  await page.keyboard.type("lance");
  await page.keyboard.press("Enter");
  await palette(page).getByText("Still searching…").waitFor();
  await page.waitForURL("**/tasks/*");
  await openPalette(page);
  await page.keyboard.type("pipel");
  await option(page, /^Pipeline/).waitFor({ timeout: 500 });
  await page.keyboard.press("Enter");
  await page.waitForURL("**/pipeline");
  await context.close();
});

test("what was looked at comes first next time, for this person alone", async () => {
  const { page, context } = await open("member@example.org", `/investors/${investor}`);
  await page.goto(`${stack.base}/funds`);
  await openPalette(page);
  const recent = palette(page).getByRole("group", { name: "Recent" });
  assert.match(await recent.getByRole("option").first().textContent(), /Quixote Windmill/);
  assert.equal(await palette(page).getByRole("option").first().textContent(), await recent.getByRole("option").first().textContent());
  await page.keyboard.press("Escape");
  await palette(page).waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Sign out" }).first().click();
  await page.getByRole("link", { name: /Sign in/ }).waitFor();
  assert.equal(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("crm-recent")).length), 0);
  await signIn(page, stack.base, "admin@example.org");
  await openPalette(page);
  assert.equal(await recent.count(), 0);
  await context.close();
});

test("offline it says so and still leads to pages", async () => {
  const { page, context } = await open("member@example.org", "/funds");
  await openPalette(page);
  await context.setOffline(true);
  await page.keyboard.type("imports");
  await palette(page).getByText(/You are offline/).waitFor();
  await option(page, /^Imports/).waitFor();
  await context.setOffline(false);
  await page.keyboard.type(" ");
  await page.keyboard.press("Backspace");
  await palette(page).getByText(/You are offline/).waitFor({ state: "hidden" });
  await context.close();
});

test("without scripts a search box leads to the same results, page by page", async () => {
  const { page, context, problems } = await open("member@example.org", "/funds", { javaScriptEnabled: false });
  await page.getByRole("search", { name: "Everything" }).getByLabel("Search everything").fill("windmill");
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: /Investors/ }).getByRole("link", { name: "Quixote Windmill Foundation" }).waitFor();
  await page.getByRole("region", { name: /Notes/ }).getByText("They fight windmills").waitFor();
  await page.getByRole("navigation", { name: "Kinds" }).getByRole("link", { name: /Tasks/ }).click();
  assert.equal(await page.getByRole("region", { name: /Investors/ }).count(), 0);
  await page.getByRole("link", { name: /Bring a lance/ }).click();
  await page.waitForURL("**/tasks/*");
  await page.goto(`${stack.base}/search?q=sample&kind=investor`);
  await page.getByRole("link", { name: "Next" }).click();
  await page.getByText("page 2 of").waitFor();
  assert.deepEqual(problems, []);
  await context.close();
});

test("the feed tells each thing once, with links, by person and day, page by page", async () => {
  const { page, context, problems } = await open("admin@example.org", "/activity");
  const entry = (text) => page.locator(".feed > li", { hasText: text });
  await entry("wrote a note on").getByRole("link", { name: "Quixote Windmill Foundation" }).waitFor();
  await entry("Sample admin added 2 investors").waitFor();
  assert.equal(await entry("archived").filter({ hasText: "Quixote Old Office" }).count(), 1);
  await page.getByRole("link", { name: "Older" }).click();
  await page.getByRole("link", { name: "Newest" }).waitFor();
  await page.getByRole("combobox", { name: "What" }).selectOption({ label: "Audit log, whole" });
  await page.getByRole("combobox", { name: "Who" }).selectOption({ label: "Sample admin" });
  await page.getByRole("button", { name: "Filter" }).click();
  await entry("127.0.0.1").first().waitFor();
  await page.getByRole("combobox", { name: "Action" }).selectOption({ label: "archived" });
  await page.getByRole("button", { name: "Filter" }).click();
  await until(async () => (await page.locator(".feed > li").count()) === 1, "one entry");
  await page.getByLabel("To", { exact: true }).fill("2020-01-01");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByText("Nothing to show").waitFor();
  assert.deepEqual(problems, []);
  await context.close();
});

test("wishes are made, voted for, answered, changed and taken back", async () => {
  for (const javaScriptEnabled of [true, false]) {
    const title = `Larger letters ${javaScriptEnabled ? "with" : "without"} scripts`;
    const { page, context, problems } = await open("member@example.org", "/day", { javaScriptEnabled });
    await page.getByRole("link", { name: "Feature requests" }).first().click();
    await page.getByRole("heading", { name: "Wish for something" }).click();
    await page.getByLabel("In a few words").fill(title);
    await page.getByRole("button", { name: "Add the wish" }).click();
    await page.getByText("Your wish is on the list").waitFor();
    const wish = () => page.locator(".requests > li", { hasText: title });
    await wish().getByRole("button", { name: /Take your vote back/ }).click();
    await wish().getByRole("button", { name: /Vote for .*0 so far/ }).waitFor();
    await wish().getByRole("link", { name: /Change/ }).click();
    await page.getByLabel("What it would help with").fill("My eyes.");
    await page.getByRole("button", { name: "Save" }).click();
    await wish().getByText("My eyes.").waitFor();
    assert.equal(await wish().getByText("Answer").count(), 0);
    await wish().getByRole("button", { name: /Delete/ }).click();
    await page.getByText("is deleted.").waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await wish().waitFor();
    assert.deepEqual(problems, []);
    await context.close();
    const admin = await open("admin@example.org", "/feature-requests", { javaScriptEnabled });
    const same = admin.page.locator(".requests > li", { hasText: title });
    await same.getByText("Answer", { exact: false }).first().click();
    await same.getByLabel("Status").selectOption("done");
    await same.getByLabel("With a word").fill("Since today");
    await same.getByRole("button", { name: "Answer" }).click();
    await same.getByText("Since today").waitFor();
    await admin.context.close();
  }
});

const looks = [360, 1440].flatMap((width) => ["light", "dark"].map((colorScheme) => ({ width, colorScheme })));
for (const look of looks) {
  test(`finding and wishing at ${look.width} px, ${look.colorScheme}`, async (t) => {
    const options = { viewport: { width: look.width, height: 900 }, colorScheme: look.colorScheme };
    const { page, context, problems } = await open("admin@example.org", "/day", options);
    const pages = {
      "found-search": "/search?q=windmill",
      "found-typo": "/search?q=quixoet",
      "found-kind": "/search?q=sample&kind=contact",
      "found-nothing": "/search?q=xylophonic",
      "found-blank": "/search",
      "found-activity": "/activity",
      "found-audit": "/activity?source=audit",
      "found-requests": "/feature-requests",
    };
    for (const [name, path] of Object.entries(pages)) {
      await t.test(name, async () => {
        await page.goto(stack.base + path);
        await page.locator("h1").first().waitFor();
        await looksWell(page, name);
      });
    }
    for (const [name, text] of [["found-palette-empty", ""], ["found-palette", "windmill"], ["found-palette-typo", "quixoet"], ["found-palette-nothing", "xylophonic"]]) {
      await t.test(name, async () => {
        await page.goto(`${stack.base}/funds`);
        await openPalette(page);
        await page.keyboard.type(text);
        if (text) await until(async () => (await palette(page).locator("mark").count()) > 0 || /Nothing found/.test(await palette(page).getByRole("status").textContent()), "an answer");
        await looksWell(page, name, { fullPage: false });
      });
    }
    assert.deepEqual(problems, []);
    await context.close();
  });
}
