// Goal: a page that is killed at any moment has each message in its table once. Method: the page's process ends (as a
// crash does it, by DevTools) while messages arrive. The same page without a transaction repeats rows, so the test can
// fail.
//
// With EFFECTS=long, there are 2,000 messages and 50 crashes.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Cdp } from "./support/cdp.mjs";
import { until } from "./support/page.mjs";
import { publishMany } from "./support/publisher.mjs";
import { Server } from "./support/server.mjs";
import { Site } from "./support/site.mjs";

const LONG = process.env.EFFECTS === "long";
const MESSAGES = LONG ? 2000 : 200;
const CRASHES = LONG ? 50 : 6;

let site, browser, server;
before(async () => {
  site = await new Site().start();
  browser = await Cdp.start();
  server = await new Server().start();
});
after(async () => {
  await browser?.stop();
  await server?.stop();
  await site?.stop();
});

/** Opens a page that follows the channel into its table. */
async function follow(how, name, options) {
  const page = await browser.page(site.url);
  await page.evaluate(
    async ([how, ...args]) => {
      const support = await import("/support/table.mjs");
      globalThis.state = await support[how](...args);
      globalThis.rows = support.rows;
    },
    [how, name, `ws://127.0.0.1:${server.port}/ws`, options],
  );
  return page;
}

/** Kills the page again and again while it processes its share of the messages. Returns the rows and the log at the end. */
async function play(how, name, options) {
  let killed = 0;
  const mayPublish = (i) => i < ((killed + 1) * MESSAGES) / CRASHES;
  const published = publishMany(() => server.url, name, MESSAGES, { workers: 2, mayPublish });
  for (; killed < CRASHES; killed++) {
    const page = await follow(how, name, options);
    await until("it processes", () => page.evaluate(() => state.processed > 0));
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
    await page.crash();
    await page.close();
  }
  const keys = await published;
  const log = [...keys].sort(([, a], [, b]) => a - b).map(([key]) => key);
  const page = await follow(how, name, options);
  const read = () => page.evaluate(async (name) => (await rows(name)).map(({ key }) => key), name);
  await until("it is up to date", async () => (await read()).includes(log.at(-1)));
  const found = await read();
  await page.close();
  return { found, log, killed };
}

/** How many rows are there twice, and how many messages have none. */
function compare({ found, log }) {
  return { twice: found.length - new Set(found).size, missing: log.filter((key) => !found.includes(key)).length };
}

for (const event of ["message", "batch"]) {
  test(`crashes at any moment lose and repeat no \`${event}\``, async (t) => {
    const { found, log, killed } = await play("followInto", `table-${event}`, { event });
    assert.deepEqual(found, log);
    t.diagnostic(`${log.length} messages, ${killed} crashes: ${JSON.stringify(compare({ found, log }))}`);
  });
}

test("without a transaction, crashes repeat rows", async (t) => {
  for (let round = 1; ; round++) {
    const result = await play("followBeside", `beside-${round}`);
    const { twice, missing } = compare(result);
    t.diagnostic(`${result.log.length} messages, ${result.killed} crashes: ${JSON.stringify({ twice, missing })}`);
    if (twice + missing > 0) return;
    assert.ok(round < 5, "five times without a difference: the test of the transaction shows nothing");
  }
});
