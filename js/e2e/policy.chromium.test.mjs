// Goal: a connection that the page's Content-Security-Policy forbids is reported at once, with the likely cause. Chromium
// fires `error` for it and, unlike for every other failure, no `close`.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Browser } from "./support/page.mjs";
import { Server } from "./support/server.mjs";

let browser, server;
before(async () => {
  browser = await new Browser().start();
  server = await new Server().start();
});
after(async () => {
  await browser.stop();
  await server.stop();
});

test("a connection forbidden by connect-src names the policy", async () => {
  const page = await browser.page("guarded");
  const states = await page.evaluate(
    (url) =>
      new Promise((resolve) => {
        const states = [];
        const client = connect(url, { logger: {}, backoff: { initialMs: 10, maxMs: 20 } });
        client.on("state", (state) => {
          states.push(state);
          if (states.length === 4) client.close();
          if (state.name === "closed") resolve(states);
        });
      }),
    `ws://127.0.0.1:${server.port}/ws`,
  );
  assert.deepEqual(
    states.map(({ name }) => name),
    ["connecting", "waiting", "connecting", "waiting", "closed"],
  );
  for (const { reason } of [states[1], states[3]]) {
    assert.equal(reason.code, "connect_failed"); // after 10 s it would be `connect_timeout`
    assert.match(reason.message, /Content-Security-Policy.*connect-src/);
  }
  await page.close();
});

test("an unreachable server is not blamed on the policy", async () => {
  const page = await browser.page();
  const reason = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const client = connect("ws://127.0.0.1:9/ws", { logger: {} });
        client.on("state", ({ name, reason }) => {
          if (name !== "waiting") return;
          client.close();
          resolve(reason);
        });
      }),
  );
  assert.deepEqual(reason, { code: "connect_failed", message: "the connection could not be opened", closeCode: 1006 });
  await page.close();
});

/** What a client in a service worker comes to. */
async function inServiceWorker(byName) {
  const page = await browser.page();
  const state = await page.evaluate(
    async ({ url, byName }) => {
      const script = "/support/service-worker.mjs";
      const registration = await navigator.serviceWorker.register(script, { type: "module" });
      const worker = registration.installing ?? registration.waiting ?? registration.active;
      const { port1, port2 } = new MessageChannel();
      const state = new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)));
      worker.postMessage({ url, byName }, [port2]);
      return state;
    },
    { url: `ws://127.0.0.1:${server.port}/ws?conversation_id=c`, byName },
  );
  await page.close();
  return state;
}

test("a service worker can use the plain dialect", async () => {
  assert.deepEqual(await inServiceWorker(false), { name: "open" });
});

test("a service worker that names the plain dialect ends with the cure", async () => {
  const { name, reason } = await inServiceWorker(true);
  assert.deepEqual([name, reason.code], ["closed", "wasm_failed"]);
  assert.match(reason.message, /could not load plain\.js: .*import\(\) is disallowed.*; import \{ plain \} from/);
});
