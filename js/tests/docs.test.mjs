// The guides against the code: what a user may see is explained.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

/** The codes in the first cells of a page's tables. */
function explained(page) {
  const rows = read(page).matchAll(/^\| ([^|]*) \|/gm);
  return new Set([...rows].flatMap(([, cell]) => [...cell.matchAll(/`(\w+)`/g)].map(([, code]) => code)));
}

/** Every word of the unions in codes.ts. */
function codes() {
  const types = read("js/src/codes.ts").replaceAll(/\/\*\*.*?\*\//gs, "");
  return [...types.matchAll(/"(\w+)"/g)].map(([, code]) => code);
}

test("every error and reason code is in the troubleshooting guide", () => {
  const page = explained("docs/guide/troubleshooting.md");
  const missing = codes().filter((code) => !page.has(code));
  assert.ok(codes().length > 30);
  assert.deepEqual(missing, [], "add these codes to docs/guide/troubleshooting.md");
});

test("every cause of a WebAssembly that does not load is in the troubleshooting guide", () => {
  const page = read("docs/guide/troubleshooting.md");
  const sources = ["compile", "load", "plain-beside", "unpack"].map((name) => read(`js/src/${name}.ts`)).join("\n");
  const causes = [...sources.matchAll(/wasmFailed\("([^"]+)"/g)].map(([, cause]) => cause);
  assert.ok(causes.length >= 3, "are the causes still written like this?");
  assert.deepEqual(
    causes.filter((cause) => !page.includes(cause)),
    [],
    "add these to docs/guide/troubleshooting.md",
  );
});
