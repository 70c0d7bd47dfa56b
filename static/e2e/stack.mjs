// Both real binaries on a fresh data directory, and a Chromium to look at them.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
export const BIN = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), process.env.CRM_E2E_PROFILE ?? "debug");
export const FIXTURE = join(ROOT, "jobs/tests/fixtures/airtable-export.csv");
export const PASSWORD = "correct horse battery 9";

/** A port that nobody uses now. */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Starts api and worker. `demo` fills the database with the demo fund first; `environment` adds variables. */
export async function startStack({ demo = false, environment = {} } = {}) {
  const dir = mkdtempSync(join(tmpdir(), "crm-e2e-"));
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const env = {
    ...process.env,
    CRM_DATA_DIR: dir,
    CRM_BIND: `127.0.0.1:${port}`,
    CRM_BASE_URL: base,
    CRM_LOG: "warn",
    ...environment,
  };
  const run = (name, args, input) => {
    const done = spawnSync(join(BIN, name), args, { env, input, encoding: "utf8" });
    if (done.status !== 0) throw new Error(`${name} ${args.join(" ")}: ${done.stdout}${done.stderr}`);
    return done.stdout;
  };
  if (demo) run("crm-api", ["demo"]);
  const children = [];
  const log = [];
  const start = (name, args) => {
    const child = spawn(join(BIN, name), args, { env });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => log.push(String(text)));
    children.push(child);
    return child;
  };
  start("crm-api", ["serve"]);
  await until(async () => (await fetch(`${base}/healthz`)).ok, "the api answers");
  start("crm-worker", ["run"]);
  return {
    base,
    dir,
    run,
    log: () => log.join(""),
    setupLink: () => log.join("").match(/http\S+\/setup\/\S+/)?.[0],
    /** Starts a worker in place of one that a test has killed. */
    startWorker: () => start("crm-worker", ["run"]),
    /** Creates a user with the usual password. */
    addUser: (email, role) =>
      run("crm-api", ["admin", "create-user", "--email", email, "--name", `Sample ${role}`, "--role", role, "--password-stdin"], PASSWORD),
    async stop() {
      await Promise.all(
        children.map(
          (child) =>
            new Promise((resolve) => {
              if (child.exitCode !== null || child.signalCode !== null) resolve();
              child.once("exit", resolve);
              if (!child.kill("SIGTERM")) resolve();
            }),
        ),
      );
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Waits until a condition holds; connection errors count as "not yet". */
export async function until(holds, what, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    try {
      if (await holds()) return;
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    if (Date.now() > end) throw new Error(`timed out: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A page that remembers what went wrong in it: scripts, policy, server errors. */
export async function newPage(browser, options = {}) {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const problems = [];
  page.on("pageerror", (error) => problems.push(`script: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`console: ${message.text()}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 500) problems.push(`${response.status()} ${response.url()}`);
  });
  return { page, context, problems };
}

export async function signIn(page, base, email, password = PASSWORD) {
  await page.goto(`${base}/login`);
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => !url.pathname.startsWith("/login"));
}

export const axeSource = readFileSync(join(ROOT, "static/node_modules/axe-core/axe.min.js"), "utf8");

/**
 * No serious finding of axe, nothing that scrolls sideways, in the look the page has now.
 * CRM_SHOTS=DIR keeps a picture.
 */
export async function looksWell(page, name, { fullPage = true } = {}) {
  const look = await page.evaluate(() => `${innerWidth}-${matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"}`);
  const shots = process.env.CRM_SHOTS;
  if (shots) {
    mkdirSync(shots, { recursive: true });
    await page.screenshot({ path: join(shots, `${name}-${look}.png`), fullPage });
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${name} scrolls ${wide} px sideways, ${look}`);
  await page.evaluate(axeSource);
  // Without `preload`: the archive's reader lets nothing be fetched, not even by axe.
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"], preload: false }));
  const serious = found.violations.filter((v) => ["serious", "critical"].includes(v.impact));
  assert.deepEqual(serious.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join("; ")}`), [], `${name}, ${look}`);
}

/** The page at two widths and in both themes, one after the other. */
export async function inEveryLook(page, name) {
  for (const width of [1440, 360])
    for (const colorScheme of ["light", "dark"]) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      // Under reduced motion every property has a transition of 1 ms, and inherited colours
      // take one after the other: nothing is judged, or pictured, before they are there.
      const isThere = (scheme) => {
        const ground = getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g).slice(0, 3);
        return ground.every((part) => Number(part) < 100) === (scheme === "dark");
      };
      await page.waitForFunction(isThere, colorScheme, { polling: 50 });
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      await looksWell(page, name);
    }
  await page.setViewportSize({ width: 1440, height: 900 });
}

/** Asks the api as the page's own scripts do. */
export const call = (page, method, path, body) =>
  page.evaluate(
    async ([method, path, body]) => {
      const answer = await fetch(path, { method, headers: { "content-type": "application/json" }, body: body && JSON.stringify(body) });
      const text = await answer.text();
      return { status: answer.status, json: text ? JSON.parse(text) : null };
    },
    [method, path, body],
  );
