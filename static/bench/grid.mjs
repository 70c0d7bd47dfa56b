// The browser's part of `ops/bench grid`: painting, scrolling and memory of a
// large table that a running api serves. Usage: node grid.mjs http://host:port

import { launch, newPage, signIn } from "../e2e/stack.mjs";

const base = process.argv[2];
const row = (name, value, note = "") => console.log(`  ${name.padEnd(44)} ${String(value).padStart(16)}  ${note}`);

const browser = await launch();
const { page, context } = await newPage(browser, { viewport: { width: 1440, height: 820 } });
await page.addInitScript(() => {
  globalThis.longTasks = [];
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) globalThis.longTasks.push(Math.round(task.duration));
  }).observe({ type: "longtask", buffered: true });
  const timer = setInterval(() => {
    if (!document.querySelector(".g-row .g-c")?.innerText) return;
    globalThis.firstRow = performance.now();
    clearInterval(timer);
  }, 4);
});
await signIn(page, base, "measure@example.org", "a-long-throwaway-9");

const painted = [];
for (let run = 0; run < 5; run += 1) {
  await page.goto(`${base}/grid`);
  await page.waitForFunction(() => globalThis.firstRow > 0, null, { timeout: 60_000 });
  painted.push(await page.evaluate(() => Math.round(globalThis.firstRow)));
}
painted.sort((a, b) => a - b);
row("first rows painted after navigation", `${painted[2]} ms`, `${painted[0]} to ${painted[4]} in 5 runs; target < 1500 ms`);
await page.waitForTimeout(4_000);

const client = await context.newCDPSession(page);
await client.send("Performance.enable");
const metrics = async () => {
  const { metrics: list } = await client.send("Performance.getMetrics");
  return Object.fromEntries(list.map((m) => [m.name, m.value]));
};
await client.send("HeapProfiler.collectGarbage");
row("JavaScript heap, all rows loaded", `${((await metrics()).JSHeapUsedSize / 1e6).toFixed(0)} MB`);
row("elements on the page", await page.evaluate(() => document.querySelectorAll("*").length));

/** CPU of one scroll step, after the nodes are warm; also the elements added. */
async function scroll(step, steps) {
  const before = await metrics();
  const added = await page.evaluate(async ([by, times]) => {
    const scroller = document.querySelector(".g-scroll");
    let elements = 0;
    const observer = new MutationObserver((list) => {
      for (const change of list) elements += [...change.addedNodes].filter((n) => n.nodeType === 1).length;
    });
    observer.observe(scroller, { childList: true, subtree: true });
    for (let i = 0; i < times; i += 1) {
      scroller.scrollTop += by;
      await new Promise(requestAnimationFrame);
    }
    observer.disconnect();
    return elements;
  }, [step, steps]);
  const after = await metrics();
  return { cpu: ((after.TaskDuration - before.TaskDuration) / steps) * 1_000, added };
}
await scroll(3_000, 40);
await page.evaluate(() => { globalThis.longTasks.length = 0; });
const small = await scroll(96, 150);
const large = await scroll(3_000, 150);
row("CPU per scroll step of 96 px", `${small.cpu.toFixed(1)} ms`, `3,000 px: ${large.cpu.toFixed(1)} ms; ratio ${(large.cpu / small.cpu).toFixed(1)}, target ≤ 3`);
row("elements added per step", ((small.added + large.added) / 300).toFixed(2), "target 0");
const longest = await page.evaluate(() => Math.max(0, ...globalThis.longTasks));
row("longest task while scrolling", `${longest} ms`, "0 is none over 50 ms; target ≤ 100 ms");
await browser.close();
