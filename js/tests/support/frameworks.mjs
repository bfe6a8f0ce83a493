// A page in Node, and applications in it.
import { createRequire } from "node:module";
import { after } from "node:test";
import { Window } from "happy-dom";
import { bundle } from "./bundle.mjs";

/** Makes the globals of a browser's page, as far as Node lacks them. */
export function installPage() {
  const window = new Window({ url: "http://localhost/" });
  for (const name of Object.getOwnPropertyNames(window)) {
    if (!(name in globalThis)) globalThis[name] = window[name];
  }
  after(() => window.happyDOM.close());
}

/** What a file of tests/frameworks/ exports; see {@link bundle}. */
export async function load(file, { platform = "browser", ...options } = {}) {
  const text = await bundle(file, { format: "cjs", platform, ...options });
  const module = { exports: {} };
  new Function("module", "exports", "require", text)(module, module.exports, createRequire(import.meta.url));
  return module.exports;
}
