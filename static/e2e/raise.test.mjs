// Funds, ledger, pipeline and contacts in a browser, on the demo fund, with the demo's
// own year of history.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, newPage, signIn, startStack, until } from "./stack.mjs";

let stack, browser;

before(async () => {
  stack = await startStack({ demo: true });
  stack.addUser("admin@example.org", "admin");
  browser = await launch();
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

const amount = async (page, label) => {
  const tile = page.locator(".tile").filter({ hasText: label });
  return (await tile.locator(".tile-value").textContent()).trim();
};

for (const javaScriptEnabled of [true, false]) {
  test(`a commitment is written down, seen in the grid, and undone, ${javaScriptEnabled ? "with" : "without"} scripts`, async () => {
    const { page, context, problems } = await open("/funds", { javaScriptEnabled });
    const sum = javaScriptEnabled ? "123,456,789" : "98,765,432";
    await page.getByRole("link", { name: "Sample Fund III" }).click();
    const before = await amount(page, "Committed");
    await page.getByLabel("Investor", { exact: true }).fill("Sample Alder Capital");
    const first = await page.locator("datalist#investors option").first().getAttribute("value");
    await page.getByLabel("Investor", { exact: true }).fill(first);
    await page.locator("#commit-stage").selectOption("hard");
    await page.getByLabel("Amount in EUR").first().fill(sum);
    await page.getByRole("button", { name: "Write it down" }).click();
    await page.getByText(`Written down: ${sum} hard.`).waitFor();
    assert.notEqual(await amount(page, "Committed"), before);
    const line = page.getByRole("row").filter({ hasText: sum }).last();
    await line.getByRole("link", { name: first, exact: true }).click();
    await page.getByRole("heading", { level: 1, name: first }).waitFor();
    assert.match(await page.locator("main").innerText(), new RegExp(sum));
    await page.goBack();
    const fund = new URL(page.url()).pathname;
    await page.goto(`${stack.base}${fund}/ledger`);
    assert.match(await page.getByRole("row").nth(1).innerText(), new RegExp(sum));
    await page.goto(stack.base + fund);
    await page.locator("#investor").fill(first);
    await page.locator("#commit-stage").selectOption("soft");
    await page.getByRole("button", { name: "Write it down" }).click();
    await page.getByText(`Written down: ${sum} soft.`).waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("Undone.").waitFor();
    assert.match(await page.locator("main").innerText(), new RegExp(sum));
    await context.close();
    assert.deepEqual(problems, []);
  });
}

test("looking back shows less, and a figure opens its events", async () => {
  const { page, context, problems } = await open("/funds");
  await page.getByRole("link", { name: "Sample Fund III" }).click();
  const today = await amount(page, "Committed");
  const past = new Date(Date.now() - 300 * 86_400_000).toISOString().slice(0, 10);
  await page.getByLabel("As it stood at the end of").fill(past);
  await page.getByRole("button", { name: "Show" }).click();
  await page.getByText(`You are looking back to ${past}`).waitFor();
  assert.notEqual(await amount(page, "Committed"), today);
  await page.getByRole("link", { name: "Back to today" }).click();
  assert.equal(await amount(page, "Committed"), today);
  await page.getByRole("link", { name: "Events at Soft" }).click();
  await page.getByText(/Steps at stage soft/).waitFor();
  assert.ok((await page.getByRole("row").count()) > 5);
  assert.deepEqual(problems, []);
  await context.close();
});

test("a lost investor gets a reason on the pipeline page", async () => {
  const { page, context, problems } = await open("/pipeline");
  await page.getByRole("heading", { level: 1, name: "Pipeline" }).waitFor();
  const box = page.getByLabel(/^Why .* was lost$/).first();
  const label = await box.getAttribute("aria-label");
  await box.fill("Outside their mandate");
  await box.locator("xpath=..").getByRole("button", { name: "Keep" }).click();
  await page.getByText("The reason is kept.").waitFor();
  assert.equal(await page.getByLabel(label).inputValue(), "Outside their mandate");
  await page.getByText("The same as a table").first().click();
  await page.getByRole("table", { name: "Who stands where" }).or(page.getByRole("region", { name: "Who stands where" })).first().waitFor();
  assert.deepEqual(problems, []);
  await context.close();
});

test("two entries of one person are merged, and undo parts them", async () => {
  const { page, context, problems } = await open("/grid");
  const cells = (name) => ({ op: "add_row", cells: { name, contacts: [{ name: "Jo Testcase", email: `${name.split(" ").pop().toLowerCase()}@testcase.example` }] } });
  const status = await page.evaluate(
    async (body) => (await fetch("/api/fundraising/state", { method: "PATCH", headers: { "content-type": "application/json" }, body })).status,
    JSON.stringify({ operations: [cells("Sample Pair One"), cells("Sample Pair Two")] }),
  );
  assert.equal(status, 200);
  await until(async () => {
    const found = await page.evaluate(async () => (await fetch("/api/contacts?q=testcase")).json());
    return found.contacts.length === 2;
  }, "the projection follows");
  await page.goto(`${stack.base}/contacts/duplicates`);
  const pair = page.getByRole("listitem").filter({ hasText: "Sample Pair One" }).first();
  await pair.getByRole("button", { name: /^Merge, keep / }).first().click();
  await page.getByText("They are one person now.").waitFor();
  await until(async () => {
    const found = await page.evaluate(async () => (await fetch("/api/contacts?q=testcase")).json());
    return found.contacts.length === 1 && found.contacts[0].investor_count === 2;
  }, "one person at two investors");
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText("Undone.").waitFor();
  await page.goto(`${stack.base}/contacts?q=testcase`);
  await until(async () => {
    await page.reload();
    return (await page.getByRole("link", { name: "Jo Testcase" }).count()) === 2;
  }, "two again");
  await page.getByRole("link", { name: "Jo Testcase" }).first().click();
  await page.getByLabel("Role").fill("Partner");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved, wherever this person stands.").waitFor();
  assert.deepEqual(problems, []);
  await context.close();
});

test("from an investor's page: a commitment, a contact of theirs, and why it was lost", async () => {
  const { page, context, problems } = await open("/pipeline");
  await page.getByLabel(/^Why .* was lost$/).first().locator("xpath=../../..").getByRole("link").first().click();
  const investor = await page.getByRole("heading", { level: 1 }).textContent();
  const path = new URL(page.url()).pathname;
  await page.getByLabel("Why this investor was lost").fill("Sample reason of ours");
  await page.getByRole("region", { name: "Lost: why?" }).getByRole("button", { name: "Keep" }).click();
  await page.getByText("The reason is kept.").waitFor();
  assert.equal(await page.getByLabel("Why this investor was lost").inputValue(), "Sample reason of ours");
  await page.getByRole("link", { name: "Write down a commitment" }).click();
  await page.getByText(`Choose the fund that ${investor} commits to.`).waitFor();
  await page.getByRole("link", { name: "Sample Fund III" }).click();
  assert.equal(await page.locator("#investor").inputValue(), investor);
  await page.locator("#commit-amount").fill("7,654,321");
  await page.getByRole("button", { name: "Write it down" }).click();
  await page.getByText("Written down: 7,654,321 soft.").waitFor();
  await page.goto(stack.base + path);
  await page.getByRole("region", { name: "Commitments" }).getByText("EUR 7,654,321").waitFor();
  await page.getByRole("region", { name: "Contacts" }).getByRole("link").first().click();
  const person = await page.getByRole("heading", { level: 1 }).textContent();
  await page.getByRole("region", { name: "Log a contact" }).getByLabel("About").fill("Talked about the side letter");
  await page.getByRole("button", { name: "Log it" }).click();
  await page.getByRole("heading", { level: 1, name: person }).waitFor();
  await page.getByRole("region", { name: "What is told of them" }).getByText("Talked about the side letter").first().waitFor();
  assert.doesNotMatch(await page.getByRole("region", { name: "In touch" }).innerText(), /–/);
  assert.deepEqual(problems, []);
  await context.close();
});
