// Goal: a page reads messages of the past over its own connection, from a real server, also when that is killed.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Browser, until } from "./support/page.mjs";
import { TcpProxy } from "./support/proxy.mjs";
import { Server } from "./support/server.mjs";

let browser, server, proxy, page;
before(async () => {
  browser = await new Browser().start();
  server = await new Server().start();
  proxy = await new TcpProxy(() => server.port).start();
  page = await browser.page();
});
after(async () => {
  await browser.stop();
  await proxy.stop();
  await server.stop();
});

/** Cuts the connection again and again, each time after a few steps: however slow the page is, it gets ahead. */
async function cutWhile(reading) {
  let isOver = false;
  const end = () => (isOver = true);
  reading.then(end, end);
  for (let cutAt = 3; !isOver; cutAt += 5) {
    await until("the page is a few steps further", async () => isOver || (await page.evaluate(() => steps)) >= cutAt);
    proxy.cut();
  }
}

test("a chat scrolls up to its start while connections are cut", async () => {
  await page.evaluate(() => (globalThis.steps = 0));
  const reading = page.evaluate(async (url) => {
    const { history } = await import("/dist/history.js");
    const client = connect(url, { backoff: { initialMs: 20, maxMs: 100 } });
    const room = client.channel("room", { from: "tail" });
    const live = [];
    for (let n = 1; n <= 150; n++, steps++) await room.publish(n);
    room.on("message", ({ data }) => void live.push(data));
    await room.ready();
    await room.publish("live");
    const past = [];
    let before;
    for (; ; steps++) {
      const { messages, isStart } = await history(room, { before, limit: 7 });
      past.unshift(...messages.map(({ data }) => data));
      before = messages[0]?.offset;
      if (isStart) return { past, live, connects: client.stats().connects };
    }
  }, `ws://127.0.0.1:${proxy.port}/ws`);
  const [{ past, live, connects }] = await Promise.all([reading, cutWhile(reading)]);
  assert.deepEqual(
    past,
    Array.from({ length: 150 }, (_, i) => i + 1),
  );
  assert.deepEqual(live, ["live"]);
  assert.ok(connects > 1);
});
