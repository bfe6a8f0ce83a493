/**
 * The scripts of the package: `dist/<name>.js` and `dist/<name>.cjs`, each with everything that it imports from this
 * repository. `exports` in package.json names each of them; a test checks that.
 *
 * - `gzipKbMax`: its budget, which `cargo xtask size` checks.
 * - `connects`: it has a `connect`, which may import the plain dialect by its name.
 * - `wasm`: the file that a page needs beside it.
 * - `workerd`: it is another entry as Cloudflare Workers need it: an ES module only, with the types of the other.
 */
export const ENTRIES = [
  { name: "index", source: "src/entries/index.ts", connects: true, gzipKbMax: 27 },
  { name: "slim", source: "src/entries/slim.ts", connects: true, wasm: "seamline.wasm", gzipKbMax: 27 },
  {
    name: "workerd",
    source: "src/entries/workerd.ts",
    connects: true,
    wasm: "seamline.wasm",
    workerd: true,
    gzipKbMax: 27,
  },
  { name: "plain", source: "src/entries/plain.ts", gzipKbMax: 31 },
  { name: "plain-slim", source: "src/entries/plain-slim.ts", wasm: "seamline-plain.wasm", gzipKbMax: 32 },
  {
    name: "plain-workerd",
    source: "src/entries/plain-workerd.ts",
    wasm: "seamline-plain.wasm",
    workerd: true,
    gzipKbMax: 32,
  },
  { name: "react", source: "src/frameworks/react.ts", gzipKbMax: 3 },
  { name: "vue", source: "src/frameworks/vue.ts", gzipKbMax: 4 },
  { name: "svelte", source: "src/frameworks/svelte.ts", gzipKbMax: 3 },
  { name: "solid", source: "src/frameworks/solid.ts", gzipKbMax: 4 },
  { name: "history", source: "src/history/index.ts", gzipKbMax: 3 },
  { name: "state", source: "src/state/index.ts", gzipKbMax: 3 },
  { name: "storage", source: "src/storage/index.ts", gzipKbMax: 8 },
  { name: "tabs", source: "src/tabs/index.ts", gzipKbMax: 9 },
  { name: "effects", source: "src/effects/index.ts", gzipKbMax: 5 },
  { name: "testing", source: "src/testing/index.ts", gzipKbMax: 8 },
];
