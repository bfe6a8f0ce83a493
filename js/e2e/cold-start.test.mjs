// Goal: the first attempt does not wait for the WebAssembly. Its socket opens while a page fetches and compiles it.
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

test("the wasm may arrive after the socket is open", async () => {
  const page = await browser.page();
  const outcome = await page.evaluate(async (url) => {
    const { connect } = await import("/dist/slim.js");
    const sockets = [];
    let opened;
    const isOpen = new Promise((resolve) => (opened = resolve));
    class Recorded extends WebSocket {
      constructor(...args) {
        super(...args);
        sockets.push(this);
        this.addEventListener("open", opened);
      }
    }
    const wasm = isOpen.then(() => fetch("/dist/seamline.wasm"));
    const client = connect(url, { wasm, WebSocket: Recorded });
    const channel = client.channel("cold", { from: "start" });
    const message = new Promise((resolve) => channel.once("message", resolve));
    await channel.publish("first");
    const { data } = await message;
    const { connects } = client.stats();
    await client.close();
    return [data, connects, sockets.length];
  }, `ws://127.0.0.1:${server.port}/ws`);
  assert.deepEqual(outcome, ["first", 1, 1]);
  assert.deepEqual(page.problems, []);
  await page.close();
});

test("a page that is refused the wasm leaves no socket", async () => {
  const page = await browser.page("no-wasm");
  const outcome = await page.evaluate(async (url) => {
    const { connect } = await import("/dist/index.js");
    const closes = [];
    class Recorded extends WebSocket {
      constructor(...args) {
        super(...args);
        closes.push(new Promise((resolve) => this.addEventListener("close", resolve)));
      }
    }
    const client = connect(url, { WebSocket: Recorded, logger: {} });
    const { reason } = await new Promise((resolve) => client.on("state", resolve));
    await Promise.all(closes);
    return [reason.code, closes.length];
  }, `ws://127.0.0.1:${server.port}/ws`);
  assert.deepEqual(outcome, ["wasm_failed", 1]);
  await page.close();
});
