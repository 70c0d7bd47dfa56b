// The digest's pages against a real mail server: policy, preview, a test mail, a digest
// that goes out, its history. The letter itself at the width of a phone and of a mail
// program, light and dark. CRM_SHOTS=DIR keeps pictures.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { launch, looksWell, newPage, signIn, startStack, until } from "./stack.mjs";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const PYTHON = join(ROOT, ".venv/bin/python");
const letters = [];
let stack, browser, peer, folder;

before(async () => {
  assert.ok(existsSync(PYTHON), "ops/test installs .venv");
  folder = mkdtempSync(join(tmpdir(), "crm-smtp-"));
  peer = spawn(PYTHON, [join(ROOT, "worker/tests/peers/smtp.py"), folder]);
  const lines = createInterface({ input: peer.stdout });
  const ports = await new Promise((resolve) => lines.once("line", (line) => resolve(JSON.parse(line))));
  lines.on("line", (line) => letters.push(JSON.parse(line)));
  stack = await startStack({
    demo: true,
    environment: { SPARK_URL: "http://127.0.0.1:1", SMTP_CA: join(folder, "ca.pem") },
  });
  stack.ports = ports;
  stack.addUser("admin@example.org", "admin");
  stack.addUser("member@example.org", "member");
  addMail();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await stack?.stop();
  peer?.kill();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** What capture would have written: three messages with two investors. */
function addMail() {
  const now = Date.now();
  const sql = `
    insert into mailboxes (id, address, user_id, consent, privacy, starts_at, enrolled_at, created_at, created_by, updated_at, updated_by)
      select 'm1', email, id, 'yes', 'body', 0, 0, 0, 'x', 0, 'x' from users where email = 'admin@example.org';
    insert into email_threads (id, subject, first_at, last_at) values ('t1', 'Terms', 0, 0), ('t2', 'Data room', 0, 0);
    insert into emails (id, message_key, thread_id, sent_at, from_name, from_address, direction, subject, said, is_matched, privacy, created_at) values
      ('e1', 'e1', 't1', ${now - 7200000}, 'Nina Novak', 'nina@alder.example', 'in', 'Terms of Fund III', 'We would commit two million.', 1, 'body', ${now - 60000}),
      ('e2', 'e2', 't1', ${now - 3600000}, 'Sample admin', 'admin@example.org', 'out', 'Re: Terms of Fund III', 'Fine with us.', 1, 'body', ${now - 60000}),
      ('e3', 'e3', 't2', ${now - 1800000}, 'Jonas Beispiel', 'jonas@birch.example', 'in', 'Access to the data room, please, as agreed on the phone last week', 'Please.', 1, 'body', ${now - 60000});
    insert into email_links (email_id, row_id, rule, sent_at, created_at, created_by)
      select e.id, r.id, 'domain', e.sent_at, 0, 'x' from emails e join (select id, row_number() over (order by position) as n from grid_rows) r on r.n = iif(e.thread_id = 't1', 1, 2);
    insert into email_sightings (mailbox_id, gmail_id, gmail_thread_id, email_id, seen_at) select 'm1', id, thread_id, id, 0 from emails;`;
  const done = spawnSync("sqlite3", [join(stack.dir, "crm.db")], { input: `.timeout 10000\npragma foreign_keys = on;\n${sql}`, encoding: "utf8" });
  assert.equal(done.stderr + done.status, "0");
}

async function open(path, options = {}, email = "admin@example.org") {
  const made = await newPage(browser, { viewport: { width: 1440, height: 900 }, ...options });
  await signIn(made.page, stack.base, email);
  await made.page.goto(stack.base + path);
  return made;
}

test("without a mail server it says so, and the form refuses what cannot work", async () => {
  const { page, context, problems } = await open("/digest");
  await page.getByRole("button", { name: "Send now" }).click();
  await page.getByText("No mail server is set").waitFor();
  await page.getByRole("link", { name: "Change the mail server" }).click();
  await page.getByLabel("Server", { exact: true }).fill("smtp.example.org");
  await page.getByLabel("Sender").fill("crm@example.org");
  await page.getByLabel("How the line is protected").selectOption("none");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Without TLS only a server on this machine is used").waitFor();
  await page.getByLabel("Server", { exact: true }).fill("localhost");
  await page.getByLabel("Port").fill(String(stack.ports.starttls));
  await page.getByLabel("Name to sign in with").fill("digest");
  await page.getByLabel("Password").fill("correct-horse-9");
  await page.getByLabel("How the line is protected").selectOption("starttls");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved. Send yourself a test mail.").waitFor();
  assert.equal(await page.getByLabel("Password").inputValue(), "", "never shown again");
  await page.getByRole("button", { name: "Send me a test mail" }).click();
  await page.getByText("The mail server took a test mail to admin@example.org.").waitFor();
  assert.deepEqual(letters.map((l) => l.to), [["admin@example.org"]]);
  assert.deepEqual(problems.filter((p) => !/422/.test(p)), []);
  await context.close();
});

test("the policy is kept, and a mistake is shown at its field", async () => {
  const { page, context } = await open("/digest");
  await page.getByLabel("Time zone").fill("Mars/Base");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("is no time zone").waitFor();
  await page.getByLabel("Time zone").fill("Europe/Zurich");
  await page.getByLabel("Time of day").fill("06:45");
  await page.getByLabel("Send it by itself").check();
  await page.getByLabel("These people:").check();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Choose at least one person").waitFor();
  await page.getByLabel(/admin@example.org/).check();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved: the digest goes out by itself.").waitFor();
  assert.match(stack.run("crm-worker", ["schedules"]), /daily-digest +send_digest +45 6 \* \* \*/);
  await context.close();
});

test("a digest goes out to whom it should, and its history tells", async () => {
  const { page, context } = await open("/digest/preview");
  await page.getByText("Terms of Fund III").first().waitFor();
  await page.goto(`${stack.base}/digest`);
  await page.getByText("No digest yet").waitFor();
  await page.getByRole("button", { name: "Send now" }).click();
  await until(async () => {
    await page.goto(`${stack.base}/digest`);
    return page.getByText("Delivered", { exact: true }).isVisible();
  }, "it is delivered");
  const sent = letters.filter((l) => l.headers.subject.startsWith("Digest"));
  assert.deepEqual(sent.map((l) => l.to), [["admin@example.org"]]);
  assert.ok(sent[0].tls && sent[0].signed_in);
  await page.getByRole("link", { name: /^Digest for/ }).click();
  await page.getByText("Sent", { exact: true }).waitFor();
  await page.getByText("the local model is away").first().waitFor();
  // Whoever says so gets none.
  await page.goto(`${stack.base}/settings/account`);
  await page.getByRole("button", { name: "I want none" }).click();
  await page.getByText("You get no digest any more.").waitFor();
  await context.close();
});

for (const look of [360, 700].flatMap((width) => ["light", "dark"].map((colorScheme) => ({ width, colorScheme })))) {
  test(`the letter at ${look.width} px, ${look.colorScheme}`, async () => {
    const { page, context, problems } = await open("/digest", { viewport: { width: look.width, height: 900 }, colorScheme: look.colorScheme });
    const href = await page.getByRole("link", { name: /^Digest for/ }).getAttribute("href");
    const answer = await context.request.get(`${stack.base}${href}/html`);
    assert.match(answer.headers()["content-security-policy"], /sandbox/);
    // Its own policy lets no script run, axe's neither: it is looked at by itself.
    await page.goto("about:blank");
    await page.setContent(await answer.text());
    await inspect(page, "letter", problems, false);
    await context.close();
  });
}

for (const look of [360, 1440].flatMap((width) => ["light", "dark"].map((colorScheme) => ({ width, colorScheme })))) {
  test(`pages at ${look.width} px, ${look.colorScheme}`, async (t) => {
    const { page, context, problems } = await open("/digest", { viewport: { width: look.width, height: 900 }, colorScheme: look.colorScheme });
    const href = await page.getByRole("link", { name: /^Digest for/ }).getAttribute("href");
    for (const [name, path] of Object.entries({ digest: "/digest", "digest-letter": href, "digest-preview": "/digest/preview", "digest-mail": "/digest/mail", "digest-model": "/digest/model" })) {
      await t.test(name, async () => {
        problems.length = 0;
        await page.goto(stack.base + path);
        await inspect(page, name, problems, true);
      });
    }
    await context.close();
  });
}

test("members get none of these pages, and every letter went to one of us", async () => {
  const { page, context } = await open("/", {}, "member@example.org");
  for (const path of ["/digest", "/digest/preview", "/digest/mail", "/digest/model"]) {
    assert.equal((await page.goto(stack.base + path)).status(), 403, path);
  }
  const ours = stack.run("crm-api", ["admin", "list-users"]);
  assert.ok(letters.length >= 2);
  for (const to of letters.flatMap((l) => l.to)) assert.match(ours, new RegExp(`\\t${to}\\t.*\\tactive\\t`), to);
  await context.close();
});

async function inspect(page, name, problems, ours) {
  await page.locator("h1").waitFor();
  await looksWell(page, name);
  if (ours) assert.deepEqual(problems, [], name);
}
