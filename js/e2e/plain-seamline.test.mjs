// Goal: the plain dialect of the package against the real server, which uses it when no subprotocol is requested: each
// message once and in order while the server is killed and the socket cut; acknowledgements, gaps, typing and tokens.
// plain.test.mjs has servers that behave worse.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import { Pace } from "./support/pace.mjs";
import { Browser, until } from "./support/page.mjs";
import { TcpProxy } from "./support/proxy.mjs";
import { publish, publishMany } from "./support/publisher.mjs";
import { Server } from "./support/server.mjs";

let browser;
before(async () => (browser = await new Browser().start()));
after(() => browser.stop());

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs a test with a server, a proxy before it and a page. */
async function scene(serverArgs, run) {
  const server = await new Server(serverArgs).start();
  const proxy = await new TcpProxy(() => server.port).start();
  const page = await browser.page();
  try {
    await run({ server, proxy, page, url: `ws://127.0.0.1:${proxy.port}/ws?conversation_id=room` });
    assert.deepEqual(page.problems, []);
  } finally {
    await page.close();
    await proxy.stop();
    await server.stop();
  }
}

/** In the page: follow the conversation and keep a record. */
function follow({ url, options }) {
  const client = connect(url, {
    dialect: "plain",
    backoff: { initialMs: 50, maxMs: 300 },
    stableMs: 300,
    ackIntervalMs: 100,
    ...options,
  });
  const room = client.channel("room");
  Object.assign(globalThis, { client, room, seen: [], gaps: [], casts: [] });
  room.on("message", ({ offset, data }) =>
    globalThis.seen.push({ offset, number: data.sequence_number, key: data.key }),
  );
  room.on("gap", (gap) => globalThis.gaps.push(gap));
  room.on("cast", (data) => globalThis.casts.push(data));
}

const report = () => ({
  seen: globalThis.seen,
  gaps: globalThis.gaps,
  casts: globalThis.casts,
  stats: globalThis.client.stats(),
});
const count = (page) => page.evaluate(() => globalThis.seen.length);

test("500 messages survive 10 cuts and 5 kills", async (t) => {
  const [MESSAGES, CUTS, KILLS] = [500, 10, 5];
  // The window between subscribing and reading the replay is widened, so that there is an overlap to drop.
  await scene(["--unsafe-seam-delay-ms", "20"], async ({ server, proxy, page, url }) => {
    let killed = 0;
    const faults = () => killed + Math.min(proxy.cuts, CUTS);
    const pace = new Pace(MESSAGES, CUTS + KILLS, faults);
    await page.evaluate(follow, { url });
    const publishing = publishMany(() => server.url, "room", MESSAGES, { mayPublish: pace.mayPublish, pauseMs: 10 });
    // Somewhere in what comes next, which may be in the middle of a frame.
    proxy.onConnection = (pair) => {
      if (proxy.cuts < CUTS && Math.random() < 0.4) pair.cutAfter = 500 + Math.random() * 10_000;
    };
    while (faults() < CUTS + KILLS) {
      await sleep(30 + Math.random() * 150);
      await until("a fault may be", pace.maySpoil);
      await until("the page is connected", () => page.evaluate(() => globalThis.client.state.name === "open"));
      if (killed < KILLS && Math.random() < 0.4) {
        await server.kill();
        await server.start();
        killed++;
      } else if (proxy.cuts < CUTS) {
        proxy.cut();
      }
    }
    const acknowledged = await publishing;
    await until("all of it is there", async () => (await count(page)) >= MESSAGES).catch(() => {});
    await sleep(200); // what comes now comes twice
    const { seen, gaps, stats } = await page.evaluate(report);
    t.diagnostic(
      `published ${acknowledged.size}, delivered ${seen.length}, duplicates dropped ${stats.duplicates}, ` +
        `connections ${stats.connects}, killed ${killed} times, cut ${proxy.cuts} times`,
    );
    const numbers = Array.from({ length: MESSAGES }, (_, i) => i + 1);
    assert.deepEqual(
      seen.map(({ number }) => number),
      numbers,
    );
    assert.deepEqual(
      seen.map(({ offset }) => offset),
      numbers,
    );
    for (const { key, number } of seen) assert.equal(acknowledged.get(key), number, key);
    assert.deepEqual(gaps, []);
    assert.ok(killed >= KILLS && proxy.cuts >= CUTS && stats.connects > 5, "the faults happened");
    assert.ok(stats.duplicates > 0, "the seam was exercised");
  });
});

test("a returning client resumes at its acknowledged position", async () => {
  await scene(["--retain-messages", "20"], async ({ server, proxy, page, url }) => {
    const some = (from, to) =>
      Array.from({ length: to - from + 1 }, (_, i) => publish(() => server.url, "room", `k${from + i}`, {}));
    await Promise.all(some(1, 10));
    const options = { clientId: "tab", plain: { settleMs: 300 } };
    await page.evaluate(follow, { url, options });
    await until("the history is there", async () => (await count(page)) === 10);
    await page.evaluate(() => globalThis.client.close());
    await until("the connection is closed", () => proxy.open === 0);
    await Promise.all(some(11, 15));
    await page.evaluate(follow, { url, options });
    await until("the rest is there", async () => (await count(page)) === 5);
    assert.deepEqual(
      (await page.evaluate(report)).seen.map(({ number }) => number),
      [11, 12, 13, 14, 15],
    );

    proxy.refusing = true;
    proxy.cut();
    await Promise.all(some(16, 45));
    proxy.refusing = false;
    // Firefox lets an attempt wait, the longer the more have failed: up to a minute.
    await until("what is left is there", async () => (await count(page)) === 25, 90_000);
    const { seen, gaps } = await page.evaluate(report);
    assert.deepEqual(
      seen.slice(5).map(({ number }) => number),
      Array.from({ length: 20 }, (_, i) => 26 + i),
    );
    assert.deepEqual(gaps, [{ from: 16, to: 25, reason: "hole" }]);
  });
});

test("typing reaches only the other page", async (t) => {
  await scene([], async ({ server, page, url }) => {
    const other = await browser.page();
    t.after(() => other.close());
    await publish(() => server.url, "room", "k", {});
    for (const one of [page, other]) {
      await one.evaluate(follow, { url });
      await until("it follows", async () => (await count(one)) === 1);
    }
    const typing = { type: "typing", conversation_id: "room", user_id: "u1" };
    await page.evaluate((typing) => globalThis.room.cast(typing), typing);
    await until("the other hears of it", async () => (await other.evaluate(report)).casts.length > 0);
    assert.deepEqual((await other.evaluate(report)).casts, [typing]);
    assert.deepEqual((await page.evaluate(report)).casts, []);
  });
});

test("a rejected token is fetched again", async () => {
  const secret = "a-secret-for-tests-and-nothing-else";
  const part = (value) => Buffer.from(value).toString("base64url");
  const claims = { sub: "ada", exp: Math.floor(Date.now() / 1000) + 3600 };
  const signed = `${part('{"alg":"HS256","typ":"JWT"}')}.${part(JSON.stringify(claims))}`;
  const good = `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
  await scene(["--token-secret", secret], async ({ server, page, url }) => {
    await publish(() => server.url, "room", "k", {}, { Authorization: `Bearer ${good}` });
    await page.evaluate(
      ({ url, good }) => {
        globalThis.calls = [];
        const token = ({ refresh }) => (globalThis.calls.push(refresh) === 1 ? "a.bad.token" : good);
        const client = connect(url, { dialect: "plain", token, logger: {}, backoff: { initialMs: 20, maxMs: 100 } });
        client.channel("room").on("message", () => (globalThis.done = true));
      },
      { url, good },
    );
    await until("the second token is accepted", () => page.evaluate(() => globalThis.done === true));
    assert.deepEqual(await page.evaluate(() => globalThis.calls), [false, true]);
  });
});
