// Imports from the file to the grid and back: profiles, encodings, sheets, drift,
// taking back; each page at phone and desktop width, light and dark. CRM_SHOTS=DIR
// keeps pictures.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { FIXTURE, launch, looksWell, newPage, signIn, startStack, until } from "./stack.mjs";

const WORKBOOK = join(FIXTURE, "..", "workbook.xlsx");
let stack, browser;
const paths = {};

before(async () => {
  stack = await startStack();
  stack.addUser("member@example.org", "member");
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await stack?.stop();
});

async function open(options = {}) {
  const made = await newPage(browser, { viewport: { width: 1440, height: 900 }, ...options });
  await signIn(made.page, stack.base, "member@example.org");
  return made;
}

const csv = (name, text) => ({ name, mimeType: "text/csv", buffer: Buffer.from(text) });

async function upload(page, file) {
  await page.goto(`${stack.base}/imports`);
  await page.getByLabel("Choose a CSV or Excel file").setInputFiles(file);
  await page.getByRole("button", { name: "Upload and look at it" }).click();
  await page.waitForURL(/imports\/./);
  return new URL(page.url()).pathname;
}

async function applied(page) {
  await page.getByRole("button", { name: "Apply", exact: true }).click();
  await page.getByText("Applied.", { exact: true }).waitFor({ timeout: 30_000 });
}

const week = (note, more = "") =>
  `Investor,Stage,Met,Note\n${Array.from({ length: 9 }, (_, n) => `Sample Office ${n},${n % 2 ? "Lead" : "Engaged"},3/${n + 1}/2025,${note} ${n}`).join("\n")}\n${more}`;

test("a first file is mapped by hand, the next one takes two clicks", async () => {
  const { page, context, problems } = await open();
  paths.first = await upload(page, csv("week-1.csv", week("first")));
  assert.match(await page.locator("#blocked").innerText(), /day or the month/);
  await page.getByLabel("Order of dates in Met").selectOption({ label: "Day first (3 April)" });
  await page.getByRole("button", { name: "Update dry run" }).click();
  await applied(page);
  await page.getByLabel("Save this mapping as a profile").fill("Weekly export");
  await page.getByRole("button", { name: "Save profile" }).click();
  await page.getByText("Saved as “Weekly export”").waitFor();

  paths.second = await upload(page, csv("week-2.csv", week("second", "Sample New One,Lead,1/12/2025,hello\n")));
  await page.getByText("Mapped by the profile").waitFor();
  await page.getByRole("row", { name: /Sample Office 3 .*first 3.*second 3/ }).waitFor();
  await applied(page);
  await page.getByText("1 new, 9 changed, in one change set").waitFor();
  await page.goto(`${stack.base}/imports`);
  await page.getByRole("row", { name: /Weekly export/ }).waitFor();
  assert.deepEqual(problems, []);
  await context.close();
});

test("a wrong encoding shows, and is put right", async () => {
  const { page, context, problems } = await open();
  paths.draft = await upload(page, csv("umlauts.csv", "Investor,Note\nMüller & Söhne,Größe\nSample Office 1,hello\n"));
  await page.getByText("How the file is read").click();
  const raw = page.getByRole("region", { name: "How the file begins" });
  assert.match(await raw.innerText(), /Müller/);
  await page.getByLabel("Encoding").selectOption("cp1252");
  await page.getByRole("button", { name: "Read it again" }).click();
  await page.getByText("How the file is read").click();
  await raw.getByText("MÃ¼ller").waitFor();
  await page.getByLabel("Encoding").selectOption("utf16_be");
  problems.length = 0;
  await page.getByRole("button", { name: "Read it again" }).click();
  const why = page.locator("#encoding-error");
  await why.waitFor();
  assert.match(await raw.innerText(), /MÃ¼ller/, "what cannot be read changes nothing");
  await page.getByLabel("Encoding").selectOption("utf8");
  await page.getByRole("button", { name: "Read it again" }).click();
  await page.getByText("How the file is read").click();
  await raw.getByText("Müller").waitFor();
  // The refusal is a 422, which Chromium reports on the console.
  assert.deepEqual(problems.filter((p) => !/status of 422/.test(p)), []);
  await context.close();
});

test("a workbook is read sheet by sheet", async () => {
  const { page, context, problems } = await open();
  paths.workbook = await upload(page, WORKBOOK);
  await page.getByText("New rows").click();
  await page.locator(".names").getByText("Sample Workbook 2").waitFor();
  await page.getByText("How the file is read").click();
  await page.getByLabel("Sheet").selectOption("Others");
  await page.getByRole("button", { name: "Read it again" }).click();
  await page.locator(".samples").getByText("Sample from the second sheet").waitFor();
  assert.equal(await page.getByLabel("Encoding").count(), 0);
  assert.deepEqual(problems, []);
  await context.close();
});

test("drift names both values and who changed ours", async () => {
  const { page, context, problems } = await open();
  const file = week("second").replace("second 3", "second, from Airtable").replace("Sample Office 8", "Sample Elsewhere");
  paths.drifting = await upload(page, csv("from-airtable.csv", file.replace("second, from", '"second, from').replace("Airtable", 'Airtable"')));
  await page.getByRole("link", { name: "Compare with the grid" }).click();
  await page.getByRole("heading", { name: "Where file and grid differ" }).waitFor();
  paths.drift = new URL(page.url()).pathname;
  const row = page.getByRole("row", { name: /Sample Office 3/ });
  assert.match(await row.innerText(), /Note[\s\S]*second, from Airtable[\s\S]*second 3[\s\S]*Sample member/);
  await page.getByRole("link", { name: /Only in the grid/ }).click();
  await page.getByRole("heading", { name: "Only in the grid" }).waitFor();
  assert.equal(await page.getByRole("row", { name: /Sample Office 3/ }).count(), 0);
  await page.getByRole("row", { name: /Sample New One/ }).waitFor();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download as CSV" }).click()]);
  assert.equal(download.suggestedFilename(), "differences.csv");
  assert.deepEqual(problems, []);
  await context.close();
});

test("without scripts, one click takes an import back and keeps what was edited since", async () => {
  const { page, context } = await open({ javaScriptEnabled: false });
  await page.goto(`${stack.base}/grid?q=Sample New One`);
  const href = await page.getByRole("link", { name: "Sample New One", exact: true }).getAttribute("href");
  const id = href.split("/").pop();
  const body = JSON.stringify({ operations: [{ op: "set", row: id, column: "note", value: "mine", base: 9e15 }] });
  const edited = await context.request.patch(`${stack.base}/api/fundraising/state`, { data: body, headers: { "content-type": "application/json", origin: stack.base } });
  assert.equal(edited.status(), 200, await edited.text());
  await page.goto(stack.base + paths.second);
  await page.getByRole("button", { name: "Take it back" }).click();
  await page.getByText("Reverted.", { exact: true }).waitFor();
  await page.getByRole("row", { name: /Sample New One.*was changed since by Sample member/ }).waitFor();
  await page.goto(`${stack.base}/imports`);
  await page.getByRole("row", { name: /week-2.csv.*Reverted/ }).waitFor();
  await page.goto(`${stack.base}/grid?q=Sample Office 3`);
  await page.getByText("first 3").first().waitFor();
  await context.close();
});

const looks = [360, 1440].flatMap((width) => ["light", "dark"].map((colorScheme) => ({ width, colorScheme })));

for (const look of looks) {
  test(`pages at ${look.width} px, ${look.colorScheme}`, async (t) => {
    const { page, context, problems } = await open({ viewport: { width: look.width, height: 900 }, colorScheme: look.colorScheme });
    if (!paths.byProfile) {
      paths.byProfile = await upload(page, csv("week-3.csv", week("third", `Sample Wrong,Lead,soon,x\n`)));
    }
    const pages = {
      imports: () => "/imports",
      "import-by-profile": () => paths.byProfile,
      "import-reading": () => paths.draft,
      "import-workbook": () => paths.workbook,
      "import-applied": () => paths.first,
      "import-reverted": () => paths.second,
      "import-drift": () => paths.drift,
      "import-drift-nothing": () => `${paths.drift}?kind=unreadable`,
    };
    for (const [name, path] of Object.entries(pages)) await t.test(name, () => inspect(page, name, path(), problems));
    await context.close();
  });
}

async function inspect(page, name, path, problems) {
  problems.length = 0;
  await page.goto(stack.base + path);
  await page.locator("h1").first().waitFor();
  await page.evaluate(() => document.querySelectorAll("main details").forEach((details) => (details.open = true)));
  await looksWell(page, name);
  assert.deepEqual(problems, [], name);
}

test("a page hears of what happened before its stream was open", async () => {
  const { page, context, problems } = await open();
  await upload(page, csv("before.csv", `Investor,A\n${Array.from({ length: 7000 }, (_, n) => `Before ${n},x`).join("\n")}\n`));
  let openStream;
  const held = new Promise((resolve) => { openStream = resolve; });
  await page.route("**/events?*", async (route) => {
    await held;
    await route.continue();
  });
  await page.getByRole("button", { name: "Apply", exact: true }).click();
  await page.getByRole("heading", { name: "Applying" }).waitFor();
  await until(async () => (await (await context.request.get(page.url())).text()).includes("Applied."), "the worker applied it");
  assert.ok(await page.getByRole("heading", { name: "Applying" }).isVisible(), "nobody told the page");
  openStream();
  await page.getByText("Applied.", { exact: true }).waitFor();
  assert.deepEqual(problems, []);
  await context.close();
});

test("a live page follows a large import being taken back by the worker", async () => {
  const { page, context, problems } = await open();
  const large = (note) => `Investor,A,B,C\n${Array.from({ length: 7000 }, (_, n) => `Many ${n},${note},${note},${note}`).join("\n")}\n`;
  await upload(page, csv("many.csv", large("one")));
  await applied(page);
  await upload(page, csv("many-again.csv", large("two")));
  await applied(page);
  await page.getByRole("button", { name: "Take it back" }).click();
  await page.getByText("Reverted.", { exact: true }).waitFor({ timeout: 60_000 });
  await page.getByText("Taken back: 21,000 cells.").waitFor();
  await until(async () => (await page.getByRole("button", { name: "Take it back" }).count()) === 0, "nothing is left to take back");
  assert.deepEqual(problems, []);
  await context.close();
});
