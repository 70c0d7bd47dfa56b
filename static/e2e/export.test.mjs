// Taking data out: a view as CSV and Excel, the snapshot into another database, and
// the archive, unpacked and opened from the disk with the network cut. Pages at phone
// and desktop width, light and dark. CRM_SHOTS=DIR keeps pictures.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { after, before, test } from "node:test";
import { launch, looksWell, newPage, signIn, startStack, until } from "./stack.mjs";

const scratch = mkdtempSync(join(tmpdir(), "crm-export-"));
let stack, browser;

before(async () => {
  stack = await startStack({ demo: true });
  stack.addUser("admin@example.org", "admin");
  stack.addUser("member@example.org", "member");
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await stack?.stop();
  rmSync(scratch, { recursive: true, force: true });
});

async function open(email, options = {}) {
  const made = await newPage(browser, { viewport: { width: 1440, height: 900 }, ...options });
  await signIn(made.page, stack.base, email);
  return made;
}

async function save(page, click, name) {
  const [download] = await Promise.all([page.waitForEvent("download"), click()]);
  const path = join(scratch, name);
  await download.saveAs(path);
  return { path, name: download.suggestedFilename() };
}

test("a member downloads a view as CSV, and importing it changes nothing", async () => {
  const { page, context, problems } = await open("member@example.org");
  await page.goto(`${stack.base}/imports`);
  await page.getByRole("main").getByRole("link", { name: "Export" }).click();
  await page.getByLabel("View", { exact: true }).selectOption({ label: "No view: all investors" });
  const saved = await save(page, () => page.getByRole("button", { name: "Download CSV" }).click(), "view.csv");
  assert.match(saved.name, /^Investors \d{4}-\d\d-\d\d\.csv$/);
  const bytes = readFileSync(saved.path);
  assert.deepEqual([...bytes.subarray(0, 3)], [0xef, 0xbb, 0xbf]);
  assert.ok(bytes.toString().split("\r\n").length > 300);

  await page.goto(`${stack.base}/imports`);
  await page.getByLabel("Choose a CSV or Excel file").setInputFiles(saved.path);
  await page.getByRole("button", { name: "Upload and look at it" }).click();
  await page.waitForURL(/imports\/./);
  const id = new URL(page.url()).pathname.split("/").pop();
  const dry = await (await context.request.get(`${stack.base}/api/imports/${id}/dry-run`)).json();
  assert.deepEqual([dry.new, dry.changed, dry.rejected, dry.conflicting], [0, 0, 0, 0], JSON.stringify(dry).slice(0, 2000));
  assert.ok(dry.unchanged > 300);
  assert.deepEqual(problems, []);
  await context.close();
});

test("the workbook is one that programs open", async () => {
  const { page, context, problems } = await open("member@example.org");
  await page.goto(`${stack.base}/export`);
  const saved = await save(page, () => page.getByRole("button", { name: "Download Excel" }).click(), "view.xlsx");
  assert.match(saved.name, /\.xlsx$/);
  const sheet = execFileSync("unzip", ["-p", saved.path, "xl/worksheets/sheet1.xml"], { maxBuffer: 1 << 28 }).toString();
  assert.match(sheet, /<pane [^>]*state="frozen"/);
  assert.ok(!sheet.includes("<f>"), "no formula");
  assert.match(sheet, /<c r="[A-Z]+2"[^>]*><v>[\d.]+<\/v>/, "numbers are numbers");
  assert.equal(await page.getByRole("button", { name: "Make an archive" }).count(), 0, "not for members");
  assert.deepEqual(problems, []);
  await context.close();
});

test("the snapshot loads into an empty database, and is the same there", async () => {
  const { page, context, problems } = await open("admin@example.org");
  await page.goto(`${stack.base}/export`);
  const first = await save(page, () => page.getByRole("link", { name: "Download the snapshot" }).click(), "snapshot.json");
  const dir = join(scratch, "other");
  const api = (...args) => spawnSync(join(process.env.CARGO_TARGET_DIR ?? "../target", process.env.CRM_E2E_PROFILE ?? "debug", "crm-api"), args, {
    env: { ...process.env, CRM_DATA_DIR: dir, CRM_LOG: "warn" }, encoding: "utf8" });
  const loaded = api("load", first.path);
  assert.equal(loaded.status, 0, loaded.stderr);
  assert.match(loaded.stdout, /Loaded \d{4,} rows/);
  const again = api("load", first.path);
  assert.notEqual(again.status, 0);
  assert.match(again.stderr, /not empty/);
  const link = api("admin", "reset-password", "--email", "admin@example.org");
  assert.match(link.stdout, /\/setup\/\S+/, "an admin gets in again");
  assert.deepEqual(problems, []);
  await context.close();
});

test("the archive is made, unpacked, and read without app or network", async () => {
  const { page, context, problems } = await open("admin@example.org");
  await attach(page, context);
  await page.goto(`${stack.base}/export`);
  await page.getByRole("button", { name: "Make an archive" }).click();
  const link = page.getByRole("link", { name: /venture-crm-.*\.zip/ });
  await link.waitFor({ timeout: 60_000 });
  const saved = await save(page, () => link.click(), "everything.zip");
  const there = join(scratch, "unpacked");
  execFileSync("unzip", ["-q", saved.path, "-d", there]);
  execFileSync("sha256sum", ["--quiet", "-c", "SHA256SUMS"], { cwd: there });
  assert.deepEqual(readdirSync(there).sort(), ["README.txt", "SHA256SUMS", "crm.db", "csv", "files", "reader"]);
  assert.deepEqual(problems, []);
  await context.close();
});

test("a worker killed half-way leaves one good archive and no halves", async () => {
  const { page, context } = await open("admin@example.org");
  const exports = join(stack.dir, "exports");
  for (const archive of await (await context.request.get(`${stack.base}/api/fundraising/archives`)).json()) {
    await context.request.delete(`${stack.base}/api/fundraising/archives/${archive.id}`, { headers: { origin: stack.base } });
  }
  const { workers } = await (await context.request.get(`${stack.base}/api/jobs/summary`)).json();
  await context.request.post(`${stack.base}/api/fundraising/archive`, { headers: { origin: stack.base } });
  await until(() => readdirSync(exports).some((name) => name.endsWith(".tmp")), "it has begun");
  process.kill(workers[0].pid, "SIGKILL");
  assert.ok(readdirSync(exports).some((name) => name.endsWith(".tmp")), "it was in the middle of it");
  stack.startWorker();
  await page.goto(`${stack.base}/export`);
  await page.getByRole("link", { name: /venture-crm-.*\.zip/ }).waitFor({ timeout: 120_000 });
  const left = readdirSync(exports).map((name) => name.replace(/.*\./, "")).sort();
  assert.deepEqual(left, ["json", "zip"], readdirSync(exports).join());
  await context.close();
});

async function attach(page, context) {
  await page.goto(`${stack.base}/grid`);
  const id = await page.locator("table.grid tbody tr").first().getAttribute("id");
  const headers = { origin: stack.base };
  const file = { name: "Side letter #1 (50%).txt", mimeType: "text/plain", buffer: Buffer.from("the side letter") };
  const sent = await context.request.post(`${stack.base}/api/fundraising/investors/${id}/files`, { headers, multipart: { file } });
  assert.equal(sent.status(), 201, await sent.text());
  const name = "<img src=x onerror=alert(1)> Sample Office";
  const patch = { operations: [{ op: "set", row: id, column: await column(context), value: name, base: 9e15 }] };
  const done = await context.request.patch(`${stack.base}/api/fundraising/state`, { headers, data: patch });
  assert.equal(done.status(), 200, await done.text());
}

async function column(context) {
  const state = await (await context.request.get(`${stack.base}/api/fundraising/state`)).json();
  return state.columns[0].id;
}

const looks = [360, 1440].flatMap((width) => ["light", "dark"].map((colorScheme) => ({ width, colorScheme })));

for (const look of looks) {
  test(`the reader from the disk at ${look.width} px, ${look.colorScheme}`, async () => {
    const { page, context, problems } = await newPage(browser, { viewport: { width: look.width, height: 900 }, colorScheme: look.colorScheme, offline: true });
    const asked = [];
    page.on("request", (request) => asked.push(request.url()));
    page.on("dialog", (dialog) => { problems.push(`dialog: ${dialog.message()}`); void dialog.dismiss(); });
    await page.goto(pathToFileURL(join(scratch, "unpacked/reader/index.html")).href);
    await page.getByText(/^3\d\d investors$|^400 investors$/).waitFor();
    await inspect(page, "reader-list", problems);
    await page.getByLabel("Search").fill("onerror office");
    await page.getByText("1 investor", { exact: true }).waitFor();
    await page.getByRole("link", { name: "<img src=x onerror=alert(1)> Sample Office" }).click();
    await page.getByRole("heading", { name: "<img src=x onerror=alert(1)> Sample Office" }).waitFor();
    const file = page.getByRole("link", { name: "Side letter #1 (50%).txt" });
    await file.waitFor();
    assert.equal(readFileSync(new URL(await file.evaluate((a) => a.href)), "utf8"), "the side letter");
    assert.equal(await page.locator("img").count(), 0, "text stays text");
    await inspect(page, "reader-investor", problems);
    await page.getByRole("link", { name: "All investors" }).click();
    await page.getByLabel("Search").fill("");
    await page.locator("tbody tr").nth(1).waitFor();
    if (look.width > 400) {
      const names = () => page.locator("tbody th").allInnerTexts();
      const before = await names();
      await page.getByRole("columnheader").first().getByRole("button").click();
      assert.equal(await page.getByRole("columnheader").first().getAttribute("aria-sort"), "ascending");
      const sorted = await names();
      assert.notDeepEqual(sorted, before);
      assert.deepEqual(sorted, [...sorted].sort(new Intl.Collator(undefined, { numeric: true, sensitivity: "base" }).compare));
    }
    else {
      await page.getByLabel("Sort by").selectOption({ label: "Name, Z to A" });
      const names = await page.locator("tbody th").allInnerTexts();
      assert.deepEqual(names, [...names].sort(new Intl.Collator(undefined, { numeric: true, sensitivity: "base" }).compare).reverse());
    }
    await page.getByRole("button", { name: "Show more" }).click();
    assert.equal(await page.locator("tbody tr").count(), 200);
    assert.ok(asked.every((url) => url.startsWith("file:")), asked.join("\n"));
    assert.deepEqual(problems, []);
    await context.close();
  });

  test(`the page at ${look.width} px, ${look.colorScheme}`, async () => {
    for (const who of ["admin", "member"]) {
      const { page, context, problems } = await open(`${who}@example.org`, { viewport: { width: look.width, height: 900 }, colorScheme: look.colorScheme });
      await page.goto(`${stack.base}/export`);
      await inspect(page, `export-${who}`, problems);
      await context.close();
    }
  });
}

async function inspect(page, name, problems) {
  await page.locator("h1").first().waitFor();
  await looksWell(page, name, { fullPage: name !== "reader-list" });
  assert.deepEqual(problems, [], name);
}
