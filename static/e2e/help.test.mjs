// The guides under /help: found from the menu and the palette, whole, and every
// link and picture of every page leads somewhere.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, newPage, signIn, startStack } from "./stack.mjs";

let stack, browser;

before(async () => {
  stack = await startStack();
  stack.addUser("member@example.org", "member");
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await stack?.stop();
});

test("help is one click away, and one page leads to the next", async () => {
  const { page, context, problems } = await newPage(browser, { viewport: { width: 1440, height: 900 } });
  await signIn(page, stack.base, "member@example.org");
  await page.getByRole("link", { name: "Help", exact: true }).click();
  await page.getByRole("heading", { name: "Help", level: 1 }).waitFor();
  await page.getByRole("main").getByRole("link", { name: "User guide" }).click();
  await page.getByRole("heading", { name: "User guide", level: 1 }).waitFor();
  await page.getByRole("navigation", { name: "On this page" }).getByRole("link", { name: "The table" }).click();
  assert.equal(new URL(page.url()).hash, "#the-table");
  await page.getByText("Next:").getByRole("link").click();
  await page.getByRole("heading", { name: "The grid", level: 1 }).waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Search or jump to" }).fill("formula func");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/help\/formulas$/);
  assert.deepEqual(problems, []);
  await context.close();
});

test("every link, anchor and picture of the guides leads somewhere", async () => {
  const { page, context } = await newPage(browser, { javaScriptEnabled: false });
  await signIn(page, stack.base, "member@example.org");
  await page.goto(`${stack.base}/help`);
  const pages = await page.locator(".help-list a").evaluateAll((links) => links.map((a) => a.pathname));
  assert.ok(pages.length >= 18, `${pages.length} pages`);
  const ids = new Map(), anchors = [], pictures = new Set();
  for (const path of pages) {
    await page.goto(stack.base + path);
    ids.set(path, new Set(await page.locator("[id]").evaluateAll((all) => all.map((one) => one.id))));
    for (const [to, hash] of await page.locator(".help-text a").evaluateAll((links) => links.filter((a) => a.pathname.startsWith("/help/")).map((a) => [a.pathname, a.hash.slice(1)]))) {
      anchors.push([path, to, hash]);
    }
    for (const src of await page.locator(".help-text img").evaluateAll((all) => all.map((one) => one.src))) pictures.add(src);
    assert.equal(await page.locator(".help-text img:not([alt]), .help-text img[alt='']").count(), 0, `${path}: pictures say what they show`);
  }
  for (const [from, to, hash] of anchors) {
    assert.ok(ids.has(to), `${from} leads to ${to}`);
    if (hash) assert.ok(ids.get(to).has(hash), `${from} leads to ${to}#${hash}`);
  }
  assert.ok(pictures.size >= 6, `${pictures.size} pictures`);
  for (const src of pictures) {
    const answer = await page.request.get(src);
    assert.equal(answer.status(), 200, src);
    assert.equal(answer.headers()["content-type"], "image/png");
  }
  for (const nothing of ["/help/none", "/help/architecture", "/help/img/none.png"]) {
    assert.equal((await page.request.get(stack.base + nothing)).status(), 404, nothing);
  }
  await context.close();
});
