// Rules in the browser: built, tried, fired by an edit of the grid, looked into,
// taken back; questions answered; the builder without scripts; every page at phone
// and desktop width, light and dark.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { call, launch, looksWell, newPage, signIn, startStack, until } from "./stack.mjs";

let stack, browser, rows;

before(async () => {
  stack = await startStack({ demo: true });
  stack.addUser("admin@example.org", "admin");
  stack.addUser("member@example.org", "member");
  browser = await launch();
  const { page, context } = await open("admin@example.org", "/automations");
  rows = (await call(page, "GET", "/api/fundraising/rows?limit=40")).json.rows.map((row) => row.id);
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

/** Sets a cell as the grid does. */
async function setCell(page, row, column, value) {
  const operations = [{ op: "set", row, column, value, base: 9_000_000 }];
  const answer = await call(page, "PATCH", "/api/fundraising/state", { operations });
  assert.equal(answer.status, 200, JSON.stringify(answer.json));
  assert.equal(answer.json.changes, 1, "the edit changes something");
}

async function runOf(page, rule, state) {
  let run;
  await until(async () => {
    const found = (await call(page, "GET", `/api/automations/runs?rule=${rule}&state=${state}`)).json.runs;
    run = found[0];
    return Boolean(run);
  }, `a run that is ${state}`);
  return run;
}

const ruleNamed = async (page, name) => (await call(page, "GET", "/api/automations/rules")).json.rules.find((rule) => rule.name === name);

test("a rule is built, tried and saved; an edit fires it; its run says why and is taken back", async () => {
  const { page, context, problems } = await open("admin@example.org", "/automations");
  await page.getByRole("link", { name: "New rule" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Sample cities");
  await page.getByLabel("Which field").selectOption({ label: "City" });
  await page.getByLabel("To", { exact: true }).first().fill("Lisbon");
  await page.locator("#a0-list").selectOption("longshot");
  await page.locator("#a0-reason").fill("{Name} moved away");
  await page.getByRole("button", { name: "Try it" }).click();
  await page.getByText("It would have fired 0 times in the last 90 days").waitFor();
  await page.locator("#sentence", { hasText: "When City becomes Lisbon, move it to Longshot and say why." }).waitFor();
  await page.getByRole("button", { name: "Add a condition" }).click();
  await page.getByLabel("Field", { exact: true }).selectOption({ label: "List" });
  await page.getByLabel("Is", { exact: true }).selectOption("is_not");
  await page.getByLabel("Value", { exact: true }).selectOption({ label: "Longshot" });
  await page.locator("#sentence", { hasText: "if List is not Longshot" }).waitFor();
  await page.getByLabel(/^On: it goes for/).check();
  await page.getByRole("button", { name: "Save the rule" }).click();
  await page.getByText("The rule is saved and on.").waitFor();
  const rule = await ruleNamed(page, "Sample cities");
  assert.equal(rule.enabled, true);
  const main = (await call(page, "GET", "/api/fundraising/lists/main?limit=5")).json.rows[0];
  await setCell(page, main.row_id, "city", "Lisbon");
  const run = await runOf(page, rule.id, "done");
  await page.goto(`${stack.base}/automations/runs`);
  await page.getByRole("link", { name: "Sample cities" }).first().click();
  await page.getByText(/City went from .* to “Lisbon”/).waitFor();
  await page.getByRole("link", { name: "Moved to Longshot." }).waitFor();
  await page.goto(`${stack.base}/investors/${main.row_id}`);
  await page.getByText("Rule “Sample cities”: “").waitFor();
  await page.getByRole("link", { name: "The run" }).click();
  assert.match(page.url(), new RegExp(`/automations/runs/${run.id}$`));
  await page.getByRole("button", { name: "Take it back" }).click();
  await page.getByText("All that the run did is taken back.").waitFor();
  await page.getByText("Taken back", { exact: true }).waitFor();
  const now = (await call(page, "GET", "/api/fundraising/lists/longshot?limit=500")).json.rows.map((row) => row.row_id);
  assert.ok(!now.includes(main.row_id), "it is back on its list");
  assert.deepEqual(problems, []);
  await context.close();
});

test("questions are answered one by one and together", async () => {
  const { page, context, problems } = await open("admin@example.org", "/automations");
  const waiting = page.getByRole("form", { name: "Waiting for an answer" }).or(page.locator("form[aria-labelledby=questions]")).first();
  await waiting.waitFor();
  const boxes = waiting.getByRole("checkbox");
  const before = await boxes.count();
  assert.ok(before >= 2, `${before} questions of the demo fund`);
  await waiting.getByRole("link", { name: /^Look/ }).first().click();
  await page.getByText(/^Move it to Graveyard/).waitFor();
  await page.getByRole("button", { name: "No", exact: true }).click();
  await page.getByText(/^No: .* stays as it is/).waitFor();
  await boxes.first().check();
  await page.getByRole("button", { name: "Yes to the marked" }).click();
  await page.getByText("Yes to 1 question.").waitFor();
  assert.equal(await boxes.count(), before - 2);
  const rule = await ruleNamed(page, "Lost investors to Graveyard");
  const run = await runOf(page, rule.id, "done");
  await page.goto(`${stack.base}/lists/graveyard`);
  await page.getByRole("link", { name: run.row_title, exact: true }).waitFor();
  await page.getByText("They declined").first().waitFor();
  assert.deepEqual(problems, []);
  await context.close();
});

test("without scripts a rule is built line by line, switched off and deleted, and brought back", async () => {
  const { page, context } = await open("admin@example.org", "/automations/new", { javaScriptEnabled: false });
  await page.getByLabel("Name", { exact: true }).fill("Sample silence");
  await page.locator("#on").selectOption("no_contact");
  await page.getByRole("button", { name: "Show the fields for this" }).click();
  await page.getByLabel("Days", { exact: true }).fill("90");
  await page.locator("#a0-do").selectOption("create_task");
  await page.getByRole("button", { name: "Show the fields for this" }).click();
  await page.getByLabel("What is to be done").fill("Call {Name}");
  await page.locator("#a0-due").fill("whenever");
  await page.getByRole("button", { name: "Save the rule" }).click();
  await page.getByText(/is no day: write/).first().waitFor();
  assert.equal(await page.getByLabel("What is to be done").inputValue(), "Call {Name}", "what was typed stays");
  await page.locator("#a0-due").fill("in two weeks");
  await page.getByRole("button", { name: "Add an action" }).click();
  await page.getByText("Action 2", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Remove action 2" }).click();
  await page.getByRole("button", { name: "Try it" }).click();
  await page.getByText(/It would have fired \d+ times? in the last 90 days/).waitFor();
  await page.getByRole("button", { name: "Save the rule" }).click();
  await page.getByText("It is off until you switch it on.").waitFor();
  const rule = page.locator(".rule", { hasText: "Sample silence" });
  await rule.getByRole("button", { name: /Switch on/ }).click();
  await page.getByText("The rule is on.").waitFor();
  await rule.getByRole("link", { name: "Sample silence", exact: true }).click();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByText("“Sample silence” is deleted.").waitFor();
  await page.locator(".toast").getByRole("button", { name: "Undo" }).click();
  await page.getByText("The rule is back.").waitFor();
  await context.close();
});

test("a proposed email is shown with its investor, used, and that is undone", async () => {
  const { page, context, problems } = await open("admin@example.org", "/automations");
  const definition = { trigger: { on: "manual" }, actions: [{ do: "propose_email", subject: "News for {Name}", body: "Dear {Name},\nhere is the news." }] };
  const made = await call(page, "POST", "/api/automations/rules", { name: "Sample news", enabled: true, definition });
  assert.equal(made.status, 201, JSON.stringify(made.json));
  const started = await call(page, "POST", `/api/automations/rules/${made.json.id}/run`, { rows: [rows[3]] });
  assert.equal(started.json.runs, 1);
  await runOf(page, made.json.id, "done");
  await page.goto(`${stack.base}/investors/${rows[3]}`);
  await page.getByRole("heading", { name: "Proposed emails" }).waitFor();
  await page.goto(`${stack.base}/drafts`);
  const draft = page.locator(".draft", { hasText: "News for" });
  assert.match(await draft.getByRole("link", { name: "Open in your mail" }).getAttribute("href"), /^mailto:.*example\.org\?subject=News%20for/);
  await draft.getByRole("button", { name: /Mark as used/ }).click();
  await page.getByText(/is marked as used/).waitFor();
  await page.locator(".toast").getByRole("button", { name: "Undo" }).click();
  await page.getByText(/is proposed again/).waitFor();
  await draft.waitFor();
  assert.deepEqual(problems, []);
  await context.close();
});

test("members see and answer but write no rules", async () => {
  const { page, context } = await open("member@example.org", "/automations");
  assert.equal(await page.getByRole("link", { name: "New rule" }).count(), 0);
  assert.equal((await page.goto(`${stack.base}/automations/new`)).status(), 403);
  const rule = await ruleNamed(page, "Follow up when promised");
  await page.goto(`${stack.base}/automations/${rule.id}`);
  assert.equal(await page.getByRole("button", { name: "Save the rule" }).count(), 0);
  await context.close();
});

const looks = [360, 1440].flatMap((width) => ["light", "dark"].map((colorScheme) => ({ width, colorScheme })));
for (const look of looks) {
  test(`the pages of rules at ${look.width} px, ${look.colorScheme}`, async (t) => {
    const options = { viewport: { width: look.width, height: 900 }, colorScheme: look.colorScheme };
    const { page, context, problems } = await open("admin@example.org", "/automations", options);
    const rule = await ruleNamed(page, "Follow up when promised");
    const run = (await call(page, "GET", `/api/automations/runs?rule=${rule.id}`)).json.runs[0];
    const pages = {
      automations: "/automations",
      "automation-new": "/automations/new",
      automation: `/automations/${rule.id}`,
      "automation-runs": "/automations/runs",
      "automation-run": `/automations/runs/${run.id}`,
      drafts: "/drafts",
      "drafts-used": "/drafts?state=used",
      "list-graveyard": "/lists/graveyard",
      "list-investor": `/investors/${run.row_id}`,
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
