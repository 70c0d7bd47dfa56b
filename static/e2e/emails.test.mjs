// Mail from a stand-in for Gmail to the pages: set up by an admin, read by a
// member, without scripts, at phone and desktop width, light and dark.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { BIN, call, inEveryLook, launch, newPage, signIn, startStack, until } from "./stack.mjs";

const PDF = Buffer.from("%PDF-1.4 sample").toString("base64");
let dir, google, address, stack, browser;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "crm-gmail-"));
  google = spawn(join(BIN, "examples/gmail"), ["--dir", dir], { stdio: "ignore" });
  await until(() => (address = readFileSync(join(dir, "address"), "utf8")), "the stand-in answers");
  stack = await startStack({ demo: true, environment: { CRM_GMAIL_API_BASE: address, CRM_GMAIL_TOKEN_URL: `${address}/token` } });
  stack.addUser("admin@example.org", "admin");
  stack.addUser("member@team.example", "member");
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await stack?.stop();
  google?.kill();
  rmSync(dir, { recursive: true, force: true });
});

const control = async (order) => {
  const answer = await fetch(`${address}/control`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(order) });
  return answer.json();
};
const mail = (id, from, text, more = "") =>
  [
    `From: ${from}`, "To: Sample Member <member@team.example>", `Subject: ${id}`, `Message-ID: <${id.replaceAll(" ", "-")}@norwind.example>`, ...(more ? [more] : []),
    "MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b", "", "--b", "Content-Type: text/plain; charset=utf-8", "", text, "--b",
    'Content-Type: application/pdf; name="term sheet.pdf"', 'Content-Disposition: attachment; filename="term sheet.pdf"', "Content-Transfer-Encoding: base64", "", PDF, "--b--", "",
  ].join("\r\n");

async function open(email, path, options = {}) {
  const made = await newPage(browser, { viewport: { width: 1440, height: 900 }, ...options });
  await signIn(made.page, stack.base, email);
  await made.page.goto(stack.base + path);
  return made;
}

test("an admin sets it up from an empty page, and a failure says its fix", async () => {
  const { page, context, problems } = await open("admin@example.org", "/mailboxes");
  await page.getByText("Domain-wide delegation").waitFor();
  const key = readFileSync(join(dir, "credentials.json"), "utf8");
  await page.getByLabel("Key file").fill("not a key");
  await page.getByRole("button", { name: "Store the key" }).click();
  await page.getByText("Paste the whole JSON file").waitFor();
  await page.getByLabel("Key file").fill(key);
  await page.getByRole("button", { name: "Store the key" }).click();
  await page.getByText("Key in place").waitFor();
  assert.ok(!(await page.content()).includes("PRIVATE KEY"), "the key is never shown again");
  const columns = (await call(page, "GET", "/api/fundraising/state?limit=1")).json.columns;
  const people = columns.find((c) => c.type === "contacts").id;
  const cells = { [columns[0].id]: "Norwind Partners", [people]: [{ name: "Ada Lovelace", email: "ada@norwind.example" }] };
  const made = await call(page, "PATCH", "/api/fundraising/state", { operations: [{ op: "add_row", id: "norwind", cells }] });
  assert.equal(made.status, 200, JSON.stringify(made.json));
  await page.getByLabel("Address").fill("member@team.example");
  await page.getByLabel("Who agreed to this, when and how").fill("Said yes on Monday");
  await page.getByRole("button", { name: "Enrol it" }).click();
  await page.getByRole("heading", { name: "member@team.example" }).waitFor();
  await until(async () => {
    await page.goto(`${stack.base}/mailboxes`);
    return page.getByText("Google knows no user member@team.example").isVisible();
  }, "it says what is wrong");
  await inEveryLook(page, "mailbox-failed");
  await control({ mailbox: "member@team.example" });
  await control({ deliver: { to: "member@team.example", raw: mail("Side letter", "Ada Lovelace <ada@norwind.example>", "We are happy with the draft & will sign <b>on Friday</b>.\r\n\r\nBest regards,\r\nAda\r\n\r\nOn Mon, 2 Mar 2026 at 10:00, Member <member@team.example> wrote:\r\n> Are you?\r\n") } });
  await control({ deliver: { to: "member@team.example", raw: mail("A newsletter", "news@letters.example", "Buy now") } });
  await control({ deliver: { to: "member@team.example", raw: mail("From home", "Ada Lovelace <ada@home.example>", "It is me") } });
  await page.goto(`${stack.base}/mailboxes`);
  await page.getByRole("button", { name: "Sync now" }).click();
  await until(async () => {
    await page.goto(`${stack.base}/mailboxes`);
    return page.getByText("Up to date", { exact: true }).first().isVisible() && !(await page.getByText("Needs attention").isVisible());
  }, "it is up to date");
  await inEveryLook(page, "mailboxes-set-up");
  assert.deepEqual(problems.filter((p) => !/422/.test(p)), []);
  await context.close();
});

test("a member reads what concerns an investor, without scripts too", async () => {
  const { page, context } = await open("member@team.example", "/emails", { javaScriptEnabled: false });
  await until(async () => {
    await page.goto(`${stack.base}/emails`);
    return page.getByRole("link", { name: "Side letter" }).isVisible();
  }, "the email is there");
  assert.equal(await page.getByText("newsletter").count(), 0, "it concerns nobody");
  await page.getByRole("link", { name: "Side letter" }).click();
  await page.getByText("will sign <b>on Friday</b>.").first().waitFor();
  const said = await page.locator(".letter-text").first().textContent();
  assert.ok(!said.includes("Are you?") && !said.includes("Best regards"), said);
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: /term sheet.pdf/ }).click()]);
  assert.equal(readFileSync(await download.path(), "utf8"), "%PDF-1.4 sample");
  await page.getByRole("button", { name: /Does not belong here/ }).click();
  await page.getByText("is not with this investor any more").waitFor();
  assert.equal(await page.getByRole("link", { name: "Side letter" }).count(), 0);
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText("The email is back.").waitFor();
  assert.equal((await page.goto(`${stack.base}/mailboxes`)).status(), 403, "for admins only");
  await context.close();
});

test("the investor's page, search and near matches know of it", async () => {
  const { page, context, problems } = await open("member@team.example", "/investors/norwind?show=emails");
  await until(async () => {
    await page.goto(`${stack.base}/investors/norwind?show=emails`);
    return page.getByText(/wrote to us: Side letter/).isVisible();
  }, "its subject was fetched again");
  await inEveryLook(page, "investor-mail");
  await page.goto(`${stack.base}/search?q=side+letter`);
  await page.locator('main a[href^="/emails/"]').first().click();
  await page.waitForURL(/emails\/threads/);
  await inEveryLook(page, "thread");
  await page.goto(`${stack.base}/emails/near-matches`);
  await inEveryLook(page, "near");
  await page.getByRole("button", { name: /Yes, theirs/ }).click();
  await until(async () => {
    await page.goto(`${stack.base}/emails`);
    return page.getByRole("link", { name: "From home" }).isVisible();
  }, "her mail from home is hers");
  await inEveryLook(page, "emails-full");
  assert.deepEqual(problems, []);
  await context.close();
});

test("a reply becomes a draft in Gmail once an admin allows it, and nothing is sent", async () => {
  const admin = await open("admin@example.org", "/mailboxes");
  await admin.page.locator("summary", { hasText: "Change" }).click();
  assert.ok(!(await admin.page.getByLabel("Replies may be saved in it as drafts").isChecked()), "off at first");
  const { page, context, problems } = await open("member@team.example", "/emails");
  await page.getByRole("link", { name: "Side letter" }).click();
  await page.getByText("will sign <b>on Friday</b>.").first().waitFor();
  assert.equal(await page.getByRole("button", { name: "Save as draft in Gmail" }).count(), 0);
  await admin.page.getByLabel("Replies may be saved in it as drafts").check();
  await inEveryLook(admin.page, "mailbox-change");
  await admin.page.getByRole("button", { name: "Save", exact: true }).click();
  await admin.page.getByText("The mailbox is saved.").waitFor();
  await page.reload();
  const form = page.locator("#drafts");
  assert.match(await form.innerText(), /To\s+Ada Lovelace <ada@norwind.example>/);
  await page.getByLabel("What it says").fill("Friday is fine.\n\nSample Member");
  await page.getByRole("button", { name: "Save as draft in Gmail" }).click();
  await page.getByText("Nothing is sent until somebody sends it there").waitFor();
  await until(async () => {
    await page.reload();
    return page.getByText("the scope for drafts, shown on the Mailboxes page").isVisible();
  }, "it says which scope is missing");
  await inEveryLook(page, "thread-draft-waiting");
  const read = "https://www.googleapis.com/auth/gmail.readonly";
  await control({ scopes: [read, read.replace("readonly", "compose")] });
  await page.getByLabel("What it says").fill("On Friday, then.");
  await page.getByRole("button", { name: "Save as draft in Gmail" }).click();
  await until(async () => {
    await page.reload();
    return page.getByText("In Gmail", { exact: true }).isVisible();
  }, "it is in Gmail");
  await inEveryLook(page, "thread-draft-saved");
  const state = await (await fetch(`${address}/state`)).json();
  assert.equal(state.drafts.length, 1);
  assert.match(state.drafts[0].raw, /^In-Reply-To: <Side-letter@norwind.example>\r$/m);
  assert.match(state.drafts[0].raw, /^To: "?Ada Lovelace"? <ada@norwind.example>\r$/m);
  assert.deepEqual(Object.keys(state.calls).filter((kind) => /send|unknown/.test(kind)), []);
  const answer = await call(page, "GET", `/api/email/threads/${new URL(page.url()).pathname.split("/").pop()}/drafts`);
  assert.deepEqual(answer.json.drafts.map((d) => d.state), ["saved", "pending"]);
  await page.goto(`${stack.base}/investors/norwind`);
  await page.getByRole("heading", { name: "Emails" }).waitFor();
  await inEveryLook(page, "investor-emails");
  await admin.page.goto(`${stack.base}/activity`);
  await admin.page.getByText("could not read the mailbox").first().waitFor();
  assert.deepEqual(problems, []);
  await context.close();
  await admin.context.close();
});
