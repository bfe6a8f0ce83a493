// What the tests of the framework entries share: a page in Node, and applications bundled for it.
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Window } from "happy-dom";

const at = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Makes the globals of a browser's page, as far as Node lacks them. */
export function installPage() {
  const window = new Window({ url: "http://localhost/" });
  for (const name of Object.getOwnPropertyNames(window)) {
    if (!(name in globalThis)) globalThis[name] = window[name];
  }
  after(() => window.happyDOM.close());
}

/**
 * Bundles a file of tests/frameworks/ and requires it. `alias` replaces packages. Solid and Svelte are their builds for
 * browsers with the platform "browser", and those for servers with "node".
 */
export async function load(file, { alias = {}, platform = "browser", plugins = [] } = {}) {
  const outdir = await mkdtemp(join(tmpdir(), "seamline-frameworks-"));
  after(() => rm(outdir, { recursive: true }));
  const outfile = join(outdir, "app.cjs");
  await build({
    entryPoints: [at(`tests/frameworks/${file}`)],
    outfile,
    bundle: true,
    format: "cjs",
    platform,
    define: { "process.env.NODE_ENV": '"development"' },
    conditions: ["development"],
    logLevel: "silent",
    alias,
    plugins,
  });
  return createRequire(import.meta.url)(outfile);
}
