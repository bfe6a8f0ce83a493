// seamline/svelte, in Svelte 4 and 5.
import * as svelte5 from "svelte/compiler";
import * as svelte4 from "svelte-4/compiler";
import { svelte } from "./support/bundle.mjs";
import { installPage, load } from "./support/frameworks.mjs";
import { scenarios } from "./support/scenarios.mjs";

installPage();

const alias = { svelte: "svelte-4" };
const old = await load("svelte-4-app.mjs", { alias, plugins: [svelte(svelte4, "dom")] });
const oldServer = await load("svelte-4-app.mjs", { alias, platform: "node", plugins: [svelte(svelte4, "ssr")] });
scenarios("Svelte 4", old.mount, oldServer.renderToString);

const { mount, mountRunes } = await load("svelte-app.mjs", { plugins: [svelte(svelte5, "client")] });
const server = await load("svelte-server-app.mjs", { platform: "node", plugins: [svelte(svelte5, "server")] });
scenarios("Svelte 5", mount, server.renderToString);
scenarios("Svelte 5 with runes", mountRunes, server.renderRunes);
