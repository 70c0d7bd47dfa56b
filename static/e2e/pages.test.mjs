// Every page, at phone and desktop width, light and dark: no serious axe finding,
// no sideways scrolling, no script or policy error. CRM_SHOTS=DIR keeps pictures.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { FIXTURE, launch, looksWell, newPage, signIn, startStack, until } from "./stack.mjs";

let stack, browser;
const paths = {};

before(async () => {
  stack = await startStack({ demo: true });
  stack.addUser("admin@example.org", "admin");
  stack.addUser("member@example.org", "member");
  browser = await launch();
  await makeThings();
});

after(async () => {
  await browser?.close();
  await stack?.stop();
});

/** A draft import, a backup, a failed job: pages should have something to show. */
async function makeThings() {
  const { page, context } = await newPage(browser);
  await signIn(page, stack.base, "admin@example.org");
  await page.goto(`${stack.base}/imports`);
  await page.getByLabel("Choose a CSV or Excel file").setInputFiles(FIXTURE);
  await page.getByRole("button", { name: "Upload and look at it" }).click();
  await page.waitForURL(/imports\/./);
  paths.draft = new URL(page.url()).pathname;
  await page.goto(`${stack.base}/backups`);
  await page.getByRole("button", { name: "Back up now" }).first().click();
  await page.getByText("Verified", { exact: true }).first().waitFor({ timeout: 30_000 });
  stack.run("crm-worker", ["enqueue", "verify_backup", "--json", '{"backup_id":"gone"}']);
  await until(async () => /verify_backup/.test(stack.run("crm-worker", ["jobs", "--state", "discarded"])), "a failure");
  await page.goto(`${stack.base}/grid`);
  paths.investor = `/investors/${await page.locator("table.grid tbody tr").first().getAttribute("id")}`;
  await page.goto(`${stack.base}/funds`);
  await page.goto(`${stack.base}/contacts`);
  paths.contact = await page.locator("tbody th a").first().getAttribute("href");
  await page.goto(`${stack.base}/funds`);
  paths.fund = await page.getByRole("link", { name: "Sample Fund III" }).getAttribute("href");
  await page.goto(`${stack.base}/grid`);
  paths.edit = await page.locator("table.grid tbody a.cell-edit").nth(2).getAttribute("href");
  await context.close();
}

const looks = [360, 1440].flatMap((width) => ["light", "dark"].map((colorScheme) => ({ width, colorScheme })));

const signedIn = {
  home: () => "/",
  grid: () => "/grid",
  "grid-search": () => "/grid?q=office&list=main",
  "grid-nothing": () => "/grid?q=nobody-has-this-name",
  "grid-edit": () => (paths.edit.startsWith("?") ? `/grid${paths.edit}` : paths.edit),
  investor: () => paths.investor,
  trash: () => "/grid/trash",
  "put-back": () => "/grid/put-back",
  "put-back-past": () => "/grid/put-back?as_of=0",
  contacts: () => "/contacts",
  contact: () => paths.contact,
  duplicates: () => "/contacts/duplicates",
  funds: () => "/funds",
  fund: () => paths.fund,
  "fund-past": () => `${paths.fund}?as_of=2026-01-01&stage=soft`,
  "fund-terms": () => `${paths.fund}/terms`,
  ledger: () => `${paths.fund}/ledger`,
  pipeline: () => "/pipeline?days=3650",
  day: () => "/day",
  help: () => "/help",
  "help-guide": () => "/help/user-guide",
  "help-tables": () => "/help/formulas",
  "task-new": () => "/tasks/new?title=Call+them&due=in+two+weeks",
  log: () => "/log",
  imports: () => "/imports",
  export: () => "/export",
  "import-draft": () => paths.draft,
  jobs: () => "/jobs",
  job: () => "/jobs/1",
  backups: () => "/backups",
  digest: () => "/digest",
  "digest-preview": () => "/digest/preview",
  "digest-mail": () => "/digest/mail",
  "digest-model": () => "/digest/model",
  automations: () => "/automations",
  "automation-new": () => "/automations/new",
  "automation-runs": () => "/automations/runs",
  drafts: () => "/drafts",
  list: () => "/lists/graveyard",
  activity: () => "/activity",
  search: () => "/search?q=sample",
  "search-blank": () => "/search",
  "feature-requests": () => "/feature-requests",
  emails: () => "/emails",
  proposals: () => "/proposals",
  "proposals-dismissed": () => "/proposals?state=dismissed",
  "near-matches": () => "/emails/near-matches",
  mailboxes: () => "/mailboxes",
  account: () => "/settings/account",
  "second-factor": () => "/settings/second-factor",
  team: () => "/settings/team",
  security: () => "/settings/security",
  audit: () => "/settings/audit",
  style: () => "/style",
  "not-found": () => "/nothing-here",
};
const signedOut = { login: () => "/login", "bad-link": () => "/setup/not-a-link" };

for (const look of looks) {
  test(`pages at ${look.width} px, ${look.colorScheme}`, async (t) => {
    const { page, context, problems } = await newPage(browser, {
      viewport: { width: look.width, height: 900 },
      colorScheme: look.colorScheme,
    });
    for (const [name, path] of Object.entries(signedOut)) await t.test(name, () => inspect(page, name, path(), problems));
    await signIn(page, stack.base, "admin@example.org");
    problems.length = 0;
    for (const [name, path] of Object.entries(signedIn)) await t.test(name, () => inspect(page, name, path(), problems));
    await context.close();
  });
}

async function inspect(page, name, path, problems) {
  problems.length = 0;
  await page.goto(stack.base + path);
  await page.locator("h1").first().waitFor();
  await looksWell(page, name);
  // Chromium reports a page's own 404 on the console; that is what was asked for.
  const unmeant = problems.filter((p) => !/status of 404/.test(p));
  assert.deepEqual(unmeant, [], name);
}

test("members see no admin section and get no admin page", async () => {
  const { page, context } = await newPage(browser);
  await signIn(page, stack.base, "member@example.org");
  assert.equal(await page.getByRole("link", { name: "Backups" }).count(), 0);
  for (const path of ["/jobs", "/backups", "/settings/team"]) {
    assert.equal((await page.goto(stack.base + path)).status(), 403, path);
  }
  await context.close();
});

test("the table works without scripts", async () => {
  const { page, context } = await newPage(browser, { javaScriptEnabled: false });
  await signIn(page, stack.base, "member@example.org");
  await page.goto(`${stack.base}/grid`);
  const row = page.locator("table.grid tbody tr").nth(1);
  await row.locator("a.row-edit").click();
  await page.locator("form.editor input[name=value]").fill("Sample Without Scripts");
  await page.locator("form.editor").getByRole("button", { name: "Save" }).click();
  await page.getByRole("link", { name: "Sample Without Scripts", exact: true }).waitFor();
  await context.close();
});

test("two people on one cell: the second sees the conflict and decides", async () => {
  const plain = { javaScriptEnabled: false };
  const [one, two] = await Promise.all([newPage(browser, plain), newPage(browser, plain)]);
  await signIn(one.page, stack.base, "admin@example.org");
  await signIn(two.page, stack.base, "member@example.org");
  for (const { page } of [one, two]) {
    await page.goto(`${stack.base}/grid`);
    await page.locator("table.grid tbody tr").nth(2).locator("a.row-edit").click();
  }
  await one.page.locator("form.editor input[name=value]").fill("Sample First Writer");
  await one.page.locator("form.editor").getByRole("button", { name: "Save" }).click();
  await one.page.getByRole("link", { name: "Sample First Writer", exact: true }).waitFor();
  await two.page.locator("form.editor input[name=value]").fill("Sample Second Writer");
  await two.page.locator("form.editor").getByRole("button", { name: "Save" }).click();
  await two.page.getByText("changed while you were editing").waitFor();
  await two.page.getByText("Sample First Writer").first().waitFor();
  await two.page.getByRole("button", { name: "Keep mine" }).click();
  await two.page.getByRole("link", { name: "Sample Second Writer", exact: true }).waitFor();
  await Promise.all([one.context.close(), two.context.close()]);
});

/** A job that runs for some seconds. */
const work = (seconds) => stack.run("crm-worker", ["enqueue", "probe", "--json", JSON.stringify({ work_ms: seconds * 1_000 })]);
/** Where the page shows that job. */
const running = (page) => page.locator(".running").filter({ hasText: "probe" });

test("the worker page follows along by itself", async () => {
  const { page, context, problems } = await newPage(browser);
  await signIn(page, stack.base, "admin@example.org");
  await page.goto(`${stack.base}/jobs`);
  work(4);
  await running(page).waitFor();
  await running(page).waitFor({ state: "detached", timeout: 20_000 });
  assert.deepEqual(problems, []);
  await context.close();
});

test("what comes in while something is pressed waits for the release, and the click counts", async () => {
  const { page, context, problems } = await newPage(browser);
  await signIn(page, stack.base, "admin@example.org");
  await page.goto(`${stack.base}/jobs`);
  const discarded = page.locator("#jobs-now").getByRole("link", { name: /^Discarded/ });
  await discarded.hover();
  await page.mouse.down();
  work(6);
  await page.waitForTimeout(1_000);
  assert.ok(!(await running(page).isVisible()), "the page stands still under the finger");
  // Released beside it: no click, and it catches up.
  await page.mouse.move(0, 0);
  await page.mouse.up();
  await running(page).waitFor({ timeout: 3_000 });
  await discarded.hover();
  await page.mouse.down();
  await running(page).waitFor();
  await page.waitForTimeout(6_500);
  assert.ok(await running(page).isVisible(), "though it has ended");
  await page.mouse.up();
  await page.waitForURL(/state=discarded/);
  assert.deepEqual(problems, []);
  await context.close();
});

test("the browser's own menu does not stop a page that follows along", async () => {
  const { page, context, problems } = await newPage(browser);
  await signIn(page, stack.base, "admin@example.org");
  await page.goto(`${stack.base}/jobs`);
  await running(page).waitFor({ state: "detached", timeout: 20_000 });
  // Where that menu opens at the press, nobody tells the page of the release.
  await page.locator("#jobs-now").getByRole("link", { name: /^Discarded/ }).dispatchEvent("pointerdown", { button: 2 });
  work(4);
  await running(page).waitFor({ timeout: 3_000 });
  await running(page).waitFor({ state: "detached", timeout: 20_000 });
  assert.deepEqual(problems, []);
  await context.close();
});

test("where no stream comes through, coming back to a page brings it up to date", async () => {
  const { page, context } = await newPage(browser);
  await signIn(page, stack.base, "admin@example.org");
  await page.goto(`${stack.base}/jobs`);
  await running(page).waitFor({ state: "detached", timeout: 20_000 });
  await page.route("**/events?*", (route) => route.abort());
  await page.reload();
  work(4);
  await page.waitForTimeout(1_000);
  assert.ok(!(await running(page).isVisible()), "nobody told it");
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await running(page).waitFor({ timeout: 2_000 });
  await context.close();
});
