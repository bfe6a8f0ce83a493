// Goal: a closed client is garbage-collected with everything that its listeners hold, in whatever state it was closed. The
// page keeps what an application would keep, such as the promise of a token.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Browser, until } from "./support/page.mjs";
import { Server } from "./support/server.mjs";

const CLIENTS = 20;

let browser, server, page;
before(async () => {
  browser = await new Browser().start();
  server = await new Server().start();
  page = await browser.page();
});
after(async () => {
  await browser.stop();
  await server.stop();
});

/** In the page: makes a client, brings it into a state, and closes it; some publications, iterators and tokens wait. */
async function openAndClose([url, state, clients]) {
  const kept = (globalThis.kept ??= []);
  const refs = (globalThis.refs = []);
  const pending = () => new Promise((resolve) => kept.push(resolve));
  const options = {
    loading: { wasm: pending() },
    "waiting to load again": { wasm: "http://127.0.0.1:9/nowhere.wasm" },
    "awaiting a token": { token: pending },
    waiting: { backoff: { initialMs: 60_000, maxMs: 60_000 } },
  }[state];
  const { connect } = options?.wasm ? await import(`/dist/index.js?${state}`) : globalThis;
  const nobody = url.replace(/:\d+/, ":9");
  for (let i = 0; i < clients; i++) {
    const client = connect(state === "waiting" ? nobody : url, { logger: {}, ...options });
    const large = { client, memory: new Uint8Array(1000) };
    refs.push(new WeakRef(large));
    const reached = new Promise((resolve) => {
      client.on("state", ({ name }) => {
        void large;
        if (name === state || (name === "waiting" && state.startsWith("waiting"))) resolve();
        if (name === "connecting" && state.startsWith("awaiting")) resolve();
      });
      if (state === "loading") setTimeout(resolve);
    });
    client.channel(state, { from: "start" }).on("message", () => large);
    const next = client.channel("other")[Symbol.asyncIterator]().next();
    await reached;
    const published = client.channel(state).publish(1);
    client.close();
    await published.catch(({ code }) => code);
    await next;
  }
}

const left = async () => {
  await page.collectGarbage();
  return page.evaluate(() => globalThis.refs.filter((ref) => ref.deref()).length);
};

for (const state of ["loading", "waiting to load again", "awaiting a token", "connecting", "open", "waiting"]) {
  test(`clients closed while ${state} are garbage-collected`, async () => {
    await page.evaluate(openAndClose, [`ws://127.0.0.1:${server.port}/ws`, state, CLIENTS]);
    await until("they are collected", async () => (await left()) === 0);
    assert.deepEqual(page.problems, []);
  });
}
