// Goal: two versions of the package in two tabs of one origin lose nothing, and the older one reports what it cannot do.
// Method: a second version is built from changed sources. Its database has a newer layout, and its tabs other messages.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { otherVersion } from "../tests/support/other-version.mjs";
import { openOutbox, publish, range, readLog, stored, storedAre, waiting } from "./support/outbox.mjs";
import { Browser, until } from "./support/page.mjs";
import { TcpProxy } from "./support/proxy.mjs";
import { Server } from "./support/server.mjs";

const NEWER = "/newer";

let newer, browser, server;
before(async () => {
  newer = otherVersion(["index", "storage", "tabs"]);
  browser = await new Browser({ newer: newer.dist }).start();
  server = await new Server(["--allow-origin", "*"]).start();
});
after(async () => {
  await browser?.stop();
  await server?.stop();
  newer?.remove();
});

/** Two tabs of one origin, and a proxy to the server that refuses connections. */
async function twoTabs(t) {
  const proxy = await new TcpProxy(() => server.port).start();
  proxy.refusing = true;
  const old = await browser.page();
  const young = await browser.tab(old);
  t.after(async () => {
    await young.closeTab();
    await old.close().catch(() => {}); // a test may have closed it
    await proxy.stop();
  });
  return { proxy, old, young };
}

const errorsOf = (page) => page.evaluate(() => errors);
const settledAre = (page, expected) =>
  until(`${expected.length} are settled`, async () => {
    const settled = await page.evaluate(() => globalThis.settled);
    if (settled.length < expected.length) return false;
    assert.deepEqual(settled, expected);
    return true;
  });

/** The one error of a page whose storage has a newer layout. */
async function assertReported(page) {
  await until("the older tab has reported it", async () => (await errorsOf(page)).length > 0);
  const [[code, message], ...more] = await errorsOf(page);
  assert.deepEqual([code, more], ["storage_failed", []]);
  assert.match(
    message,
    /VersionError.*another tab has a newer version of the package; reload this page; until it works/,
  );
  assert.equal(await page.evaluate(() => client.outbox.isDurable), false);
}

test("an older tab that goes on beside a newer one loses nothing", async (t) => {
  const { proxy, old, young } = await twoTabs(t);
  const name = "both";
  await openOutbox(old, { name, port: proxy.port });
  await publish(old, name, 1, 3);
  await storedAre(old, 3);
  await openOutbox(young, { name, port: proxy.port, scripts: NEWER });
  await publish(old, name, 4, 6);
  await assertReported(old);
  await publish(young, `${name}-young`, 11, 13);
  await storedAre(young, 6); // with the three that the older tab can no longer remove
  proxy.refusing = false;
  await settledAre(old, range(6));
  await settledAre(young, range(13, 11));
  assert.deepEqual(await errorsOf(young), []);
  await old.closeTab();
  await until("the newer tab has sent what the older one left", async () => (await stored(young)) === 0);
  assert.deepEqual([await readLog(server, name), await readLog(server, `${name}-young`)], [range(6), range(13, 11)]);
});

test("a newer tab sends what a closed older one has stored", async (t) => {
  const { proxy, old, young } = await twoTabs(t);
  const name = "left";
  await openOutbox(old, { name, port: proxy.port });
  await publish(old, name, 1, 20);
  await storedAre(old, 20);
  await openOutbox(young, { name, port: proxy.port, scripts: NEWER });
  await old.closeTab();
  await until("the newer tab has them", async () => (await waiting(young)) === 20);
  proxy.refusing = false;
  await until("all are sent", async () => (await stored(young)) === 0);
  assert.deepEqual([await readLog(server, name), await errorsOf(young)], [range(20), []]);
});

test("an older tab that opens beside a newer one continues in memory", async (t) => {
  const { proxy, old, young } = await twoTabs(t);
  const name = "late";
  await openOutbox(young, { name, port: proxy.port, scripts: NEWER });
  await publish(young, `${name}-young`, 1, 3);
  await storedAre(young, 3);
  await openOutbox(old, { name, port: proxy.port });
  await publish(old, name, 1, 3);
  await assertReported(old);
  proxy.refusing = false;
  await settledAre(old, range(3));
  await settledAre(young, range(3));
  assert.deepEqual([await readLog(server, name), await readLog(server, `${name}-young`)], [range(3), range(3)]);
  await until("the newer tab's are removed", async () => (await stored(young)) === 0);
});

test("a tab that keeps an older database open is reported by a newer one", async (t) => {
  const { proxy, old, young } = await twoTabs(t);
  proxy.refusing = false;
  const name = "held";
  await old.evaluate(
    (name) =>
      new Promise((resolve, reject) => {
        const request = indexedDB.open(name, 1);
        request.onupgradeneeded = () => request.result.createObjectStore("records");
        request.onsuccess = () => resolve((globalThis.held = request.result) && undefined);
        request.onerror = () => reject(request.error);
      }),
    `seamline:${name}`,
  );
  await openOutbox(young, { name, port: proxy.port, scripts: NEWER });
  await publish(young, name, 1, 3);
  await settledAre(young, range(3));
  const [[code, message], ...more] = await errorsOf(young);
  assert.deepEqual([code, more], ["storage_failed", []]);
  assert.match(message, /BlockedError: another tab has it open in another version; .*; until it works/);
  assert.deepEqual(await readLog(server, name), range(3));
});

/** In a page that has an outbox: follows a channel. */
const follow = (page, channel) =>
  page.evaluate(async (channel) => {
    const room = client.channel(channel, { from: "start" });
    Object.assign(globalThis, { seen: [], gaps: [] });
    room.on("message", ({ data }) => void seen.push(data));
    room.on("gap", (gap) => void gaps.push(gap));
    await room.ready();
  }, channel);

test("tabs of two versions have a connection each, and both get everything", async (t) => {
  const { proxy, old, young } = await twoTabs(t);
  proxy.refusing = false;
  const channel = "shared";
  for (const [page, scripts] of [
    [old, "/dist"],
    [young, NEWER],
  ]) {
    const options = { name: `shared-${scripts.slice(1)}`, port: proxy.port, scripts, options: { shared: "team" } };
    await openOutbox(page, options);
    await follow(page, channel);
  }
  for (let n = 1; n <= 50; n += 10) {
    await publish(old, channel, n, n + 9);
    await publish(young, channel, n + 100, n + 109);
    if (n === 21) proxy.cut();
  }
  await settledAre(old, range(50));
  await settledAre(young, range(150, 101));
  const log = await readLog(server, channel);
  assert.deepEqual(
    [...log].sort((a, b) => a - b),
    [...range(50), ...range(150, 101)],
  );
  for (const page of [old, young]) {
    await until("the tab has everything", async () => (await page.evaluate(() => seen.length)) >= log.length);
    const report = () => page.evaluate(() => [seen, gaps, errors, client.stats().shared]);
    assert.deepEqual(await report(), [log, [], [], "leader"]);
  }
  assert.equal(proxy.open, 2);
});
