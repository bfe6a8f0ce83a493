// Goal: a client that is closed and opened again, at once or later, continues where it was. Nothing is lost or repeated.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Browser } from "./support/page.mjs";
import { Server } from "./support/server.mjs";

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

for (const [name, waits] of [
  ["at once", false],
  ["later", true],
]) {
  test(`a client opened again ${name} loses and repeats nothing`, async () => {
    const result = await page.evaluate(
      async ({ url, waits }) => {
        const channel = `reopened-${waits}`;
        const publisher = connect(url).channel(channel);
        const client = connect(url, { clientId: channel });
        const seen = [];
        const listen = (options) => {
          const room = client.channel(channel, options);
          room.on("message", ({ data }) => void seen.push(data));
          return room;
        };
        // The first close must find a position: without one, a new handle begins at the tail.
        await listen({ from: "start" }).ready();
        for (let n = 0; n < 60; n++) {
          await publisher.publish(n);
          if (n % 10 !== 5) continue;
          const closed = client.close();
          if (waits) await closed;
          client.connect();
          listen();
        }
        while (seen.length < 60) await new Promise((resolve) => setTimeout(resolve, 5));
        const { connects } = client.stats();
        return { seen, connects };
      },
      { url: `ws://127.0.0.1:${server.port}/ws`, waits },
    );
    assert.deepEqual(
      result.seen,
      Array.from({ length: 60 }, (_, n) => n),
    );
    assert.ok(result.connects > 1);
  });
}

test("`using` closes a handle and its client", async () => {
  const result = await page.evaluate(async (url) => {
    const client = connect(url);
    const room = client.channel("used");
    await room.ready();
    room[Symbol.dispose ?? Symbol.for("Symbol.dispose")]();
    const code = await room.publish(1).catch((error) => error.code);
    await client[Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]();
    return [code, client.state.name];
  }, `ws://127.0.0.1:${server.port}/ws`);
  assert.deepEqual(result, ["closed", "closed"]);
});
