// The contents of the package: each entry is one script, with its types.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { ENTRIES } from "../build/entries.mjs";
import { folders } from "../build/folders.mjs";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const manifest = JSON.parse(readFileSync(at("package.json"), "utf8"));
const GLOBALS = ["connect", "SeamlineError"];

/** Every path that `exports` names. */
const paths = (entry) => (typeof entry === "string" ? [entry] : Object.values(entry).flatMap(paths));

test("every path in package.json exists and is published", () => {
  const pointed = [manifest.types, ...paths(manifest.exports)];
  assert.ok(pointed.length >= 4);
  for (const path of pointed) {
    assert.ok(existsSync(at(path)), path);
    const published = path === "./package.json" || manifest.files.some((file) => path.startsWith(`./${file}/`));
    assert.ok(published, `${path} is not in "files"`);
  }
});

test("the package has no dependencies and no side effects", () => {
  assert.equal(manifest.dependencies, undefined);
  assert.deepEqual([manifest.type, manifest.sideEffects], ["module", false]);
});

test("package.json exports each entry, with its types", () => {
  const entries = ENTRIES.filter(({ workerd }) => !workerd);
  for (const { name, source } of entries) {
    const { import: module, require, default: other } = manifest.exports[name === "index" ? "." : `./${name}`];
    const types = `./dist/types/${source.replace(/^src\/(.*)\.ts$/, "$1")}`;
    assert.deepEqual(module, { types: `${types}.d.ts`, default: `./dist/${name}.js` });
    assert.deepEqual(require, { types: `${types}.d.cts`, default: `./dist/${name}.cjs` });
    assert.equal(other, module.default);
  }
});

test("each entry has a folder for tools without `exports`", () => {
  const names = Object.keys(folders(manifest));
  assert.deepEqual(
    names,
    Object.keys(manifest.exports).flatMap((path) => /^\.\/([\w-]+)$/.exec(path)?.[1] ?? []),
  );
  for (const name of names) {
    assert.ok(manifest.files.includes(name), `${name} is not in "files"`);
    const { main, module, types } = JSON.parse(readFileSync(at(`${name}/package.json`), "utf8"));
    for (const path of [main, module, types]) assert.ok(existsSync(join(at(name), path)), `${name} names ${path}`);
  }
});

test("`types` is first, and `default` is last", () => {
  const conditions = (entry) =>
    typeof entry === "string" ? [] : [Object.keys(entry), ...Object.values(entry).flatMap(conditions)];
  for (const keys of Object.values(manifest.exports).flatMap(conditions)) {
    assert.ok(!keys.slice(1).includes("types"));
    assert.equal(keys.at(-1), "default");
  }
});

const declarations = readdirSync(at("dist/types"), { recursive: true }).filter((name) => /\.d\.c?ts$/.test(name));

test("declarations import only published declarations", () => {
  assert.ok(declarations.length > 10);
  for (const file of declarations) {
    const text = readFileSync(at(`dist/types/${file}`), "utf8");
    for (const [, path] of text.matchAll(/(?:from |import\()"(\..+?)"/g)) {
      const imported = join("dist/types", file, "..", path.replace(/\.(c?)js$/, ".d.$1ts"));
      assert.ok(existsSync(at(imported)), `${file} imports ${path}`);
      assert.equal(path.endsWith(".cjs"), file.endsWith(".cts"), `${file} imports ${path}`);
    }
  }
});

test("public declarations hide internals", () => {
  for (const file of declarations) {
    const text = readFileSync(at(`dist/types/${file}`), "utf8");
    assert.doesNotMatch(text, /\b_(deliver|gap|attached|live|cast|error)\b|ChannelPort|@internal|engine/, file);
  }
});

for (const { name, workerd } of ENTRIES) {
  test(`dist/${name}.js is a single script`, async () => {
    const outdir = await mkdtemp(join(tmpdir(), "seamline-pack-"));
    const { metafile } = await build({
      entryPoints: [at(`dist/${name}.js`)],
      external: workerd ? ["*.wasm"] : [],
      packages: "external",
      outdir,
      bundle: true,
      write: false,
      metafile: true,
      format: "esm",
      // Top-level await would make this an error.
      supported: { "top-level-await": false },
    });
    await rm(outdir, { recursive: true });
    assert.equal(Object.keys(metafile.inputs).length, 1);
    const text = readFileSync(at(`dist/${name}.js`), "utf8");
    assert.doesNotMatch(text, /\beval\(|new Function\b|import\.meta/);
    // A literal `import()` is a second file: Rollup refuses that for `iife`.
    assert.doesNotMatch(text, /\bimport\(["'`]/);
  });
}

test("source maps lead to published sources", () => {
  for (const { name } of ENTRIES) {
    const map = JSON.parse(readFileSync(at(`dist/${name}.js.map`), "utf8"));
    for (const [i, source] of map.sources.entries()) {
      const published = source.startsWith("../src/") && existsSync(join(at("dist"), source));
      assert.ok(published || typeof map.sourcesContent[i] === "string", `${name} names ${source}`);
    }
  }
  assert.ok(manifest.files.includes("src"));
});

test("importing the package has no side effects", async (t) => {
  const called = [];
  for (const name of ["fetch", "setTimeout", "setInterval"]) {
    t.mock.method(globalThis, name, () => called.push(name));
  }
  globalThis.WebSocket = class {
    constructor() {
      called.push("WebSocket");
    }
  };
  const names = Object.keys(await import("../dist/index.js"));
  t.mock.restoreAll();
  assert.deepEqual(called, []);
  assert.deepEqual(names.sort(), GLOBALS.sort());
});

for (const [wasm, name] of [
  ["seamline.wasm", "index.js"],
  ["seamline-plain.wasm", "plain.js"],
]) {
  test(`${wasm} imports only what ${name} provides`, async () => {
    const module = new WebAssembly.Module(readFileSync(at(`dist/${wasm}`)));
    const glue = readFileSync(at(`dist/${name}`), "utf8");
    // Their names are one letter each: short_names.rs in xtask/.
    const given = glue.slice(glue.indexOf("{__proto__:null,a:{__proto__:null,"));
    for (const { module: from, name } of WebAssembly.Module.imports(module)) {
      assert.equal(from, "a");
      assert.match(given, new RegExp(`[{,]${name}[:(]`), `${name} is given`);
    }
  });
}
