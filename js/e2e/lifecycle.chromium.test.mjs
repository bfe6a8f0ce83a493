// Goal: as in lifecycle.test.mjs. Method: Chromium is really made to freeze a page, put it into the back/forward cache,
// take away its network and its processor, and throttle the timers of a hidden page, as it does for users. support/cdp.mjs
// explains why this works without Playwright.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { keepsPages } from "./support/bfcache.mjs";
import { Cdp } from "./support/cdp.mjs";
import { until } from "./support/page.mjs";
import { attempts, closedByBrowser, reasons, Scene, timely } from "./support/scene.mjs";
import { Server } from "./support/server.mjs";
import { Site } from "./support/site.mjs";

/** Hidden pages are throttled to one wake-up of their timers a minute after 5 minutes; here after 5 s. */
const THROTTLE_SOON = "--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/5";
const OFFLINE = { offline: true, latency: 0, downloadThroughput: -1, uploadThroughput: -1 };

// With LIFECYCLE=long, times are those of a life: minutes. Without, the same happens in seconds.
const LONG = process.env.LIFECYCLE === "long";
const FROZEN_MS = LONG ? 300_000 : 1500;
const OFFLINE_MS = LONG ? 30_000 : 2000;
const HIDDEN_MS = LONG ? 300_000 : 75_000;
const HIDDEN_HEARTBEAT_MS = LONG ? 25_000 : 2000;
const HIDDEN_PONG_MS = 5000;
/** A healthy connection may be slow to answer when the machine is busy: it is to be kept all the same. */
const PATIENT = { probeTimeoutMs: 10_000 };

let site, cdp, hidden;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

before(async () => {
  site = await new Site().start();
  cdp = await Cdp.start([THROTTLE_SOON]);
  hidden = await hide();
});
after(async () => {
  await hidden?.close();
  await cdp?.stop();
  await site.stop();
});

/** The page of the last test, which is hidden from the beginning. */
async function hide() {
  const scene = await Scene.open(await cdp.page(site.url), {
    heartbeatMs: HIDDEN_HEARTBEAT_MS,
    pongTimeoutMs: HIDDEN_PONG_MS,
  });
  await scene.page.evaluate(() => {
    globalThis.ticks = [Date.now()];
    const tick = () => (ticks.push(Date.now()), setTimeout(tick, 500));
    tick();
  });
  const front = await cdp.page(site.url);
  await front.send("Page.bringToFront");
  await until("the page is hidden", () => scene.page.evaluate(() => document.hidden));
  await scene.page.detach();
  scene.since = Date.now();
  return scene;
}

const open = async (options) => Scene.open(await cdp.page(site.url), options);

async function scene(t, options) {
  const scene = await open(options);
  t.after(() => scene.close());
  return scene;
}

/** Freezes a page for a while, and returns how far its timers came meanwhile. */
async function freeze({ page }, { ms, meanwhile, detached }) {
  await page.evaluate(() => {
    globalThis.ticks = 0;
    setInterval(() => ticks++, 50);
  });
  await page.send("Page.setWebLifecycleState", { state: "frozen" });
  let ticks;
  await until("its timers stand still", async () => {
    ticks = await page.evaluate(() => globalThis.ticks);
    await sleep(500);
    return (await page.evaluate(() => globalThis.ticks)) === ticks;
  });
  if (detached) await page.detach();
  await meanwhile();
  await sleep(ms);
  if (detached) await page.attach();
  const ran = (await page.evaluate(() => globalThis.ticks)) - ticks;
  await page.send("Page.setWebLifecycleState", { state: "active" });
  return ran;
}

for (const detached of [false, true]) {
  const how = detached ? "without a debugger" : "with a debugger attached";
  test(`a page frozen ${how} catches up within 2 s`, async (t) => {
    await timely(
      t,
      2000,
      () => open(PATIENT),
      async (s) => {
        const ran = await freeze(s, { ms: FROZEN_MS, detached, meanwhile: () => s.publish(3) });
        assert.ok(ran <= 1, `it was frozen, but its timer ran ${ran} times`);
        const ms = await s.caughtUp();
        const report = await s.verify();
        const closed = closedByBrowser(report);
        t.diagnostic(`Chromium ${closed ? "closed" : "kept"} the socket of the frozen page`);
        assert.equal(report.connects, 1 + closed, "one connection, and one more if Chromium closed the first");
        assert.ok(closed <= 1, `one freeze closed ${closed} connections`);
        return ms;
      },
    );
  });
}

// A page that DevTools has resumed is still hidden, with timers of one tick a second: so the question to a
// silent connection, 1.5 s in a page that is looked at, may take a second more.
for (const [what, harm, withinMs] of [
  ["cut", (proxy) => proxy.cut(), 2000],
  ["silenced", (proxy) => proxy.silence("toClient"), 3000],
]) {
  test(`a frozen page whose connection ${what} catches up within ${withinMs} ms`, async (t) => {
    await timely(t, withinMs, open, async (s) => {
      const meanwhile = async () => {
        harm(s.proxy);
        await s.publish(3);
      };
      await freeze(s, { ms: 1500, detached: true, meanwhile });
      const ms = await s.caughtUp();
      assert.equal((await s.verify()).connects, 2);
      return ms;
    });
  });
}

test("a page restored from the back/forward cache resumes within 2 s", async (t) => {
  const server = await new Server().start();
  t.after(() => server.stop());
  if (!(await keepsPages(await cdp.page(site.url), `${site.url}other`, `ws://127.0.0.1:${server.port}/ws`))) {
    return t.skip("this Chromium keeps no page there that had a WebSocket");
  }
  await timely(
    t,
    2000,
    () => open(PATIENT),
    async (s) => {
      await s.page.evaluate(() => {
        globalThis.persisted = [];
        for (const type of ["pagehide", "pageshow"]) addEventListener(type, (event) => persisted.push(event.persisted));
      });
      let longest = 0;
      for (let i = 1; i <= 3; i++) {
        await s.page.goto(`${site.url}other`);
        await until("the connection is closed", () => s.proxy.open === 0);
        await s.publish(3);
        await s.page.back();
        longest = Math.max(longest, await s.caughtUp());
      }
      assert.deepEqual(await s.page.evaluate(() => globalThis.persisted), [true, true, true, true, true, true]);
      const report = await s.verify();
      assert.deepEqual([report.connects, reasons(report)], [4, ["page_hidden", "page_hidden", "page_hidden"]]);
      return longest;
    },
  );
});

test("a page catches up within 2 s of the network's return", async (t) => {
  await timely(
    t,
    2000,
    () => open(PATIENT),
    async (s) => {
      await s.page.send("Network.enable");
      await s.page.send("Network.emulateNetworkConditions", OFFLINE);
      await until("the page knows", () => s.page.evaluate(() => !navigator.onLine));
      await s.publish(3);
      // Some versions leave an open WebSocket alone, others close it. The client must not: `offline` is only a hint.
      let report;
      const decided = ({ seen, state }) => seen.at(-1) >= s.published || state.name !== "open";
      await until("the messages came, or the browser closed the socket", async () =>
        decided((report = await s.report())),
      );
      t.diagnostic(`Chromium ${closedByBrowser(report) ? "closed" : "kept"} the socket while offline`);
      s.proxy.cut();
      await s.state("waiting");
      await s.publish(3);
      await sleep(OFFLINE_MS);
      await s.page.send("Network.emulateNetworkConditions", { ...OFFLINE, offline: false });
      const ms = await s.caughtUp();
      attempts(await s.verify());
      return ms;
    },
  );
});

test("a flapping network does not exceed the backoff", async (t) => {
  const s = await scene(t);
  await s.page.send("Network.enable");
  const from = Date.now();
  for (let i = 0; i < 50; i++) {
    await s.page.send("Network.emulateNetworkConditions", OFFLINE);
    s.proxy.cut();
    await sleep(50);
    await s.page.send("Network.emulateNetworkConditions", { ...OFFLINE, offline: false });
    await sleep(50);
  }
  const flapped = s.proxy.attempts;
  await s.publish(3);
  await s.caughtUp();
  const report = await s.verify();
  const seconds = Math.ceil((Date.now() - from) / 1000);
  const online = report.past.filter(({ event }) => event === "online").length;
  t.diagnostic(`${online} times online; ${attempts(report)} attempts, of which ${flapped} reached the proxy by then`);
  assert.ok(online > 1, "the page saw the network come and go"); // how many of the 50 it reports is the browser's choice
  assert.ok(
    attempts(report) <= 8 + seconds,
    "one that was there, one per second by the events, and the backoff's first draws",
  );
});

test("a 20 times slower processor loses nothing", async (t) => {
  const s = await scene(t, { heartbeatMs: 500 });
  await s.page.send("Emulation.setCPUThrottlingRate", { rate: 20 });
  await s.publish(200);
  await s.caughtUp();
  await sleep(3000);
  assert.equal((await s.report()).connects, 1, "kept");
  s.proxy.cut();
  await s.publish(100);
  t.diagnostic(`caught up after a cut after ${await s.caughtUp()} ms`);
  assert.equal((await s.verify()).connects, 2);
});

test("a hidden page with throttled timers loses nothing", async (t) => {
  const s = hidden;
  await until("the time is over", () => Date.now() - s.since > HIDDEN_MS, HIDDEN_MS + 60_000);
  await s.publish(3);
  await s.page.attach();
  await s.caughtUp();
  const ticks = await s.page.evaluate(() => globalThis.ticks);
  const longest = Math.max(...ticks.slice(1).map((at, i) => at - ticks[i]));
  t.diagnostic(`hidden for ${Date.now() - s.since} ms; a timer of 500 ms took up to ${longest} ms`);
  // Chromium throttles timers to one wake-up a minute today. Whether and when it does is its own choice.
  const throttled = longest > HIDDEN_HEARTBEAT_MS + HIDDEN_PONG_MS;
  t.diagnostic(
    throttled
      ? "throttled beyond the heartbeat and its answer"
      : "NOT throttled: the heartbeat of a throttled page was not tested",
  );
  const report = await s.verify();
  const closed = closedByBrowser(report);
  t.diagnostic(`Chromium closed the socket of the hidden page ${closed} times`);
  assert.equal(report.connects, 1 + closed, "the heartbeat raised no false alarm");
});
