// Builds the front end: the pages' script and style become one hashed file each,
// the grid's what its first rows need plus pieces that are loaded when they are
// opened. The reader of archives goes to a folder of its own. Every file of img/ is copied under a hashed name, and dist/manifest.json
// maps plain names to hashed ones for the server.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const at = (...parts) => path.join(here, ...parts);
const flags = new Set(process.argv.slice(2));

// The oldest browsers we serve; light-dark() must stay as it is written.
const target = ["es2022", "chrome123", "firefox121", "safari17.5"];

// Entry points and the names that templates know them by. Only the grid's page
// loads the grid.
const plainNames = {
  "app/main.ts": "app.js",
  "css/main.css": "app.css",
  "grid/main.ts": "grid.js",
  "css/grid.css": "grid.css",
  "css/menus.css": "menus.css",
};

async function buildTests() {
  await rm(at("dist-tests"), { recursive: true, force: true });
  const tests = await Promise.all(["app", "grid", "reader"].map(async (folder) => {
    const names = (await readdir(at(folder), { recursive: true })).filter((name) => name.endsWith(".test.ts"));
    return names.map((name) => at(folder, name));
  }));
  await build({
    entryPoints: tests.flat(),
    outbase: here,
    outdir: at("dist-tests"),
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "warning",
  });
}

async function buildBundle() {
  const dev = flags.has("--dev");
  const bundled = await build({
    absWorkingDir: here,
    entryPoints: [
      { in: "app/main.ts", out: "app" },
      { in: "css/main.css", out: "app" },
      { in: "grid/main.ts", out: "grid" },
      { in: "css/grid.css", out: "grid" },
      { in: "css/menus.css", out: "menus" },
    ],
    outdir: "dist",
    entryNames: "[name]-[hash]",
    chunkNames: "part-[hash]",
    splitting: true,
    bundle: true,
    minify: !dev,
    sourcemap: dev,
    format: "esm",
    target,
    metafile: true,
    write: false,
    legalComments: "none",
    logLevel: "warning",
  });
  const manifest = {};
  const files = new Map(bundled.outputFiles.map((file) => [path.basename(file.path), file.contents]));
  for (const [file, output] of Object.entries(bundled.metafile.outputs)) {
    const plain = plainNames[output.entryPoint];
    const name = path.basename(file);
    if (plain) manifest[plain] = name;
    // Parts carry their hash too; in the manifest they are cached for good.
    else if (name.endsWith(".js")) manifest[name] = name;
  }
  const core = sharedWithGrid(bundled.metafile.outputs);
  if (core) manifest["grid-core.js"] = core;
  for (const name of (await readdir(at("img"))).sort()) {
    const bytes = await readFile(at("img", name));
    const { name: stem, ext } = path.parse(name);
    const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 8).toUpperCase();
    manifest[name] = `${stem}-${hash}${ext}`;
    files.set(manifest[name], bytes);
  }
  const sorted = Object.fromEntries(Object.entries(manifest).sort());
  files.set("manifest.json", Buffer.from(`${JSON.stringify(sorted, null, 2)}\n`));
  await bringInto(at("dist"), files);
  if (!dev) report(bundled.metafile.outputs, files);
}

// The reader goes into archives and opens from a disk: plain names, one classic
// script, nothing that a page from a disk may not load.
async function buildReader() {
  const dev = flags.has("--dev");
  const bundled = await build({
    absWorkingDir: here,
    entryPoints: [{ in: "reader/main.ts", out: "reader" }, { in: "reader/reader.css", out: "reader" }],
    outdir: "dist-reader",
    bundle: true,
    minify: !dev,
    format: "iife",
    charset: "ascii",
    target,
    write: false,
    legalComments: "none",
    logLevel: "warning",
  });
  const files = new Map(bundled.outputFiles.map((file) => [path.basename(file.path), file.contents]));
  files.set("index.html", await readFile(at("reader", "index.html")));
  await bringInto(at("dist-reader"), files);
}

/** The largest part that the grid's script imports at once: pages preload it. */
function sharedWithGrid(outputs) {
  const grid = Object.values(outputs).find((output) => output.entryPoint === "grid/main.ts");
  const parts = grid.imports.filter((it) => it.kind === "import-statement");
  const [largest] = parts.sort((a, b) => outputs[b.path].bytes - outputs[a.path].bytes);
  return largest && path.basename(largest.path);
}

/** What a visit to the grid downloads first, and what follows when it is opened. */
function report(outputs, files) {
  const zipped = (file) => gzipSync(files.get(path.basename(file)), { level: 9 }).length;
  const kb = (bytes) => `${(bytes / 1000).toFixed(1)} kB gz`;
  const of = (entry) => Object.keys(outputs).find((file) => outputs[file].entryPoint === entry);
  const first = new Set();
  const walk = (file) => {
    if (first.has(file)) return;
    first.add(file);
    for (const it of outputs[file].imports) if (it.kind === "import-statement") walk(it.path);
  };
  walk(of("grid/main.ts"));
  walk(of("css/grid.css"));
  const later = new Set();
  for (const [file, output] of Object.entries(outputs)) {
    if (!first.has(file) && Object.keys(output.inputs).some((input) => input.startsWith("grid/"))) later.add(file);
  }
  later.add(of("css/menus.css"));
  const sum = (all) => [...all].reduce((bytes, file) => bytes + zipped(file), 0);
  console.log(`grid, first load: ${kb(sum(first))} (script ${kb(sum(first) - zipped(of("css/grid.css")))}, style ${kb(zipped(of("css/grid.css")))})`);
  for (const file of later) if (outputs[file].entryPoint) console.log(`  on demand ${outputs[file].entryPoint}: ${kb(zipped(file))}`);
  console.log(`grid, on demand in all: ${kb(sum(later))}`);
}

// Touches only what differs: the release build embeds this folder, and would
// otherwise compile the api anew at every start.
async function bringInto(folder, files) {
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) {
    if (!files.has(name)) await rm(path.join(folder, name), { recursive: true });
  }
  for (const [name, bytes] of files) {
    const there = await readFile(path.join(folder, name)).catch(() => null);
    if (!there?.equals(bytes)) await writeFile(path.join(folder, name), bytes);
  }
}

if (flags.has("--tests")) await buildTests();
else {
  await buildBundle();
  await buildReader();
}
