// seamline/svelte, in Svelte 4 and 5.
import { readFile } from "node:fs/promises";
import * as svelte5 from "svelte/compiler";
import * as svelte4 from "svelte-4/compiler";
import { installPage, load } from "./support/frameworks.mjs";
import { scenarios } from "./support/scenarios.mjs";

installPage();

/** An esbuild plugin that compiles components. */
const compiling = ({ compile }, generate) => ({
  name: "svelte",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.svelte$/ }, async ({ path }) => {
      const { js } = compile(await readFile(path, "utf8"), { filename: path, generate });
      return { contents: js.code };
    }),
});

const alias = { svelte: "svelte-4" };
const old = await load("svelte-4-app.mjs", { alias, plugins: [compiling(svelte4, "dom")] });
const oldServer = await load("svelte-4-app.mjs", { alias, platform: "node", plugins: [compiling(svelte4, "ssr")] });
scenarios("Svelte 4", old.mount, oldServer.renderToString);

const { mount, mountRunes } = await load("svelte-app.mjs", { plugins: [compiling(svelte5, "client")] });
const server = await load("svelte-server-app.mjs", { platform: "node", plugins: [compiling(svelte5, "server")] });
scenarios("Svelte 5", mount, server.renderToString);
scenarios("Svelte 5 with runes", mountRunes, server.renderRunes);
