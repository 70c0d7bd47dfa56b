// Backups: policy, drill, and a whole restore through the page that survives it.
// The pages at phone and desktop width, light and dark. CRM_SHOTS=DIR keeps pictures.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { PASSWORD, launch, looksWell, newPage, signIn, startStack, until } from "./stack.mjs";

const KEY = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
let stack, browser;

before(async () => {
  stack = await startStack({ demo: true });
  stack.addUser("admin@example.org", "admin");
  stack.addUser("member@example.org", "member");
  browser = await launch();
  const { page, context } = await open("/backups");
  await page.getByRole("button", { name: "Back up now" }).click();
  await page.getByText("Verified", { exact: true }).first().waitFor({ timeout: 30_000 });
  await context.close();
});

after(async () => {
  await browser?.close();
  await stack?.stop();
});

async function open(path, options = {}) {
  const made = await newPage(browser, { viewport: { width: 1440, height: 900 }, ...options });
  await signIn(made.page, stack.base, "admin@example.org");
  await made.page.goto(stack.base + path);
  return made;
}

const addTask = (page, title) =>
  page.evaluate(async (title) => {
    const answer = await fetch("/api/reminders", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ title }),
    });
    return answer.status;
  }, title);

test("the policy is changed; a wrong place is refused at its field", async () => {
  const { page, context, problems } = await open("/backups");
  await page.getByRole("link", { name: "Change" }).click();
  await page.getByLabel("Second directory").fill("/there/is/no/such/place");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("There is no such directory").waitFor();
  const second = mkdtempSync(join(tmpdir(), "crm-second-"));
  await page.getByLabel("Second directory").fill(second);
  await page.getByLabel("Every night at").fill("04:20");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("The backup policy is saved.").waitFor();
  await page.getByText("Every night at 04:20").waitFor();
  await page.getByRole("button", { name: "Back up now" }).click();
  await page.getByText("Copied", { exact: true }).first().waitFor({ timeout: 30_000 });
  await page.goto(`${stack.base}/backups/policy`);
  await page.getByLabel("Second directory").fill("");
  await page.getByRole("button", { name: "Save" }).click();
  rmSync(second, { recursive: true });
  assert.deepEqual(problems.filter((p) => !/422/.test(p)), []);
  await context.close();
});

test("a key is taken only when it is proven", async () => {
  const { page, context } = await open("/backups/policy");
  await page.getByLabel("Public key").fill("age1nonsense");
  await page.getByRole("button", { name: "Prove this key" }).click();
  await page.getByText("no age public key").waitFor();
  await page.getByLabel("Public key").fill(KEY);
  await page.getByRole("button", { name: "Prove this key" }).click();
  assert.match(await page.getByLabel("Encrypted text").inputValue(), /BEGIN AGE ENCRYPTED FILE/);
  await page.getByLabel("The phrase").fill("a guess");
  await page.getByRole("button", { name: "Encrypt from now on" }).click();
  await page.getByText("paste the phrase in it").waitFor();
  await context.close();
});

test("a drill is run and its comparisons can be read", async () => {
  const { page, context, problems } = await open("/backups");
  await page.getByRole("button", { name: "Run a drill" }).click();
  await until(async () => {
    await page.goto(`${stack.base}/backups`);
    return page.getByText("Passed", { exact: true }).first().isVisible();
  }, "the drill passes");
  await page.getByText("comparisons equal").first().click();
  await page.getByText("sampled investors equal to the live ones").waitFor();
  await page.goto(stack.base);
  await page.getByText("Last proven restore").waitFor();
  assert.deepEqual(problems, []);
  await context.close();
});

const looks = [360, 1440].flatMap((width) => ["light", "dark"].map((colorScheme) => ({ width, colorScheme })));
for (const look of looks) {
  test(`pages at ${look.width} px, ${look.colorScheme}`, async (t) => {
    const { page, context, problems } = await open("/", { viewport: { width: look.width, height: 900 }, colorScheme: look.colorScheme });
    for (const [name, path] of Object.entries({ backups: "/backups", "backup-policy": "/backups/policy", restore: "/backups/restore", "restore-none": "/restore" })) {
      await t.test(name, async () => {
        problems.length = 0;
        await page.goto(stack.base + path);
        await inspect(page, name, problems);
      });
    }
    await t.test("backup-key", async () => {
      await page.goto(`${stack.base}/backups/policy`);
      await page.getByLabel("Public key").fill(KEY);
      await page.getByRole("button", { name: "Prove this key" }).click();
      await page.getByLabel("The phrase").waitFor();
      await inspect(page, "backup-key", problems);
    });
    await t.test("restore-shown", async () => {
      await addTask(page, `Only after the backup ${look.width} ${look.colorScheme}`);
      await page.goto(`${stack.base}/backups/restore`);
      await page.getByRole("button", { name: "Show what would change" }).first().click();
      await page.getByRole("heading", { name: "What would change" }).waitFor();
      await inspect(page, "restore-shown", problems);
    });
    await context.close();
  });
}

test("a whole restore, from the choice to signing in again", async () => {
  const { page, context, problems } = await open("/");
  assert.equal(await addTask(page, "Typed after the backup"), 201);
  await page.goto(`${stack.base}/backups/restore`);
  await page.getByRole("button", { name: "Show what would change" }).first().click();
  await page.getByText("Typed after the backup").waitFor();
  const name = await page.locator("label[for=confirm] strong").innerText();
  await page.getByLabel("Type").fill("something else");
  await page.getByLabel("Your password").fill(PASSWORD);
  await page.getByRole("button", { name: "Restore this backup" }).click();
  await page.getByText(`Type ${name} to confirm.`).waitFor();
  await page.getByLabel("Type").fill(name);
  await page.getByLabel("Your password").fill("not my password");
  await page.getByRole("button", { name: "Restore this backup" }).click();
  await page.getByText("This is not your password.").waitFor();
  await page.getByLabel("Type").fill(name);
  await page.getByLabel("Your password").fill(PASSWORD);
  await page.getByRole("button", { name: "Restore this backup" }).click();
  await page.waitForURL(/\/restore$/);
  // The page follows along through the restart, without a hand.
  await page.getByRole("heading", { name: "The backup is in its place" }).waitFor({ timeout: 60_000 });
  await inspect(page, "restore-finished", []);
  await page.getByRole("link", { name: "Sign in again" }).click();
  await signIn(page, stack.base, "admin@example.org");
  const tasks = await page.evaluate(async () => JSON.stringify(await (await fetch("/api/reminders")).json()));
  assert.ok(!tasks.includes("Typed after the backup"), "the old data is back");
  await page.goto(`${stack.base}/backups`);
  await page.getByText("Before a restore").first().waitFor();
  await page.getByRole("button", { name: "Release the mail" }).click();
  await page.getByText("Outbound mail may leave again.").waitFor();
  // The worker goes on with the new database, and there is a way back.
  await page.getByRole("button", { name: "Back up now" }).click();
  await until(async () => /take_backup +done/.test(stack.run("crm-worker", ["jobs", "--kind", "take_backup"])), "the worker works");
  const progress = await (await fetch(`${stack.base}/restore/progress`)).json();
  assert.equal(progress.phase, "finished");
  assert.ok(progress.downtime_ms < 10_000, `nobody could work for ${progress.downtime_ms} ms`);
  assert.deepEqual(problems.filter((p) => !/503|409|422/.test(p)), []);
  await context.close();
});

async function inspect(page, name, problems) {
  await page.locator("h1").waitFor();
  await looksWell(page, name);
  assert.deepEqual(problems, [], name);
}
