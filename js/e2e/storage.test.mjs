// Publications that survive the page, in each engine's own IndexedDB and with its own locks, where it has them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openOutbox, publish, range, readLog, stored, storedAre, waiting } from "./support/outbox.mjs";
import { Browser, until } from "./support/page.mjs";
import { TcpProxy } from "./support/proxy.mjs";
import { Server } from "./support/server.mjs";

let browser, server, proxy;
before(async () => {
  browser = await new Browser().start();
  server = await new Server(["--allow-origin", "*"]).start();
});
after(async () => {
  await browser.stop();
  await server.stop();
});

/** A page whose client reaches the server only when `proxy.refusing` is false. */
async function setUp(t) {
  proxy = await new TcpProxy(() => server.port).start();
  proxy.refusing = true;
  const page = await browser.page();
  t.after(async () => {
    await page.close();
    await proxy.stop();
  });
  return page;
}

/** In a page: a client with a storage; see {@link openOutbox}. */
const open = (page, name) => openOutbox(page, { name, port: proxy.port });
/** What the log has. */
const log = (channel) => readLog(server, channel);

test("publications survive reloads, in order", async (t) => {
  const page = await setUp(t);
  for (const [from, to] of [
    [1, 30],
    [31, 60],
  ]) {
    await open(page, "reload");
    await publish(page, "reload-a", from, to);
    await publish(page, "reload-b", from, to);
    await storedAre(page, 2 * to);
    await page.load();
  }
  await open(page, "reload");
  assert.equal(await waiting(page), 120);
  proxy.refusing = false;
  await publish(page, "reload-a", 61, 70);
  await until("all are sent", async () => (await stored(page)) === 0 && (await waiting(page)) === 0);
  assert.deepEqual([await log("reload-a"), await log("reload-b")], [range(70), range(60)]);
  assert.deepEqual(await page.evaluate(() => [settled, errors, client.outbox.isDurable]), [
    range(70).slice(60),
    [],
    true,
  ]);
});

test("a closed tab's publications are sent by another one", async (t) => {
  const page = await setUp(t);
  await open(page, "tabs");
  const tab = await browser.tab(page);
  await open(tab, "tabs");
  await publish(tab, "tabs", 1, 20);
  await storedAre(tab, 20);
  await tab.closeTab();
  await until("the other tab has them", async () => (await waiting(page)) === 20);
  proxy.refusing = false;
  await until("all are sent", async () => (await stored(page)) === 0);
  assert.deepEqual(await log("tabs"), range(20));
});

test("a damaged record is reported and delays nothing", async (t) => {
  const page = await setUp(t);
  await open(page, "damaged");
  await publish(page, "damaged", 1, 3);
  await storedAre(page, 3);
  await page.evaluate(async () => {
    const [, second] = await storage.read("publications");
    await storage.write([{ table: "publications", key: second.key, value: { channel: 5 } }]);
  });
  await page.load();
  proxy.refusing = false;
  await open(page, "damaged");
  await until("the others are sent", async () => (await stored(page)) === 0);
  assert.deepEqual(await log("damaged"), [1, 3]);
  const [[code, message], ...more] = await page.evaluate(() => errors);
  assert.deepEqual([code, more], ["storage_failed", []]);
  assert.match(message, /^removed a damaged publication: record "\d{16}-\w+" is {"channel":5}/);
});

/** In a page: opens the database as a newer version of the package would, and closes it in time, or does not. */
const upgrade = (page, name, closes = true) =>
  page.evaluate(
    ([name, closes]) =>
      new Promise((resolve, reject) => {
        const request = indexedDB.open(`seamline:${name}`, 2);
        request.onsuccess = () => {
          if (closes) request.result.close();
          else globalThis.held = request.result;
          resolve();
        };
        request.onerror = () => reject(request.error);
      }),
    [name, closes],
  );

test("a tab with a newer version takes over, and nothing is lost", async (t) => {
  const page = await setUp(t);
  await open(page, "versions");
  await publish(page, "versions", 1, 3);
  await storedAre(page, 3);
  const tab = await browser.tab(page);
  await upgrade(tab, "versions");
  await publish(page, "versions", 4, 6);
  await until("the old tab has reported it", () => page.evaluate(() => errors.length === 1));
  assert.equal(await page.evaluate(() => client.outbox.isDurable), false);
  const [[code, message]] = await page.evaluate(() => errors);
  assert.equal(code, "storage_failed");
  assert.match(
    message,
    /VersionError.*another tab has a newer version of the package; reload this page; until it works/,
  );
  proxy.refusing = false;
  await until("all are settled", () => page.evaluate(() => settled.length === 6));
  assert.deepEqual([await log("versions"), await page.evaluate(() => settled)], [range(6), range(6)]);
  await tab.closeTab();
});

test("a page that may not store anything continues in memory", async (t) => {
  const page = await setUp(t);
  proxy.refusing = false;
  const result = await page.evaluate(async (url) => {
    // In a sandboxed frame, which has an origin that may store nothing, not even import from here.
    const encoded = async (path) => {
      const bytes = new Uint8Array(await (await fetch(path)).arrayBuffer());
      return `data:text/javascript;base64,${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))}`;
    };
    const run = async ([index, storage, url]) => {
      const [{ connect }, { indexedDb }] = [await import(index), await import(storage)];
      const client = connect(url, { storage: indexedDb("refused"), logger: {} });
      const errors = [];
      client.on("error", ({ code, message }) => errors.push([code, message]));
      const { offset } = await client.channel("refused").publish("hi");
      return { offset, errors, isDurable: client.outbox.isDurable };
    };
    const frame = document.createElement("iframe");
    frame.sandbox = "allow-scripts";
    frame.srcdoc = `<script>onmessage = async ({ data }) => {
      const result = await (${run})(data).catch((error) => ({ failed: String(error) }));
      parent.postMessage(result, "*");
    }</script>`;
    const loaded = new Promise((resolve) => (frame.onload = resolve));
    document.body.append(frame);
    await loaded;
    const answered = new Promise((resolve) => addEventListener("message", ({ data }) => resolve(data), { once: true }));
    frame.contentWindow.postMessage([await encoded("/dist/index.js"), await encoded("/dist/storage.js"), url], "*");
    return answered;
  }, `ws://127.0.0.1:${proxy.port}/ws`);
  assert.deepEqual([result.failed, result.offset, result.isDurable], [undefined, 1, false]);
  assert.equal(result.errors.length, 1);
  assert.match(result.errors[0][1], /SecurityError|InvalidStateError|UnknownError/);
});

// It takes 15 s: the storage does not answer for 10 s, and is tried again after 5 s.
test("a storage that stays blocked is used when it is free", { skip: process.env.STORAGE !== "long" }, async (t) => {
  const page = await setUp(t);
  const tab = await browser.tab(page);
  // A deletion that waits for a tab blocks every open of the database after it.
  await tab.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const request = indexedDB.open("seamline:blocked", 1);
        request.onupgradeneeded = () => request.result.createObjectStore("records");
        request.onsuccess = () => {
          globalThis.held = request.result;
          const deletion = indexedDB.deleteDatabase("seamline:blocked");
          deletion.onblocked = resolve;
        };
        request.onerror = () => reject(request.error);
      }),
  );
  await open(page, "blocked");
  assert.match((await page.evaluate(() => errors))[0][1], /the storage has not answered for 10000 ms; until it works/);
  await publish(page, "blocked", 1, 3);
  assert.equal(await page.evaluate(() => client.outbox.isDurable), false);
  await tab.evaluate(() => held.close());
  await until("the storage is used", () => page.evaluate(() => client.outbox.isDurable));
  await storedAre(page, 3);
  await page.load();
  proxy.refusing = false;
  await open(page, "blocked");
  await until("all are sent", async () => (await stored(page)) === 0);
  assert.deepEqual(await log("blocked"), range(3));
  await tab.closeTab();
});
