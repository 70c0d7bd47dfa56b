// Putting the whole table back: chosen by a change or a time, seen first, done by
// a job, and taken back like any other change. CRM_SHOTS=DIR keeps pictures.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, looksWell, newPage, signIn, startStack, until } from "./stack.mjs";

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

/** The first investors, by id and name. */
const names = (page) =>
  page.evaluate(async () => {
    const { rows } = await (await fetch("/api/fundraising/rows?limit=60")).json();
    return rows.map(({ id, cells }) => `${id} ${cells.name ?? cells.investor}`).sort();
  });

for (const javaScriptEnabled of [true, false]) {
  test(`a bad afternoon is put back ${javaScriptEnabled ? "in a browser" : "without scripts"}`, async () => {
    const helper = await newPage(browser, {});
    await signIn(helper.page, stack.base, "admin@example.org");
    const { page, context, problems } = await newPage(browser, { javaScriptEnabled });
    await signIn(page, stack.base, "admin@example.org");
    const good = await names(helper.page);
    const damage = await helper.page.evaluate(async () => {
      const { columns } = await (await fetch("/api/fundraising/state")).json();
      const { rows } = await (await fetch("/api/fundraising/rows?limit=60")).json();
      const title = columns[0].id;
      const operations = rows.slice(0, 40).map(({ id }) => ({ op: "set", row: id, column: title, value: "Oh no", base: 9e15 }));
      for (const { id } of rows.slice(40, 45)) operations.push({ op: "delete", row: id });
      const answer = await fetch("/api/fundraising/state", {
        method: "PATCH",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ operations }),
      });
      return answer.status;
    });
    assert.equal(damage, 200);
    const bad = await names(helper.page);
    assert.notDeepEqual(bad, good);

    await page.goto(`${stack.base}/grid/trash`);
    await page.getByRole("link", { name: "Put the whole table back" }).click();
    await page.getByRole("link", { name: /^Before this/ }).first().click();
    await page.getByText("40 cells get their values back").waitFor();
    await page.getByText("5 investors come back from the trash").waitFor();
    await page.getByRole("button", { name: "Put the table back" }).click();
    await page.getByText("The table is being put back").waitFor();
    await until(async () => JSON.stringify(await names(helper.page)) === JSON.stringify(good), "the table is back");

    // It is a change like any other: before it, the table was bad.
    await page.goto(`${stack.base}/grid/put-back`);
    await page.getByRole("link", { name: /put back/ }).first().click();
    await page.getByText("40 cells get their values back").waitFor();
    await page.getByRole("button", { name: "Put the table back" }).click();
    await until(async () => JSON.stringify(await names(helper.page)) === JSON.stringify(bad), "the put-back is taken back");
    await page.goto(`${stack.base}/grid/put-back`);
    await page.getByRole("link", { name: /put back/ }).first().click();
    await page.getByRole("button", { name: "Put the table back" }).click();
    await until(async () => JSON.stringify(await names(helper.page)) === JSON.stringify(good), "and done again");
    assert.deepEqual(problems, []);
    await context.close();
    await helper.context.close();
  });
}

test("a time that is none, and one before everything, are told plainly", async () => {
  const { page, context } = await newPage(browser, {});
  await signIn(page, stack.base, "admin@example.org");
  await page.goto(`${stack.base}/grid/put-back?as_of=soon`);
  await page.getByRole("alert").getByText("Write a version").waitFor();
  await page.goto(`${stack.base}/grid/put-back?day=2001-01-01&time=16:00`);
  await page.getByText(/investors added since go to the trash/).waitFor();
  await context.close();
});

for (const look of [
  { width: 1440, colorScheme: "light" },
  { width: 1440, colorScheme: "dark" },
  { width: 360, colorScheme: "light" },
  { width: 360, colorScheme: "dark" },
]) {
  test(`what would change reads well at ${look.width} px, ${look.colorScheme}`, async () => {
    const { page, context } = await newPage(browser, { viewport: { width: look.width, height: 900 }, colorScheme: look.colorScheme });
    await signIn(page, stack.base, "admin@example.org");
    await page.goto(`${stack.base}/grid/put-back`);
    await page.getByRole("link", { name: /put back/ }).first().click();
    await page.getByText("get their values back").waitFor();
    await looksWell(page, "put-back");
    await context.close();
  });
}
