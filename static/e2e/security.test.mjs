// Signing in with a second factor: on, out, in with a code, in with a recovery code,
// wrong, off. Without scripts too. The go-live list and the audit log. All of it at phone
// and desktop width, light and dark.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import { PASSWORD, inEveryLook, launch, newPage, signIn, startStack } from "./stack.mjs";

const ADMIN = "admin@example.org";
let stack, browser;

before(async () => {
  stack = await startStack({ demo: true });
  stack.addUser(ADMIN, "admin");
  stack.addUser("member@example.org", "member");
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await stack?.stop();
});

/** The code an authenticator app shows (RFC 6238) some steps from now. */
function code(secret, steps = 0) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret.replaceAll(" ", "")].map((c) => alphabet.indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac("sha1", key).update(counter).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

async function passwordStep(page, email) {
  await page.goto(`${stack.base}/login?next=/day`);
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Your code" }).waitFor();
}

async function giveCode(page, text) {
  await page.getByLabel("Code of your authenticator app, or a recovery code").fill(text);
  await page.getByRole("button", { name: "Go on" }).click();
}

/** Switches it on from the account page; the answer is the secret and the recovery codes. */
async function enrol(page, shoot = async () => {}) {
  await page.goto(`${stack.base}/settings/account`);
  await page.getByRole("link", { name: "Set it up" }).click();
  await page.getByLabel("Your password").fill("not my password");
  await page.getByRole("button", { name: "Begin" }).click();
  await page.getByText("This is not your password.").waitFor();
  await page.getByLabel("Your password").fill(PASSWORD);
  await page.getByRole("button", { name: "Begin" }).click();
  await page.getByRole("img", { name: "QR code for your authenticator app" }).waitFor();
  const secret = await page.locator(".secret-text code").innerText();
  await shoot("second-factor-enrol");
  await page.getByLabel("Code that the app shows").fill("000000");
  await page.getByRole("button", { name: "Switch it on" }).click();
  await page.getByText("This code is wrong").waitFor();
  await page.getByLabel("Code that the app shows").fill(code(secret));
  await page.getByRole("button", { name: "Switch it on" }).click();
  const list = page.getByRole("list", { name: "Recovery codes" }).getByRole("listitem");
  await list.first().waitFor();
  await shoot("second-factor-codes");
  return { secret, codes: await list.allInnerTexts() };
}

test("with a code, with a recovery code, not with a wrong one", async () => {
  const { page, context, problems } = await newPage(browser, { viewport: { width: 1440, height: 900 } });
  await signIn(page, stack.base, ADMIN);
  const { secret, codes } = await enrol(page, (name) => inEveryLook(page, name));
  assert.equal(codes.length, 10);
  await page.goto(`${stack.base}/settings/second-factor`);
  await page.getByText("10 recovery codes are left.").waitFor();
  await inEveryLook(page, "second-factor-on");
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.locator(".sidebar").getByRole("button", { name: "Sign out" }).click();

  await passwordStep(page, ADMIN);
  await inEveryLook(page, "sign-in-code");
  await page.goto(`${stack.base}/grid`);
  assert.match(page.url(), /\/login/, "the password alone opens nothing");
  await passwordStep(page, ADMIN);
  await giveCode(page, "000000");
  await page.getByText("This code is wrong").waitFor();
  // The code that switched it on is used up; the next step's works a step early.
  await giveCode(page, code(secret, 1));
  await page.waitForURL(`${stack.base}/day`);

  await context.clearCookies();
  await passwordStep(page, ADMIN);
  await giveCode(page, codes[2].toUpperCase());
  await page.waitForURL(`${stack.base}/day`);
  await context.clearCookies();
  await passwordStep(page, ADMIN);
  await giveCode(page, codes[2]);
  await page.getByText("This code is wrong").waitFor();

  stack.run("crm-api", ["admin", "remove-second-factor", "--email", ADMIN]);
  await signIn(page, stack.base, ADMIN);
  await page.goto(`${stack.base}/settings/account`);
  await page.getByText("Your password alone signs you in.").waitFor();
  // Refused forms answer 422, which the console calls an error.
  assert.deepEqual(problems.filter((it) => !/status of 422/.test(it)), []);
  await context.close();
});

test("all of it without scripts", async () => {
  const { page, context } = await newPage(browser, { javaScriptEnabled: false });
  await signIn(page, stack.base, "member@example.org");
  const { codes } = await enrol(page);
  await page.goto(`${stack.base}/settings/second-factor`);
  const off = page.locator('form[action="/settings/second-factor/off"]');
  await off.getByLabel("Your password").fill(PASSWORD);
  await off.getByLabel("Code of your app, or a recovery code").fill(codes[0]);
  await off.getByRole("button", { name: "Switch it off" }).click();
  await page.getByText("Your password alone signs you in again.").waitFor();
  await context.close();
});

test("the go-live list names what is to fix, and the audit log what was done", async () => {
  const { page, context, problems } = await newPage(browser, { viewport: { width: 1440, height: 900 } });
  await signIn(page, stack.base, ADMIN);
  await page.locator(".sidebar").getByRole("link", { name: "Security" }).click();
  await page.getByRole("heading", { name: "Security" }).waitFor();
  const list = page.getByRole("region", { name: "Checklist" }).getByRole("listitem");
  await list.filter({ hasText: "A worker is alive" }).getByText("OK").waitFor();
  await list.filter({ hasText: "Backups lie on this box only" }).getByText("To fix").waitFor();
  await inEveryLook(page, "security");
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.getByRole("link", { name: "Audit log" }).click();
  await page.getByText("carry an unbroken chain of hashes").waitFor();
  await page.getByLabel("Action").selectOption("second_factor.removed");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByRole("cell", { name: /removed the second factor of/ }).waitFor();
  assert.equal(await page.locator("tbody tr").count(), 1);
  await page.getByRole("link", { name: "Clear" }).click();
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "CSV" }).click()]);
  assert.match(file.suggestedFilename(), /^audit-log-.*\.csv$/);
  await inEveryLook(page, "audit");
  assert.deepEqual(problems, []);
  await context.close();
});
