// The entries for React, Vue, Svelte and Solid in one page, with one client of a real server, which is killed.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as compiler from "svelte/compiler";
import { bundle, svelte } from "../tests/support/bundle.mjs";
import { Browser, until } from "./support/page.mjs";
import { TcpProxy } from "./support/proxy.mjs";
import { publish } from "./support/publisher.mjs";
import { Server } from "./support/server.mjs";

let browser;
before(async () => (browser = await new Browser().start()));
after(() => browser.stop());

/** The page's script, with the entries of the tarball. */
async function script() {
  const dir = mkdtempSync(join(tmpdir(), "seamline-frameworks-"));
  try {
    execFileSync("tar", ["-xzf", process.env.SEAMLINE_TARBALL, "-C", dir]);
    const entries = ["react", "vue", "svelte", "solid"];
    const alias = Object.fromEntries(entries.map((name) => [`seamline/${name}`, join(dir, `package/dist/${name}.js`)]));
    // The frameworks themselves are those of js/.
    const nodePaths = [new URL("../node_modules", import.meta.url).pathname];
    return await bundle("page.mjs", { format: "esm", alias, nodePaths, plugins: [svelte(compiler, "client")] });
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test("every framework shows each message once across restarts", async () => {
  const server = await new Server().start();
  const proxy = await new TcpProxy(() => server.port).start();
  const page = await browser.page();
  const expected = [];
  const append = async (text) => {
    await publish(() => server.url, "c", `key-${text}`, text);
    expected.push(text);
  };
  const shown = () => page.evaluate(() => apps.map(({ name, text }) => `${name} ${text()}`));
  const names = ["react", "vue", "svelte", "solid"];
  const allShow = () => names.map((name) => `${name} open live: ${expected.join(" ")}`);
  const caughtUp = async () => {
    await until("all are caught up", async () => `${await shown()}` === `${allShow()}`).catch(() => {});
    assert.deepEqual(await shown(), allShow());
  };
  try {
    await append("before-1");
    await append("before-2");
    await page.evaluate(
      async ([url, text]) => {
        const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
        const { mountAll } = await import(address);
        globalThis.client = connect(url, { backoff: { initialMs: 50, maxMs: 200 } });
        globalThis.apps = mountAll(client);
        globalThis.mountMore = () => apps.push(...mountAll(client));
      },
      [`ws://127.0.0.1:${proxy.port}/ws`, await script()],
    );
    await caughtUp();
    await append("live");
    await caughtUp();
    for (const [i, name] of names.entries()) {
      await server.kill();
      proxy.cut();
      await until("the client waits", () => page.evaluate(() => client.state.name === "waiting"));
      await page.evaluate(([i, name]) => apps[i].publish(`by-${name}`), [i, name]);
      await until(`${name} shows it`, async () => (await shown())[i].endsWith(`by-${name}(pending)`));
      await server.start();
      expected.push(`by-${name}`);
      await caughtUp();
      await append(`after-${name}`);
      await caughtUp();
    }
    names.push(...names);
    await page.evaluate(() => void mountMore()); // they begin at the start, too
    await caughtUp();
    await append("after-all");
    await caughtUp();
    assert.equal(await page.evaluate(() => client.stats().gaps), 0);
    assert.deepEqual(page.problems ?? [], []);
  } finally {
    await page.close();
    await proxy.stop();
    await server.stop();
  }
});
