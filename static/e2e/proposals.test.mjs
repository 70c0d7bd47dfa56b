// Proposals, from mail that arrives at a stand-in for Gmail to a decision: by
// keyboard, without scripts, at phone and desktop width, light and dark.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { BIN, inEveryLook, launch, newPage, signIn, startStack, until } from "./stack.mjs";

let dir, google, address, stack, browser;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "crm-gmail-"));
  google = spawn(join(BIN, "examples/gmail"), ["--dir", dir], { stdio: "ignore" });
  await until(() => (address = readFileSync(join(dir, "address"), "utf8")), "the stand-in answers");
  // Nobody listens there: notes are drafted by rule.
  const environment = { CRM_GMAIL_API_BASE: address, CRM_GMAIL_TOKEN_URL: `${address}/token`, CRM_GMAIL_CREDENTIALS: join(dir, "credentials.json"), SPARK_URL: "http://127.0.0.1:9" };
  stack = await startStack({ demo: true, environment });
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

const control = (order) => fetch(`${address}/control`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(order) });
const deliver = (subject, from, text) =>
  control({
    deliver: {
      to: "member@team.example",
      raw: [`From: ${from}`, "To: Sample Member <member@team.example>", `Subject: ${subject}`, `Date: ${new Date().toUTCString()}`, `Message-ID: <${subject.replaceAll(" ", "-")}@x.example>`, "Content-Type: text/plain; charset=utf-8", "", text, ""].join("\r\n"),
    },
  });

async function open(email, path, options = {}) {
  const made = await newPage(browser, { viewport: { width: 1440, height: 900 }, ...options });
  await signIn(made.page, stack.base, email);
  await made.page.goto(stack.base + path);
  return made;
}

const call = (page, method, path, body) =>
  page.evaluate(
    async ([method, path, body]) => {
      const answer = await fetch(path, { method, headers: { "content-type": "application/json" }, body: body && JSON.stringify(body) });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${path}: ${text}`);
      return text ? JSON.parse(text) : null;
    },
    [method, path, body],
  );

/** Until so many wait. */
const waiting = (page, many) =>
  until(async () => {
    await page.goto(`${stack.base}/proposals`);
    return page.getByRole("link", { name: `Waiting ${many}`, exact: true }).isVisible();
  }, `${many} proposals wait`);

test("mail that arrives is proposed beside its text", async () => {
  const { page, context, problems } = await open("admin@example.org", "/proposals");
  await page.getByText("No mailbox is read yet").waitFor();
  await page.getByRole("link", { name: "Set up a mailbox" }).waitFor();
  await control({ mailbox: "member@team.example" });
  const state = await call(page, "PATCH", "/api/fundraising/state", {
    operations: ["norwind", "eastgate", "southway"].map((id) => ({
      op: "add_row", id, cells: { name: `Sample ${id[0].toUpperCase()}${id.slice(1)}`, website: `https://${id}.example` },
    })),
  });
  assert.ok(state);
  const mailbox = await call(page, "POST", "/api/email/mailboxes", { address: "member@team.example", consent: "Yes, for this test", starts_on: "2023-01-31", privacy: "body" });
  await until(async () => (await call(page, "GET", "/api/email/mailboxes")).mailboxes[0].state === "active" && (await call(page, "GET", "/api/email/mailboxes")).mailboxes[0].backfilled_at, "the past is read");
  await deliver("Side letter", "Ada Lovelace <ada@norwind.example>", "Hi,\r\n\r\nWe would like to see the data room <b>this month</b>. Let us talk next week about the side letter and the reporting we need for our own board.\r\n\r\nBest,\r\nAda");
  await deliver("Your fund", "Bo Sample <bo@eastgate.example>", "Hello,\r\n\r\nThank you for the time last week. Our committee decided not to go on with new managers this year.\r\n\r\nBo");
  await deliver("Call", "cy@southway.example", "Could we have a call tomorrow?");
  await deliver("A newsletter", "news@letters.example", "Buy now");
  await call(page, "POST", `/api/email/mailboxes/${mailbox.id}/sync`);
  await waiting(page, 3);
  const card = page.locator("[data-proposal]", { hasText: "Sample Norwind" });
  assert.match(await card.getByLabel("Note").inputValue(), /^\d{4}-\d\d-\d\d: Ada Lovelace wrote about “Side letter”: We would like to see the data room/);
  await card.getByText("Sounds like Diligence").waitFor();
  await card.getByText("Add Ada Lovelace <ada@norwind.example> as a contact").waitFor();
  assert.ok((await card.locator(".source-text").textContent()).includes("<b>this month</b>"), "mail is text");
  assert.equal(await call(page, "GET", "/api/fundraising/rows/norwind").then((row) => row.cells.contacts ?? null), null, "nothing is written before");
  await inEveryLook(page, "proposals");
  assert.deepEqual(problems, []);
  await context.close();
});

test("by keyboard: j, e, a, undo; d dismisses", async () => {
  const { page, context, problems } = await open("member@team.example", "/proposals");
  await page.getByText("next and previous").waitFor();
  const first = page.locator("[data-proposal]").nth(0);
  const second = page.locator("[data-proposal]").nth(1);
  const name = (await second.locator("h2").textContent()).trim();
  await page.keyboard.press("j");
  assert.ok(await first.locator("h2 a").evaluate((link) => link === document.activeElement));
  await page.keyboard.press("k");
  await page.keyboard.press("j");
  await page.keyboard.press("e");
  await page.keyboard.type(" Said at the desk.");
  await page.keyboard.press("Escape");
  await page.keyboard.press("a");
  await page.getByText(`Noted on ${name}.`).waitFor();
  await page.goto(`${stack.base}/proposals?state=approved`);
  await page.getByText(/Said at the desk\./).waitFor();
  await inEveryLook(page, "proposals-approved");
  await page.getByRole("button", { name: `Take back the decision about ${name}` }).click();
  await page.getByText("waits again").waitFor();
  await page.getByRole("link", { name: "Waiting 3", exact: true }).waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("d");
  await page.getByText("Nothing was changed.").waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByRole("link", { name: "Waiting 3", exact: true }).waitFor();
  assert.deepEqual(problems, []);
  await context.close();
});

test("without scripts: bad input comes back, several are decided and taken back", async () => {
  const { page, context } = await open("member@team.example", "/proposals", { javaScriptEnabled: false });
  const card = page.locator("[data-proposal]", { hasText: "Sample Southway" });
  await card.getByLabel("Follow up").fill("soonish");
  await card.getByLabel("Note").fill("Typed with care");
  await card.getByRole("button", { name: /^Approve/ }).click();
  await page.getByText(/"soonish" is no day/).waitFor();
  assert.equal(await page.locator("[data-proposal]", { hasText: "Sample Southway" }).getByLabel("Note").inputValue(), "Typed with care");
  await page.goto(`${stack.base}/proposals`);
  for (const box of await page.locator("[data-pick]").all()) await box.check();
  await page.getByRole("button", { name: "Approve chosen" }).click();
  await page.getByText("3 proposals approved.").waitFor();
  await page.getByText("All decided").waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText("3 proposals wait again").waitFor();
  await context.close();
});

test("an approval is in the grid and on the timeline", async () => {
  const { page, context } = await open("member@team.example", "/proposals");
  const card = page.locator("[data-proposal]", { hasText: "Sample Norwind" });
  await card.getByLabel("Stage").selectOption({ label: "Diligence" });
  await card.getByRole("button", { name: /^Approve/ }).click();
  await page.getByText("Noted on Sample Norwind.").waitFor();
  const row = await call(page, "GET", "/api/fundraising/rows/norwind");
  assert.ok(JSON.stringify(row.cells).includes("ada@norwind.example"), JSON.stringify(row.cells));
  await page.goto(`${stack.base}/investors/norwind`);
  await page.getByText(/Ada Lovelace wrote about “Side letter”/).first().waitFor();
  await page.getByText("Follow up with Sample Norwind").first().waitFor();
  await context.close();
});
