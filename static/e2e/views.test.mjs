// Views and fields of the grid against the real api: builders, what is not saved
// yet, formulas, changes of type, and what the grid can tell about itself.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axeSource, launch, newPage, signIn, startStack, until } from "./stack.mjs";

let stack, browser, opened, page;

before(async () => {
  stack = await startStack({ demo: true });
  stack.addUser("admin@example.org", "admin");
  stack.addUser("member@example.org", "member");
  browser = await launch();
  opened = await openGrid("admin@example.org");
  page = opened.page;
});

after(async () => {
  await browser?.close();
  await stack?.stop();
});

async function openGrid(email, options = {}) {
  const it = await newPage(browser, { viewport: { width: 1440, height: 860 }, ...options });
  await it.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await signIn(it.page, stack.base, email);
  await it.page.goto(`${stack.base}/grid`);
  await it.page.locator(options.viewport?.width < 640 ? ".g-card" : ".g-row .g-c").first().waitFor();
  return it;
}

const saved = (on = page) => on.getByRole("status").filter({ hasText: /^Saved$/ }).first().waitFor();
const api = (path, on = page) => on.evaluate(async (it) => (await fetch(it)).json(), path);
const tool = (name, on = page) => on.locator(`.g-bar [data-menu=${name}]`);
const panel = (name, on = page) => on.getByRole("dialog", { name, exact: true });
const strip = (on = page) => on.getByRole("region", { name: "Unsaved changes of this view" });
const rows = (on = page) => on.locator(".g-foot .g-fc").nth(1);
const showsRows = (n, on = page) => until(async () => (await rows(on).innerText()) === `${n.toLocaleString("en")} ${n === 1 ? "row" : "rows"}`, `${n} rows are shown`, 8);
const head = (name, on = page) => on.getByRole("columnheader", { name: new RegExp(`^(ƒ )?${name}`) });
const order = (config, on = page) => api(`/api/fundraising/order?${new URLSearchParams(Object.entries(config).map(([key, value]) => [key, JSON.stringify(value)]))}`, on);

async function columnMenu(name, item) {
  await head(name).scrollIntoViewIfNeeded();
  await head(name).click({ button: "right" });
  await page.getByRole("menuitem", { name: item, exact: true }).click();
}

/** A cell by line and by the name of its column. */
async function cellOf(line, name) {
  const index = await head(name).getAttribute("aria-colindex");
  return page.locator(`.g-row[aria-rowindex="${line + 2}"] > [role=gridcell][aria-colindex="${index}"]:not([hidden])`);
}

async function findings(on = page) {
  await on.evaluate(axeSource);
  const found = await on.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.filter((it) => ["serious", "critical"].includes(it.impact)).map((it) => `${it.id}: ${it.nodes[0].target}`);
}

async function discard() {
  const button = strip().getByRole("button", { name: "Discard" });
  if (await button.isVisible()) await button.click();
  await strip().waitFor({ state: "hidden" }).catch(() => undefined);
}

test("a filter nested two deep, by keyboard opened, counts live and is unsaved for me only", async () => {
  await page.keyboard.press("Control+Shift+F");
  const box = panel("Filter");
  await box.waitFor();
  await box.getByRole("button", { name: "+ Condition" }).click();
  await box.getByRole("combobox", { name: "Field" }).selectOption({ label: "Type" });
  await box.getByRole("button", { name: /^Value for Type/ }).click();
  await page.keyboard.type("family");
  await page.keyboard.press("Enter");
  const first = { column: "type", op: "is", value: "family_office" };
  const one = await order({ filter: { all: [first] } });
  assert.ok(one.total > 0 && one.total < 400);
  await showsRows(one.total);
  assert.match(await box.getByRole("status").innerText(), new RegExp(`^${one.total} rows`));

  await box.getByRole("button", { name: "+ Group" }).click();
  const group = box.getByRole("group", { name: "Group of conditions" });
  await group.getByRole("combobox", { name: "Field" }).selectOption({ label: "Stage" });
  await group.getByRole("combobox", { name: "Question about Stage" }).selectOption("any_of");
  await group.getByRole("button", { name: /^Value for Stage/ }).click();
  await page.keyboard.type("lead");
  await page.keyboard.press("Enter");
  await page.keyboard.type("dili");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await group.getByRole("button", { name: "+ Condition" }).click();
  await group.getByRole("combobox", { name: "Field" }).nth(1).selectOption({ label: "Fund III target" });
  await group.getByRole("combobox", { name: "Question about Fund III target" }).selectOption("ge");
  await group.getByRole("textbox", { name: "Value for Fund III target" }).fill("9,000,000");
  const filter = { all: [first, { any: [{ column: "stage", op: "any_of", value: ["lead", "diligence"] }, { column: "fund_iii_target", op: "ge", value: "9000000" }] }] };
  const two = await order({ filter });
  assert.ok(two.total > 0 && two.total < one.total);
  await showsRows(two.total);
  await page.keyboard.press("Escape");
  await box.waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement?.dataset.menu), "filter", "focus is back where it was");
  await strip().getByText("Unsaved for you: filter").waitFor();
  assert.equal((await api("/api/fundraising/views")).find((it) => it.name === "All").config.filter, undefined, "nothing was written");
});

test("save as mine, save for everyone, discard", async () => {
  await strip().getByRole("button", { name: "Save as mine…" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("Sample family offices");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("list", { name: "Personal views" }).getByRole("link", { name: "Sample family offices" }).waitFor();
  await strip().waitFor({ state: "hidden" });
  const view = (await api("/api/fundraising/views")).find((it) => it.name === "Sample family offices");
  assert.equal(view.mode, "personal");
  assert.equal(view.config.filter.all.length, 2);
  assert.ok(page.url().endsWith(`view=${view.id}`), "the address names the view");
  await page.goBack();
  await showsRows(400);

  // For everyone: another person's next look has it.
  await tool("sort").click();
  await panel("Sort").getByRole("combobox", { name: "Sort by" }).selectOption({ label: "Fund III target" });
  await panel("Sort").getByRole("combobox", { name: "Direction of Fund III target" }).selectOption("down");
  await panel("Sort").getByRole("button", { name: "+ Sort by another field" }).click();
  await page.keyboard.press("Escape");
  const sorted = await order({ sort: [{ column: "fund_iii_target", descending: true }, { column: "name" }] });
  await strip().getByRole("button", { name: "Save for everyone" }).click();
  await strip().waitFor({ state: "hidden" });
  const other = await openGrid("member@example.org");
  assert.equal(await other.page.getByRole("list", { name: "Personal views" }).count(), 0, "a personal view is nobody else's");
  const shown = await api(`/api/fundraising/order?view=${(await api("/api/fundraising/views")).find((it) => it.name === "All").id}`, other.page);
  assert.deepEqual(shown.slots.slice(0, 20), sorted.slots.slice(0, 20));
  await other.context.close();

  await tool("group").click();
  await panel("Group").getByRole("combobox", { name: "Group by" }).selectOption({ label: "Stage" });
  await page.locator(".g-row.is-group").first().waitFor();
  await page.keyboard.press("Escape");
  await strip().getByRole("button", { name: "Discard" }).click();
  await strip().waitFor({ state: "hidden" });
  await until(async () => (await page.locator(".g-row.is-group").count()) === 0, "no groups");
});

test("a locked view keeps its configuration, not its data", async () => {
  await page.getByRole("button", { name: "More about Main" }).click();
  await page.getByRole("menuitem", { name: "Lock", exact: true }).click();
  const list = page.getByRole("list", { name: "Locked views" });
  await list.getByRole("link", { name: "Main" }).click();
  await tool("rows").click();
  await panel("Rows").getByRole("radio", { name: "Tall" }).check({ force: true });
  await page.keyboard.press("Escape");
  await strip().getByText(/This view is locked/).waitFor();
  assert.equal(await strip().getByRole("button", { name: "Save for everyone" }).isVisible(), false);
  await strip().getByRole("button", { name: "Discard" }).click();
  await (await cellOf(0, "City")).scrollIntoViewIfNeeded().catch(() => undefined);
  await head("City").scrollIntoViewIfNeeded();
  await (await cellOf(0, "City")).click();
  await page.keyboard.type("Sample City");
  await page.keyboard.press("Enter");
  await saved();
  await page.getByRole("button", { name: "More about Main" }).click();
  await page.getByRole("menuitem", { name: "Unlock" }).click();
  await page.getByRole("list", { name: "Shared views" }).getByRole("link", { name: "Main" }).waitFor();
});

test("views: create, rename, duplicate, reorder by keyboard, delete and undo", async () => {
  await page.getByRole("button", { name: "+ New view" }).click();
  await page.getByRole("menuitem", { name: "Grid", exact: true }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("Sample view");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByRole("link", { name: "Sample view" }).and(page.locator("[aria-current]")).waitFor();
  await page.getByRole("button", { name: "More about Sample view" }).click();
  await page.getByRole("menuitem", { name: "Rename…" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("Sample renamed");
  await page.getByRole("button", { name: "Rename", exact: true }).click();
  await page.getByRole("link", { name: "Sample renamed" }).waitFor();
  await page.getByRole("button", { name: /^Move Sample renamed/ }).press("Alt+ArrowUp");
  await until(async () => {
    const names = (await api("/api/fundraising/views")).filter((it) => it.mode === "shared").map((it) => it.name);
    return names.at(-2) === "Sample renamed";
  }, "the server has the new order");
  await page.getByRole("button", { name: "More about Sample renamed" }).click();
  await page.getByRole("menuitem", { name: "Duplicate" }).click();
  await page.getByRole("link", { name: "Sample renamed copy" }).and(page.locator("[aria-current]")).waitFor();
  await page.getByRole("button", { name: "More about Sample renamed copy" }).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await page.getByRole("link", { name: "Sample renamed copy" }).waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Undo", exact: true }).click();
  await page.getByRole("link", { name: "Sample renamed copy" }).waitFor();
});

test("hide and move fields, freeze by drag; nothing is written", async () => {
  await page.getByRole("link", { name: "Follow-up" }).click();
  await tool("fields").click();
  const box = panel("Fields");
  await box.getByRole("searchbox", { name: "Find a field" }).fill("contacts");
  await box.getByRole("switch", { name: "Show Contacts" }).uncheck();
  await until(async () => (await head("Contacts").count()) === 0, "Contacts is hidden");
  await box.getByRole("searchbox", { name: "Find a field" }).fill("");
  await box.getByRole("switch", { name: "Show Pipeline stage" }).check();
  await box.getByRole("button", { name: /^Move Type/ }).press("Alt+ArrowUp");
  await until(async () => Number(await head("Type").getAttribute("aria-colindex")) < Number(await head("Stage").getAttribute("aria-colindex")), "Type stands before Stage");
  await page.keyboard.press("Escape");
  const line = await page.locator(".g-freeze").boundingBox();
  const type = await head("Type").boundingBox();
  await page.mouse.move(line.x + 3, line.y + 10);
  await page.mouse.down();
  await page.mouse.move(type.x + type.width - 4, line.y + 10, { steps: 4 });
  await page.mouse.up();
  await strip().getByText(/fields, frozen columns/).waitFor();
  await page.locator(".g-head .g-hpane [data-column=type]").waitFor();
  await discard();
  await head("Contacts").waitFor();
});

test("the column menu opens by keyboard and gives the focus back", async () => {
  await page.locator(".g-type").focus();
  await page.keyboard.press("Control+Home");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Alt+ArrowDown");
  await page.getByRole("menu", { name: /^Field / }).waitFor();
  await until(async () => page.evaluate(() => document.activeElement?.textContent === "Rename"), "the first item has the focus");
  await page.keyboard.press("Escape");
  assert.equal(await page.evaluate(() => document.activeElement?.className), "g-type");
});

test("summary and colours", async () => {
  await page.getByRole("link", { name: "All", exact: true }).click();
  await page.locator(".g-fc[data-sum=fund_iii_target]").click();
  await page.getByRole("menuitemradio", { name: "Sum", exact: true }).click();
  const wanted = await order({ summary: { fund_iii_target: "sum" } });
  await until(async () => (await page.locator(".g-fc[data-sum=fund_iii_target]").innerText()).includes(wanted.summary.fund_iii_target.text), "the sum stands below");
  await tool("colors").click();
  const box = panel("Colour rows");
  await box.getByRole("button", { name: "+ Colour" }).click();
  await box.getByRole("radio", { name: "green" }).check();
  await box.getByRole("button", { name: /^Value for Stage/ }).click();
  await page.keyboard.type("commit");
  await page.keyboard.press("Enter");
  await page.locator(".g-row.row-green").first().waitFor();
  await page.keyboard.press("Escape");
  await discard();
  await until(async () => (await page.locator(".g-row.row-green").count()) === 0, "colours are gone");
});

test("a formula field: a mistake, its suggestion, the fix, computed cells, and how they came about", async () => {
  await page.getByRole("button", { name: "New field" }).scrollIntoViewIfNeeded();
  await page.getByRole("button", { name: "New field" }).click();
  const box = page.getByRole("dialog", { name: "New field" });
  await box.getByRole("textbox", { name: "Name" }).fill("Sample half");
  await box.getByRole("combobox", { name: "Type" }).selectOption({ label: "Formula" });
  const formula = box.getByRole("combobox", { name: "Formula" });
  await formula.fill("ROU");
  await formula.press("End");
  await box.getByRole("option", { name: /^ROUND / }).waitFor();
  await formula.press("Enter");
  await formula.pressSequentially("{Fund III targt} / 2, 0)");
  await box.getByText(/did you mean/i).waitFor();
  await box.locator(".is-wrong", { hasText: "{Fund III targt}" }).waitFor();
  await box.getByRole("button", { name: "Create field" }).click();
  await box.getByRole("alert").filter({ hasText: "mistake" }).waitFor();
  await box.getByRole("button", { name: /^Replace with/ }).click();
  await box.getByText("What it gives").waitFor();
  await box.getByRole("button", { name: "Create field" }).click();
  await box.waitFor({ state: "detached" });
  await head("Sample half").waitFor();
  const target = await order({ sort: [{ column: "fund_iii_target", descending: true }, { column: "name" }] });
  assert.ok(target.total === 400);
  await until(async () => /^[\d,]+$/.test(await (await cellOf(0, "Sample half")).innerText()), "the cell is computed");
  assert.match(await head("Sample half").getAttribute("title"), /ROUND\(\{Fund III target\} \/ 2, 0\)/);
  await (await cellOf(0, "Sample half")).click();
  await page.keyboard.press("Shift+F10");
  await page.getByRole("menuitem", { name: "Explain this value" }).click();
  await page.getByRole("dialog", { name: /^How Sample half/ }).getByRole("listitem").nth(1).waitFor();
  await page.keyboard.press("Escape");
  // A field that others are made from is not deleted.
  await columnMenu("Fund III target", "Delete field");
  await page.getByRole("alert").filter({ hasText: /Sample half/ }).waitFor();
  await columnMenu("Sample half", "Delete field");
  await until(async () => (await head("Sample half").count()) === 0, "it is gone");
  await page.getByRole("button", { name: "Undo", exact: true }).click();
  await head("Sample half").waitFor();
});

test("a change of type shows what would not convert, and undo brings the values back", async () => {
  await head("City").scrollIntoViewIfNeeded();
  const line = 2;
  const before = await (await cellOf(line, "City")).innerText();
  await columnMenu("City", "Edit field…");
  const box = page.getByRole("dialog", { name: "Edit field City" });
  await box.getByRole("combobox", { name: "Type" }).selectOption({ label: "Number" });
  await box.getByText(/0 of \d+ values convert/).waitFor();
  await box.getByRole("table", { name: "Values that do not convert" }).getByRole("row").nth(2).waitFor();
  await box.getByRole("combobox", { name: "Type" }).selectOption({ label: "Single select" });
  await box.getByText(/All \d+ values convert/).waitFor();
  await box.getByRole("combobox", { name: "Type" }).selectOption({ label: "Number" });
  await box.getByText(/0 of \d+ values convert/).waitFor();
  await box.getByRole("button", { name: "Save" }).click();
  await box.waitFor({ state: "detached" });
  await until(async () => (await (await cellOf(line, "City")).innerText()).trim() === "", "the text is gone");
  await page.keyboard.press("Control+z");
  await until(async () => (await (await cellOf(line, "City")).innerText()) === before, "the text is back", 10);
});

test("a field is renamed in place, and a select's options are edited", async () => {
  await columnMenu("Next step on", "Rename");
  await page.getByRole("textbox", { name: "Name of the field Next step on" }).fill("Sample due");
  await page.keyboard.press("Enter");
  await head("Sample due").waitFor();
  await columnMenu("Type", "Edit field…");
  const box = page.getByRole("dialog", { name: "Edit field Type" });
  await box.getByRole("button", { name: "+ Option" }).click();
  await page.keyboard.type("Sample sovereign");
  await box.getByRole("combobox", { name: "Colour of option" }).last().selectOption("pink").catch(() => undefined);
  await box.getByRole("button", { name: "Save" }).click();
  await box.waitFor({ state: "detached" });
  await until(async () => {
    const { columns } = await page.evaluate(async () => JSON.parse((await (await fetch("/api/fundraising/state?form=columns")).text()).split("\n")[0]));
    return columns.find((it) => it.id === "type").options.choices.some((it) => it.name === "Sample sovereign");
  }, "the option is there");
});

test("why a row is here, and a cell's history with a value put back", async () => {
  await page.getByRole("link", { name: "Stale 60 days" }).click();
  await until(async () => (await page.locator("[aria-current]", { hasText: "Stale 60 days" }).count()) > 0, "the view is open");
  await page.evaluate(() => { document.querySelector(".g-scroll").scrollLeft = 0; });
  await (await cellOf(0, "Stage")).click({ button: "right" });
  await page.getByRole("menuitem", { name: "Why is this row here?" }).click();
  const why = page.getByRole("dialog", { name: "Why is this row here?" });
  await why.getByText("Staleness is Stale").waitFor();
  assert.equal(await why.getByRole("img", { name: "Holds" }).count(), 3);
  await page.keyboard.press("Escape");

  await page.getByRole("link", { name: "All", exact: true }).click();
  await until(async () => (await rows().innerText()).startsWith("400"), "all rows");
  await head("Next step").first().scrollIntoViewIfNeeded();
  const cell = await cellOf(5, "Next step");
  await cell.click();
  for (const words of ["Sample first", "Sample second"]) {
    await cell.click();
    await page.keyboard.type(words);
    await page.keyboard.press("Enter");
    await saved();
  }
  await cell.click();
  await cell.click({ button: "right" });
  await page.getByRole("menuitem", { name: "History of this cell" }).click();
  const history = page.getByRole("dialog", { name: /^History of/ });
  await history.getByRole("listitem").filter({ hasText: "Sample first" }).getByRole("button", { name: "Put this value back" }).click();
  await until(async () => (await cell.innerText()) === "Sample first", "the value is back");
  await saved();
});

test("the grid as it was is read-only, and now is one click away", async () => {
  const then = (await api("/api/fundraising/order")).version;
  const cell = await cellOf(5, "Next step");
  await cell.click();
  await page.keyboard.type("Sample later");
  await page.keyboard.press("Enter");
  await saved();
  await page.getByRole("button", { name: /^History: the grid/ }).click();
  const box = panel("The grid as it was");
  await box.getByRole("spinbutton", { name: "Version" }).fill(String(then));
  await page.keyboard.press("Enter");
  const banner = page.getByRole("region", { name: "The grid as it was" });
  await banner.getByText(`As of version ${then}`).waitFor();
  await until(async () => (await cell.innerText()) === "Sample first", "the old value is shown");
  await cell.click();
  await page.keyboard.type("x");
  await page.getByText("Go back to now to edit it").first().waitFor();
  await banner.getByRole("button", { name: "Back to now" }).click();
  await until(async () => (await cell.innerText()) === "Sample later", "now is back");
  await banner.waitFor({ state: "hidden" });
});

test("what is deleted is in the trash and can be restored", async () => {
  await page.evaluate(() => { document.querySelector(".g-scroll").scrollLeft = 0; });
  const name = await (await cellOf(7, "Name")).innerText();
  await (await cellOf(7, "Name")).click();
  await (await cellOf(7, "Name")).click({ button: "right" });
  await page.getByRole("menuitem", { name: "Delete row" }).click();
  await showsRows(399);
  await saved();
  await page.getByRole("button", { name: "Trash" }).click();
  await page.getByRole("button", { name: `Restore ${name}` }).click();
  await page.getByText("The trash is empty").waitFor();
  await page.keyboard.press("Escape");
  await showsRows(400);
});

test("what is refused stays, what fits is kept, and the rest of a refusing field is not tried", async () => {
  for (const [name, rule] of [["City", "Required"], ["Email", "Unique"]]) {
    await columnMenu(name, "Edit field…");
    const box = page.getByRole("dialog", { name: `Edit field ${name}` });
    await box.getByRole("checkbox", { name: new RegExp(rule) }).check();
    await box.getByRole("button", { name: "Save" }).click();
    await box.waitFor({ state: "detached" });
  }
  const read = async (line, name) => (await cellOf(line, name)).innerText();
  const cities = await Promise.all([1, 2, 15].map((line) => read(line, "City")));
  // Next step and city, twenty rows of each: the cities are required.
  await (await cellOf(1, "Sample due")).click();
  await (await cellOf(20, "City")).click({ modifiers: ["Shift"] });
  const patches = [];
  page.on("request", (request) => { if (request.method() === "PATCH") patches.push(request.url()); });
  await page.keyboard.press("Delete");
  await page.getByRole("status").filter({ hasText: /refused/ }).first().waitFor();
  assert.deepEqual(await Promise.all([1, 2, 15].map((line) => read(line, "City"))), cities, "cities stay");
  assert.deepEqual(await Promise.all([1, 2, 15].map((line) => read(line, "Sample due"))), ["", "", ""], "dates are cleared");
  assert.ok(patches.length <= 10, `${patches.length} requests`);

  // The same address in two rows: the field's rule is broken, the city beside it is kept.
  await (await cellOf(3, "City")).click();
  await page.evaluate(() => navigator.clipboard.writeText("Sample Oslo\tsame@example.org\nSample Bergen\tsame@example.org"));
  await page.keyboard.press("Control+v");
  await until(async () => (await api("/api/fundraising/order?search=Sample%20Bergen")).total === 1, "the city is written");
  assert.equal((await api("/api/fundraising/order?search=same%40example.org")).total, 0);
});

test("a filter the server refuses says so at its condition", async () => {
  const it = await openGrid("member@example.org");
  const filter = { all: [{ column: "stage", op: "is", value: "lead" }, { any: [{ column: "name", op: "not_empty" }, { column: "no_such_field", op: "is", value: "x" }] }] };
  const id = (await api("/api/fundraising/views", it.page)).find((view) => view.name === "All").id;
  await it.page.evaluate(([key, local]) => localStorage.setItem(key, JSON.stringify({ local })), [`grid-view:${id}`, { filter }]);
  // The page that is left writes where it had scrolled: another one sets the stage.
  await it.page.evaluate(() => { location.replace("/"); });
  await it.page.waitForURL(/\/$/);
  await it.page.evaluate(([key, local]) => localStorage.setItem(key, JSON.stringify({ local })), [`grid-view:${id}`, { filter }]);
  await it.page.goto(`${stack.base}/grid?view=${id}`);
  await tool("filter", it.page).click();
  const wrong = panel("Filter", it.page).locator(".g-cond.is-bad");
  await wrong.getByRole("alert").waitFor();
  assert.match(await wrong.innerText(), /no_such_field/);
  await wrong.getByRole("button", { name: /^Remove condition/ }).click();
  await it.page.locator(".g-row .g-c").first().waitFor();
  await until(async () => (await panel("Filter", it.page).locator(".g-cond.is-bad").count()) === 0, "the complaint is gone");
  await it.context.close();
});

test("paper gets every row of the view", async () => {
  await page.emulateMedia({ media: "print" });
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  assert.equal(await page.locator(".g-print tbody tr").count(), 400);
  await page.evaluate(() => dispatchEvent(new Event("afterprint")));
  assert.equal(await page.locator(".g-print").count(), 0);
  await page.emulateMedia({ media: null });
});

for (const width of [360, 1440]) {
  test(`no serious finding of axe with each panel open at ${width} px`, async () => {
    const it = await openGrid("member@example.org", { viewport: { width, height: 800 } });
    // Wide screens show the list of views from the start.
    for (const name of [...(width < 640 ? ["views"] : []), "fields", "filter", "group", "sort", "colors", "rows"]) {
      await tool(name, it.page).click();
      await it.page.locator(".g-pop, .g-side-views").first().waitFor();
      if (name === "filter" || name === "colors") await it.page.locator(".g-pop").getByRole("button", { name: /^\+ (Condition|Colour)$/ }).first().click();
      assert.deepEqual(await findings(it.page), [], `${name} at ${width}`);
      await it.page.keyboard.press("Escape");
    }
    assert.equal(await it.page.evaluate(() => document.documentElement.scrollWidth) <= width, true, "nothing is wider than the screen");
    assert.deepEqual(it.problems, []);
    await it.context.close();
  });
}

test("nothing went wrong on the way", () => {
  const unexpected = opened.problems.filter((it) => !/422|Unprocessable/.test(it));
  assert.deepEqual(unexpected, []);
});
