// My day, tasks, notes, the quick log, files and the investor's timeline: with
// scripts and without, at phone and desktop width, light and dark.

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
  investor = await page.evaluate(async () => (await (await fetch("/api/fundraising/rows?limit=1")).json()).rows[0].id);
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

/** Tasks of every kind, a note that calls on the member, a call. */
async function makeThings(page) {
  for (const [title, due, assignee, repeat] of [
    ["Send the data room", "2026-01-05", "me", null],
    ["Call about the side letter", "today", "me", null],
    ["Weekly update to the anchor", "tomorrow", "me", "FREQ=WEEKLY"],
    ["Tidy up the deck", null, "team", null],
  ]) {
    const made = await call(page, "POST", "/api/reminders", { title, due, assignee, repeat, row: investor });
    assert.equal(made.status, 201, JSON.stringify(made.json));
  }
  const note = "**Met in Vienna.** They want:\n\n- the data room\n- a call with @Sample member\n\nSee https://example.org/deck";
  assert.equal((await call(page, "POST", "/api/fundraising/notes", { row: investor, body: note })).status, 201);
  const log = { investor, kind: "call", note: "Wants *two* references.", contact: { name: "Alex Placeholder", email: "alex@example.org" } };
  assert.equal((await call(page, "POST", "/api/fundraising/log-communication", log)).status, 200);
}

test("a task is added as people speak, snoozed and done with one key, and taken back", async () => {
  const { page, context, problems } = await open("member@example.org", "/day");
  await page.getByLabel("What is to be done").fill("Write to the notary");
  await page.getByLabel("When").fill("in two weeks");
  await page.locator(".hint.is-understood", { hasText: /day, \d+ \w+ \d{4}/ }).waitFor();
  await page.getByLabel("When").fill("today");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByText("“Write to the notary” is due on").waitFor();
  const task = () => page.locator("[data-task]", { hasText: "Write to the notary" });
  await task().getByRole("link", { name: "Write to the notary" }).focus();
  await page.keyboard.press("s");
  await page.getByText("Snoozed until").waitFor();
  await page.locator(".toast").getByRole("button", { name: "Undo" }).click();
  await page.getByText("The task is open again.").waitFor();
  await task().getByRole("link", { name: "Write to the notary" }).focus();
  await page.keyboard.press("d");
  await page.getByText("“Write to the notary” is done.").waitFor();
  assert.equal(await task().count(), 0);
  assert.deepEqual(problems, []);
  await context.close();
});

test("without scripts the day works the same, and a bad day keeps what was typed", async () => {
  const { page, context } = await open("member@example.org", "/day", { javaScriptEnabled: false });
  await page.getByLabel("What is to be done").fill("Ask the lawyer");
  await page.getByLabel("When").fill("whenever");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByText(/is no day: write/).waitFor();
  assert.equal(await page.getByLabel("What is to be done").inputValue(), "Ask the lawyer");
  await page.getByLabel("When").fill("tomorrow");
  await page.getByRole("button", { name: "Add the task" }).click();
  const task = page.locator("[data-task]", { hasText: "Ask the lawyer" });
  await task.locator("summary").click();
  await task.getByRole("button", { name: "Next week" }).click();
  await page.getByText("Snoozed until").waitFor();
  await page.getByRole("heading", { name: /Snoozed/ }).click();
  await task.getByRole("button", { name: /as done/ }).click();
  await page.getByText("“Ask the lawyer” is done.").waitFor();
  await context.close();
});

test("notes, contacts, tasks and files are added on the investor's page and stand in the timeline", async () => {
  for (const javaScriptEnabled of [true, false]) {
    const { page, context, problems } = await open("member@example.org", `/investors/${investor}`, { javaScriptEnabled });
    const mark = javaScriptEnabled ? "with scripts" : "without scripts";
    await page.getByLabel("Note", { exact: true }).last().fill(`Note **${mark}** <b>raw</b>`);
    await page.getByRole("button", { name: "Save the note" }).click();
    const timeline = page.getByRole("region", { name: "Timeline" });
    await timeline.locator("strong", { hasText: mark }).waitFor();
    assert.equal(await timeline.locator(".note-body b").count(), 0, "raw HTML stays text");
    await page.getByLabel("Log contact").check();
    await page.getByLabel("Kind", { exact: true }).selectOption("meeting");
    await page.getByLabel("With", { exact: true }).fill("Alex Placeholder");
    await page.getByRole("button", { name: "Log it" }).click();
    await timeline.getByText("logged a meeting with").first().waitFor();
    await page.getByLabel("File", { exact: true }).check();
    await page.getByLabel("File, up to 25 MB").setInputFiles({ name: `${mark}.html`, mimeType: "text/plain", buffer: Buffer.from("<p>no") });
    await page.getByRole("button", { name: "Attach it" }).click();
    await page.getByText("The file was not attached").waitFor();
    await page.getByLabel("File", { exact: true }).check();
    await page.getByLabel("File, up to 25 MB").setInputFiles({ name: `${mark}.csv`, mimeType: "text/html", buffer: Buffer.from(`a;b\n${mark}`) });
    await page.getByRole("button", { name: "Attach it" }).click();
    await page.getByRole("region", { name: "Files" }).getByRole("link", { name: `${mark}.csv` }).waitFor();
    await timeline.getByRole("link", { name: "Files" }).click();
    await timeline.getByText("attached a file").first().waitFor();
    assert.equal(await timeline.locator(".kind-notes").count(), 0);
    assert.deepEqual(problems.filter((p) => !/status of 422/.test(p)), []);
    await context.close();
  }
});

test("who is mentioned sees it on their day", async () => {
  const { page, context } = await open("member@example.org", "/day");
  const mentions = page.getByRole("region", { name: "Mentioned" });
  await mentions.getByText("a call with @Sample member").waitFor();
  await mentions.getByRole("link").first().click();
  await page.locator(".mention", { hasText: "@Sample member" }).first().waitFor();
  await context.close();
});

test("a calendar reads the feed, and no longer once it is revoked", async () => {
  const { page, context } = await open("admin@example.org", "/settings/account");
  await page.getByRole("button", { name: "Make a calendar address" }).click();
  const url = await page.getByLabel("Address of your calendar").inputValue();
  const feed = await fetch(url);
  assert.equal(feed.status, 200);
  assert.match((await feed.text()).replaceAll("\r\n ", ""), /SUMMARY:Send the data room[\s\S]*RRULE:FREQ=WEEKLY/);
  await page.getByRole("button", { name: "Revoke it" }).click();
  await page.getByText("The calendar's address is revoked.").waitFor();
  assert.equal((await fetch(url)).status, 404);
  await context.close();
});

const looks = [360, 1440].flatMap((width) => ["light", "dark"].map((colorScheme) => ({ width, colorScheme })));
for (const look of looks) {
  test(`the pages of people at ${look.width} px, ${look.colorScheme}`, async (t) => {
    const options = { viewport: { width: look.width, height: 900 }, colorScheme: look.colorScheme };
    const { page, context, problems } = await open("admin@example.org", "/day", options);
    const task = (await call(page, "GET", "/api/reminders?limit=1")).json.tasks[0].id;
    const note = (await call(page, "GET", `/api/fundraising/notes?row=${investor}`)).json.notes[0].id;
    const pages = {
      "people-day": "/day",
      "people-investor": `/investors/${investor}`,
      "people-changes": `/investors/${investor}?show=changes`,
      "people-task": `/tasks/${task}`,
      "people-note": `/notes/${note}`,
      "people-log": `/log?investor=Sample`,
      "people-account": "/settings/account",
    };
    for (const [name, path] of Object.entries(pages)) {
      await t.test(name, async () => {
        await page.goto(stack.base + path);
        await page.locator("h1").first().waitFor();
        await looksWell(page, name);
      });
    }
    assert.deepEqual(problems, []);
    await context.close();
  });
}

test("tasks are walked through by keys without losing the place", async () => {
  const { page, context } = await open("admin@example.org", "/day");
  await page.keyboard.press("ArrowDown");
  await until(() => page.evaluate(() => document.activeElement?.hasAttribute("data-task-link")), "the first task has the focus");
  await page.keyboard.press("ArrowDown");
  const second = await page.evaluate(() => [...document.querySelectorAll("[data-task-link]")].indexOf(document.activeElement));
  assert.equal(second, 1);
  await context.close();
});
