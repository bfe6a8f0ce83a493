// `seamline/testing` in a page, for tests that run in a browser.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Browser } from "./support/page.mjs";

let browser;
before(async () => (browser = await new Browser().start()));
after(() => browser.stop());

test("a page tests with an in-memory server", async () => {
  const page = await browser.page();
  const result = await page.evaluate(async () => {
    const { createTestServer } = await import("/dist/testing.js");
    const server = createTestServer();
    const options = { WebSocket: server.WebSocket, backoff: { initialMs: 1, maxMs: 5 }, logger: {} };
    const client = connect("ws://test/", options);
    const seen = [];
    const room = client.channel("room", { from: "start" });
    room.on("message", ({ data }) => void seen.push(data));
    server.publish("room", "before");
    await room.ready();
    server.disconnect();
    server.publish("room", "away");
    await server.settled();
    await client.ready();
    await room.publish("mine");
    await server.settled();
    await client.close();
    return { seen, log: server.messages("room").map(({ data }) => data), connects: client.stats().connects };
  });
  const all = ["before", "away", "mine"];
  assert.deepEqual(result, { seen: all, log: all, connects: 2 });
  assert.deepEqual(page.problems, []);
  await page.close();
});
