// Goal: a duplicated tab has a copy of `sessionStorage`, and so the client id of the other, but misses nothing that only
// the other has processed. Method: Chromium really copies the storage, for `window.open`. Chromium only, because the
// drivers of the other browsers open no second tab.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { launch } from "./support/chromium.mjs";
import { until } from "./support/page.mjs";
import { publish } from "./support/publisher.mjs";
import { Server } from "./support/server.mjs";
import { Site } from "./support/site.mjs";

let site, browser, server, context, published;

before(async () => {
  site = await new Site().start();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await site.stop();
});
beforeEach(async () => {
  server = await new Server().start();
  context = await browser.newContext();
  published = 0;
  await send(3);
});
afterEach(async () => {
  await context.close();
  await server.stop();
});

async function send(count) {
  for (let i = 0; i < count; i++) await publish(() => server.url, "room", `key-${++published}`, published);
}

async function open() {
  const tab = await context.newPage();
  await tab.goto(site.url);
  return tab;
}

/** Follows the room with a client id that is kept for the tab, where it left off. */
async function follow(tab, { hangs = false, storage = "sessionStorage" } = {}) {
  await tab.evaluate(
    async ({ url, hangs, storage }) => {
      const { connect } = await import("/dist/index.js");
      const id = (globalThis[storage].id ??= String(Math.random()));
      globalThis.client = connect(url, { clientId: id, ackIntervalMs: 50 });
      const room = client.channel("room", globalThis[storage].begun ? {} : { from: "start" });
      globalThis[storage].begun = "yes";
      globalThis.seen = [];
      globalThis.lives = 0;
      room.on("live", () => void lives++);
      room.on("gap", ({ reason }) => void seen.push(reason));
      room.on("message", ({ offset }) => {
        seen.push(offset);
        if (hangs) return new Promise(() => {});
      });
    },
    { url: `ws://127.0.0.1:${server.port}/ws`, hangs, storage },
  );
  // After a message whose handler hangs, `live` is not emitted.
  await until("it is live, or hangs", () => tab.evaluate((hangs) => lives > 0 || (hangs && seen.length > 0), hangs));
}

async function duplicate(tab) {
  const [copy] = await Promise.all([context.waitForEvent("page"), tab.evaluate(() => void window.open(location.href))]);
  await copy.waitForLoadState();
  return copy;
}

const seen = (tab) => tab.evaluate(() => seen);
const sees = (tab, offset) => until(`it sees ${offset}`, async () => (await seen(tab)).at(-1) === offset);

/** Reloads a tab that has processed everything, until the server has stored that. */
async function settle(tab, options) {
  await until("its position is stored", async () => {
    await tab.reload();
    await follow(tab, options);
    return (await seen(tab)).length === 0;
  });
}

test("a lagging duplicate tab resumes at its own position", async () => {
  const tab = await open();
  await follow(tab);
  await sees(tab, 3);
  await settle(tab);
  const copy = await duplicate(tab);
  await follow(copy, { hangs: true });
  assert.equal(
    await copy.evaluate(() => sessionStorage.id),
    await tab.evaluate(() => sessionStorage.id),
    "it is a copy",
  );
  await send(5);
  await sees(tab, 8);
  await sees(copy, 4);
  await settle(tab);
  await copy.reload();
  await follow(copy);
  await sees(copy, 8);
  assert.deepEqual(await seen(copy), [4, 5, 6, 7, 8]);
});

test("a tab offline beside its copy resumes at its position", async () => {
  const tab = await open();
  await follow(tab);
  await sees(tab, 3);
  await settle(tab);
  const copy = await duplicate(tab);
  await tab.evaluate(() => client.close());
  await follow(copy);
  await send(5);
  await sees(copy, 8);
  await settle(copy);
  await copy.close();
  await tab.reload();
  await follow(tab);
  await sees(tab, 8);
  assert.deepEqual(await seen(tab), [4, 5, 6, 7, 8]);
});

test("tabs sharing an id in localStorage keep their positions", async () => {
  const storage = "localStorage";
  const [slow, fast] = [await open(), await open()];
  await follow(fast, { storage });
  await sees(fast, 3);
  await settle(fast, { storage });
  await follow(slow, { hangs: true, storage });
  await send(5);
  await sees(fast, 8);
  await sees(slow, 4);
  await settle(fast, { storage });
  const fresh = await open();
  await follow(fresh, { storage });
  assert.deepEqual(await seen(fresh), []);
  await slow.reload();
  await follow(slow, { storage });
  await sees(slow, 8);
  assert.deepEqual(await seen(slow), [4, 5, 6, 7, 8]);
});

test("two clients with one id keep their positions", async () => {
  const tab = await open();
  await follow(tab, { hangs: true });
  await sees(tab, 1);
  const second = () =>
    tab.evaluate(
      async ({ url }) => {
        const { connect } = await import("/dist/index.js");
        const room = connect(url, { clientId: sessionStorage.id, ackIntervalMs: 50 }).channel(
          "room",
          sessionStorage.second ? {} : { from: "start" },
        );
        sessionStorage.second = "yes";
        globalThis.others = [];
        globalThis.otherLives = 0;
        room.on("live", () => void otherLives++);
        room.on("message", ({ offset }) => void others.push(offset));
      },
      { url: `ws://127.0.0.1:${server.port}/ws` },
    );
  await second();
  await until("the second has all", () => tab.evaluate(() => others.at(-1) === 3));
  await until("the position of the second is stored", async () => {
    await tab.reload();
    await follow(tab, { hangs: true });
    await second();
    await until("the second is live", () => tab.evaluate(() => otherLives > 0));
    return (await tab.evaluate(() => others.length)) === 0;
  });
  await tab.reload();
  await follow(tab);
  await sees(tab, 3);
  assert.deepEqual(await seen(tab), [1, 2, 3]);
});
