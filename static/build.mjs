// Builds the front end: the pages' script and style and those of the grid become
// one hashed file each, every file of img/ is copied under a hashed name, and
// dist/manifest.json maps plain names to hashed ones for the server.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
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
};

async function buildTests() {
  await rm(at("dist-tests"), { recursive: true, force: true });
  const tests = await Promise.all(["app", "grid"].map(async (folder) => {
    const names = (await readdir(at(folder))).filter((name) => name.endsWith(".test.ts"));
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
    ],
    outdir: "dist",
    entryNames: "[name]-[hash]",
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
    if (plain) manifest[plain] = path.basename(file);
  }
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

await (flags.has("--tests") ? buildTests() : buildBundle());
