// The contents of the package, and that it can be bundled without a plugin.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const manifest = JSON.parse(readFileSync(at("package.json"), "utf8"));
const script = readFileSync(at("dist/index.js"), "utf8");
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

test("`types` is the first export condition", () => {
  for (const entry of Object.values(manifest.exports)) {
    if (typeof entry === "string") continue;
    assert.equal(Object.keys(entry)[0], "types");
    assert.equal(Object.keys(entry).at(-1), "default");
  }
});

test("declarations import only published declarations", () => {
  for (const file of readdirSync(at("dist")).filter((name) => name.endsWith(".d.ts"))) {
    const text = readFileSync(at(`dist/${file}`), "utf8");
    if (file === "engine.d.ts") continue; // nobody's business: see the next test
    for (const [, path] of text.matchAll(/from "(.+?)"/g)) {
      assert.match(path, /^\.\//, file);
      assert.ok(existsSync(at(`dist/${path.slice(2).replace(/\.js$/, ".d.ts")}`)), `${file} imports ${path}`);
    }
  }
});

test("public declarations hide internals", () => {
  for (const file of ["index.d.ts", "channel.d.ts", "client.d.ts"]) {
    const text = readFileSync(at(`dist/${file}`), "utf8");
    assert.doesNotMatch(text, /\b_(deliver|gap|attached|live|cast|error)\b|ChannelPort|@internal|engine/, file);
  }
});

test("the script imports only the plain dialect, on demand", async () => {
  const outdir = await mkdtemp(join(tmpdir(), "seamline-pack-"));
  const { metafile } = await build({
    entryPoints: [at("dist/index.js")],
    splitting: true,
    outdir,
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    // Top-level await would make this an error.
    supported: { "top-level-await": false },
    logLevel: "silent",
  });
  await rm(outdir, { recursive: true });
  const [main, plain] = ["index.js", "plain.js"].map(
    (name) => Object.entries(metafile.inputs).find(([path]) => path.endsWith(name))[1],
  );
  assert.equal(Object.keys(metafile.inputs).length, 2);
  assert.deepEqual(
    main.imports.map(({ kind, original }) => `${kind} ${original}`),
    ["dynamic-import ./plain.js"],
  );
  assert.deepEqual(plain.imports, []);
  const output = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint?.endsWith("index.js"));
  assert.deepEqual(output.exports.sort(), GLOBALS.sort());
  assert.equal(script.match(/\.wasm\b/g).length, 1);
  assert.match(script, /new URL\("\.\/seamline\.wasm",\s*import\.meta\.url\)/, "in the form that bundlers look for");
});

test("the script contains neither eval nor new Function", () => {
  assert.doesNotMatch(script, /\beval\(|new Function\b/);
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
      assert.ok(given.includes(`,${name}:`), `${name} is given`);
    }
  });
}

test("bundlers find the plain dialect's wasm", () => {
  const plain = readFileSync(at("dist/plain.js"), "utf8");
  assert.equal(plain.match(/\.wasm\b/g).length, 1);
  assert.match(plain, /new URL\("\.\/seamline-plain\.wasm",\s*import\.meta\.url\)/);
  assert.doesNotMatch(plain, /\beval\(|new Function\b/);
});
