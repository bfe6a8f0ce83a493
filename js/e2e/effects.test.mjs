// Goal: in every engine and with every library, a page that is reloaded at any moment has each message in its table once,
// and a listener that awaits something else leaves nothing behind. Method: the table is compared with the log.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Browser, until } from "./support/page.mjs";
import { publishMany } from "./support/publisher.mjs";
import { Server } from "./support/server.mjs";

const MESSAGES = 60;
const RELOADS = 3;
const LIBRARIES = ["IndexedDB", "idb", "Dexie"];

let browser, server, page;
before(async () => {
  browser = await new Browser().start();
  server = await new Server().start();
  page = await browser.page();
});
after(async () => {
  await browser?.stop();
  await server?.stop();
});

/** Makes the page follow the channel into its table. */
function follow(name, options) {
  return page.evaluate(
    async ([name, url, options]) => {
      const support = await import("/support/table.mjs");
      globalThis.rows = support.rows;
      globalThis.state = await support.followInto(name, url, options);
    },
    [name, `ws://127.0.0.1:${server.port}/ws`, options],
  );
}

const reload = () => page.goto(browser.url);

/** Waits until the table has the last message, and returns the keys of its rows. */
async function found(name, count) {
  const read = () => page.evaluate((name) => rows(name), name);
  await until("it is up to date", async () => (await read()).length >= count);
  return (await read()).map((row) => row.key ?? row);
}

/** The keys of the log, in its order. */
const logOf = (published) => [...published].sort(([, a], [, b]) => a - b).map(([key]) => key);

for (const library of LIBRARIES) {
  test(`${library}: reloads at any moment lose and repeat nothing`, async () => {
    const name = `reloaded-${library}`;
    let reloads = 0;
    const mayPublish = (i) => i < ((reloads + 1) * MESSAGES) / (RELOADS + 1);
    const published = publishMany(() => server.url, name, MESSAGES, { workers: 2, mayPublish });
    for (; reloads < RELOADS; reloads++) {
      await follow(name, { library });
      await until("it processes", () => page.evaluate(() => state.processed > 0));
      await reload();
    }
    await follow(name, { library });
    const log = logOf(await published);
    assert.deepEqual(await found(name, MESSAGES), log);
  });

  test(`${library}: a listener that awaits something else leaves nothing`, async () => {
    const name = `awaits-${library}`;
    const log = logOf(await publishMany(() => server.url, name, 7, { workers: 1 }));
    await follow(name, { library, awaits: true });
    assert.deepEqual(await found(name, 7), log);
    assert.deepEqual(await page.evaluate(() => state.codes), ["transaction_failed", "transaction_failed"]);
  });
}
