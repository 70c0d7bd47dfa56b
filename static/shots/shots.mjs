// The pictures of the guides: the demo fund in the real app, as a visitor sees it.
// `ops/screenshots` builds what this needs and runs it.

import { join } from "node:path";
import { launch, newPage, signIn, startStack, until } from "../e2e/stack.mjs";

const OUT = join(import.meta.dirname, "..", "..", "docs", "img");
const stack = await startStack({ demo: true });
const browser = await launch();
try {
  stack.addUser("ada@example.org", "admin");
  const { page } = await newPage(browser, { viewport: { width: 1440, height: 860 }, colorScheme: "light" });
  await signIn(page, stack.base, "ada@example.org");

  const shot = async (name, path, ready, options = {}) => {
    await page.goto(stack.base + path);
    await ready?.();
    await page.screenshot({ path: join(OUT, `${name}.png`), animations: "disabled", ...options });
    console.log(`docs/img/${name}.png`);
  };

  await page.goto(`${stack.base}/backups`);
  await page.getByRole("button", { name: "Back up now" }).first().click();
  await page.getByText("Verified", { exact: true }).first().waitFor({ timeout: 60_000 });
  stack.run("crm-worker", ["drill"]);
  await until(() => /"state":\s*"done"/.test(stack.run("crm-worker", ["jobs", "--state", "done", "--json"])), "jobs have run");

  await shot("home", "/");
  await shot("grid", "/grid", () => page.getByRole("grid").waitFor());
  await shot("board", "/grid/board");
  await page.goto(`${stack.base}/api/fundraising/state?limit=1`);
  const investor = JSON.parse(await page.locator("body").innerText()).rows[0].id;
  await shot("investor", `/investors/${investor}`);
  await shot("day", "/day");
  await page.goto(`${stack.base}/funds`);
  const fund = await page.getByRole("link", { name: "Sample Fund III" }).first().getAttribute("href");
  await shot("fund", fund);
  // Down to where the folder of this run is named.
  await shot("backups", "/backups", undefined, { clip: { x: 0, y: 0, width: 1440, height: 620 } });
  await shot("worker", "/jobs", undefined, { fullPage: false });
} finally {
  await browser.close();
  await stack.stop();
}
