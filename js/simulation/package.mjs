// The package, as a function that is called for each page: every call makes a new copy of its modules, with the globals
// of that page in place of Node's.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

/** Entries of the package that pages import, if they exist: their sources. */
const ENTRIES = {
  slim: "entries/slim.ts",
  effects: "effects/index.ts",
  history: "history/index.ts",
  state: "state/index.ts",
  storage: "storage/index.ts",
  tabs: "tabs/index.ts",
};

/** The globals that a page has, or does not have. Node's own are hidden behind them. */
export const GLOBALS = [
  "globalThis",
  "self",
  "window",
  "process",
  "Buffer",
  "setImmediate",
  "clearImmediate",
  "setTimeout",
  "clearTimeout",
  "setInterval",
  "clearInterval",
  "Date",
  "Math",
  "performance",
  "crypto",
  "scheduler",
  "console",
  "WebSocket",
  "fetch",
  "navigator",
  "document",
  "location",
  "sessionStorage",
  "localStorage",
  "indexedDB",
  "IDBKeyRange",
  "MessageChannel",
  "BroadcastChannel",
  "Worker",
  "SharedWorker",
  "WeakRef",
  "FinalizationRegistry",
  "addEventListener",
  "removeEventListener",
];

/** Makes a function of modules: it takes the globals, in that order, and returns what the modules export. */
async function factory(contents, resolveDir, name) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir, loader: "ts" },
    bundle: true,
    write: false,
    format: "iife",
    globalName: "exported",
    target: "es2022",
    logLevel: "error",
  });
  // The name is that of its lines in a stack.
  const code = `${outputFiles[0].text}\nreturn exported;\n//# sourceURL=${name}`;
  return new Function(...GLOBALS, code);
}

/** The package as it is built, or from a directory with `src/` and `pkg/`; and the parts of its test server. */
export async function loadPackage(sources) {
  const directory = sources ? join(sources, "src") : path("dist");
  const files = Object.entries(ENTRIES).map(([name, source]) => [name, sources ? source : `${name}.js`]);
  const entries = files.filter(([, file]) => existsSync(join(directory, file)));
  const contents = entries.map(([name, file]) => `export * as ${name} from "./${file}";`).join("\n");
  const parts = 'export * from "./backend.ts"; export * from "./connection.ts";';
  const wasm = sources ? join(sources, "pkg/seamline_bg.wasm") : path("dist/seamline.wasm");
  return {
    entries: new Set(entries.map(([name]) => name)),
    page: await factory(contents, directory, "seamline"),
    server: await factory(parts, path("src/testing"), "test-server"),
    wasm: new WebAssembly.Module(await readFile(wasm)),
  };
}
