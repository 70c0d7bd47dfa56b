// Status: one line that says whether all is well, then the parts; for members and admins, in good and in bad days.
// CRM_SHOTS=DIR keeps pictures.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, looksWell, newPage, signIn, startStack, until } from "./stack.mjs";

let stack, browser;

before(async () => {
  stack = await startStack({ demo: true });
  stack.addUser("admin@example.org", "admin");
  stack.addUser("member@example.org", "member");
  browser = await launch();
  await until(async () => (await (await fetch(`${stack.base}/readyz`)).json()).worker_alive, "the worker is alive");
});

after(async () => {
  await browser?.close();
  await stack?.stop();
});

async function open(who, options = {}) {
  const made = await newPage(browser, { viewport: { width: 1440, height: 900 }, ...options });
  await signIn(made.page, stack.base, `${who}@example.org`);
  await made.page.goto(`${stack.base}/status`);
  return made;
}

/** The row of a part. */
const part = (page, name) => page.getByRole("listitem").filter({ has: page.getByRole("heading", { name, exact: true }) });

test("it says what is wrong, and what to do; once that is done, all is well", async () => {
  const { page, context, problems } = await open("admin");
  await page.goto(stack.base);
  await page.getByRole("link", { name: "Status", exact: true }).first().click();
  await page.getByRole("heading", { name: "Status", level: 1 }).waitFor();
  assert.match(await page.getByRole("status").innerText(), /Something does not work: Backup\./);
  const backup = part(page, "Backup");
  assert.match(await backup.innerText(), /There is no verified backup yet\.[\s\S]*Take one/);
  await backup.getByRole("link", { name: "Backup" }).click();
  await page.getByRole("button", { name: "Back up now" }).click();
  await page.getByText("Verified", { exact: true }).first().waitFor({ timeout: 30_000 });
  await page.goto(`${stack.base}/status`);
  assert.match(await page.getByRole("status").innerText(), /All is well\./);
  assert.match(await part(page, "Worker").innerText(), /1 worker alive/);
  assert.match(await part(page, "Disk").innerText(), /free; the database has/);
  assert.match(await part(page, "Release").innerText(), /schema \d+/);
  assert.deepEqual(problems, []);
  await context.close();
});

test("a member sees how it is, without what only admins can do", async () => {
  const { page, context, problems } = await open("member", { javaScriptEnabled: false });
  assert.match(await page.getByRole("status").innerText(), /All is well\./);
  assert.equal(await part(page, "Backup").getByRole("link").count(), 0);
  assert.deepEqual(problems, []);
  await context.close();
});

test("it fits, can be read, and has no barrier", async () => {
  for (const look of [360, 1440].flatMap((width) => ["light", "dark"].map((colorScheme) => ({ width, colorScheme })))) {
    const { page, context, problems } = await open("admin", { viewport: { width: look.width, height: 900 }, colorScheme: look.colorScheme });
    await looksWell(page, "status");
    // Here nothing at all is let pass.
    const found = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] }));
    assert.deepEqual(found.violations.map((v) => `${v.id}: ${v.nodes[0]?.html}`), []);
    assert.deepEqual(problems, []);
    await context.close();
  }
});
