// Goal: on a slow link, a connection whose bytes flow is never given up, and everything arrives. Method: a page behind a
// forwarder that limits the bytes per second.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Browser, until } from "./support/page.mjs";
import { publish } from "./support/publisher.mjs";
import { Server } from "./support/server.mjs";
import { SlowLink } from "./support/slow-link.mjs";

let browser;
before(async () => (browser = await new Browser().start()));
after(() => browser.stop());

/** How long everything may take to get through, on a machine that is busy as well. */
const PATIENCE_MS = 180_000;

async function scene(t, serverArgs, link) {
  const server = await new Server(serverArgs).start();
  t.after(() => server.stop());
  const slow = await new SlowLink(() => server.port, link).start();
  t.after(() => slow.stop());
  const page = await browser.page();
  t.after(() => page.close());
  return { server, page, url: `ws://127.0.0.1:${slow.port}/ws` };
}

test("a slow link catches up on one connection", async (t) => {
  const { server, page, url } = await scene(t, [], { bytesPerSecond: 10_000, roundTripMs: 600 });
  const count = 40;
  for (let i = 1; i <= count; i++) await publish(() => server.url, "room", `key-${i}`, { i, text: "x".repeat(2000) });
  await page.evaluate((url) => {
    globalThis.client = connect(url);
    globalThis.seen = [];
    client.channel("room", { from: "start" }).on("message", ({ data }) => void seen.push(data.i));
    client.on("state", ({ name }) => {
      if (name === "open") setInterval(() => dispatchEvent(new Event("online")), 700);
    });
  }, url);
  await until("all is there", () => page.evaluate((count) => seen.length >= count, count), PATIENCE_MS);
  const { seen, connects } = await page.evaluate(() => ({ seen, connects: client.stats().connects }));
  assert.deepEqual(
    seen,
    Array.from({ length: count }, (_, i) => i + 1),
  );
  assert.equal(connects, 1);
});

test("a message slower than the heartbeat arrives", async (t) => {
  const { server, page, url } = await scene(t, ["--heartbeat-ms", "500", "--max-frame-bytes", "1048576"], {
    bytesPerSecond: 40_000,
  });
  const text = "x".repeat(400_000); // ten seconds; the patience is half a second and one more
  await publish(() => server.url, "down", "key", text);
  await page.evaluate(
    ([url, text]) => {
      globalThis.client = connect(url, { pongTimeoutMs: 1000 });
      globalThis.received = globalThis.published = 0;
      client.channel("down", { from: "start" }).on("message", ({ data }) => void (received = data.length));
      client
        .channel("up")
        .publish(text)
        .then(() => (published = text.length));
    },
    [url, text],
  );
  await until("both are there", () => page.evaluate(() => received > 0 && published > 0), PATIENCE_MS);
  const found = await page.evaluate(() => [received, published, client.stats().connects]);
  assert.deepEqual(found, [text.length, text.length, 1]);
});
