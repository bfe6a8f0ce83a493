// Goal: through every lifecycle event of a page, its client catches up soon after, keeps a healthy socket, and neither loses
// nor repeats a message. Method: a page behind a proxy, on each engine. Events that no driver can cause are dispatched; what
// Chromium can really be made to do is in lifecycle.chromium.test.mjs.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { keepsPages } from "./support/bfcache.mjs";
import { Browser, ENGINE, until } from "./support/page.mjs";
import { attempts, reasons, Scene, timely } from "./support/scene.mjs";
import { Server } from "./support/server.mjs";

let browser;
before(async () => (browser = await new Browser().start()));
after(() => browser.stop());

/** Dispatches events on the window or, where they belong there, on the document. */
const fire = (page, names) =>
  page.evaluate((names) => {
    for (const name of names) {
      const target = ["visibilitychange", "resume", "freeze"].includes(name) ? document : globalThis;
      target.dispatchEvent(new Event(name));
    }
  }, names);

const open = async (options) => Scene.open(await browser.page(), options);

async function scene(t, options) {
  const scene = await open(options);
  t.after(() => scene.close());
  return scene;
}

test("wake events keep a healthy socket", async (t) => {
  const s = await scene(t, { probeTimeoutMs: 4000 });
  for (let i = 0; i < 5; i++) await fire(s.page, ["online", "offline", "visibilitychange", "pageshow", "resume"]);
  await new Promise((resolve) => setTimeout(resolve, 5000)); // beyond the probe's deadline
  assert.deepEqual([s.proxy.attempts, (await s.report()).connects], [1, 1]);
  await s.publish();
  await s.caughtUp();
  await s.verify();
});

test("a dead socket is replaced within 2 s of waking", async (t) => {
  await timely(t, 2000, open, async (s) => {
    s.proxy.silence("toClient");
    await s.publish(3);
    await fire(s.page, ["online"]);
    const ms = await s.caughtUp();
    assert.deepEqual(reasons(await s.verify()), ["heartbeat_timeout"]);
    return ms;
  });
});

/** Seldom so long in answering that it is given up, however busy the machine is. */
const HEARTBEAT = { heartbeatMs: 400, pongTimeoutMs: 4000 };
/** The heartbeat, its timeout, and a second for the machine. */
const FOUND_MS = 400 + 4000 + 1000;

for (const direction of ["toClient", "toServer"]) {
  test(`the heartbeat detects silence ${direction}`, async (t) => {
    const firstBackoffMs = 500;
    await timely(
      t,
      FOUND_MS + firstBackoffMs,
      () => open(HEARTBEAT),
      async (s) => {
        s.proxy.silence(direction);
        if (direction === "toClient") await s.publish(3);
        const from = Date.now();
        await until("a new connection is there", () => s.proxy.connections === 2);
        const ms = Date.now() - from;
        await s.publish();
        await s.caughtUp();
        assert.deepEqual(reasons(await s.verify()), ["heartbeat_timeout"]);
        assert.equal(s.proxy.connections, 2);
        // A server that nothing reaches cannot know; one that still hears does.
        if (direction === "toClient") await until("the old connection is gone", () => s.proxy.open === 1);
        return ms;
      },
    );
  });
}

test("a stopped server is detected and replaced", async (t) => {
  const backoff = { initialMs: 100, maxMs: 500 };
  const options = { ...HEARTBEAT, connectTimeoutMs: 500, backoff };
  await timely(
    t,
    FOUND_MS,
    () => open(options),
    async (s) => {
      s.server.signal("SIGSTOP");
      const from = Date.now();
      await s.state("waiting");
      const ms = Date.now() - from;
      await until("it was tried again a few times", () => s.proxy.attempts >= 4);
      s.server.signal("SIGCONT");
      await s.state("open");
      await s.publish(3);
      await s.caughtUp();
      const report = await s.verify();
      assert.equal(report.connects, 2);
      await until("what was tried meanwhile is gone", () => s.proxy.open === 1);
      return ms;
    },
  );
});

test("a flapping network does not exceed the backoff", async (t) => {
  const s = await scene(t);
  const from = Date.now();
  for (let i = 0; i < 50; i++) {
    s.proxy.refusing = true;
    s.proxy.cut();
    await fire(s.page, ["offline"]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    s.proxy.refusing = false;
    await fire(s.page, ["online"]);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const flapped = s.proxy.attempts;
  const seconds = Math.ceil((Date.now() - from) / 1000);
  await s.publish(3);
  t.diagnostic(`${flapped} attempts reached the proxy in ${seconds} s; caught up after ${await s.caughtUp()} ms`);
  attempts(await s.verify());
  assert.ok(flapped <= 7 + seconds, `${flapped} attempts`); // one that was there, one per second by the events, and the first draws
});

test("back/forward cache events close and resume the connection", async (t) => {
  await timely(t, 2000, open, async (s) => {
    const transition = (type) =>
      s.page.evaluate((type) => void dispatchEvent(new PageTransitionEvent(type, { persisted: true })), type);
    await transition("pagehide");
    await until("the connection is closed", () => s.proxy.open === 0);
    const { state } = await s.report();
    assert.deepEqual([state.name, state.reason.code, state.attempt], ["waiting", "page_hidden", 0]);
    await s.publish(3);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    assert.equal(s.proxy.attempts, 1, "nothing is tried there");
    await transition("pageshow");
    const ms = await s.caughtUp();
    assert.deepEqual(reasons(await s.verify()), ["page_hidden"]);
    return ms;
  });
});

test("a page resumes from the real back/forward cache", async (t) => {
  if (ENGINE === "chromium") return t.skip("Playwright switches it off: see lifecycle.chromium.test.mjs");
  const server = await new Server().start();
  t.after(() => server.stop());
  if (!(await keepsPages(await browser.page(), `${browser.url}other`, `ws://127.0.0.1:${server.port}/ws`))) {
    return t.skip(`this ${ENGINE} keeps no page there that had a WebSocket`);
  }
  await timely(t, 2000, open, async (s) => {
    await s.page.evaluate(() => {
      globalThis.persisted = [];
      for (const type of ["pagehide", "pageshow"]) addEventListener(type, (event) => persisted.push(event.persisted));
    });
    await s.page.goto(`${browser.url}other`);
    await s.publish(3);
    await s.page.back();
    const from = Date.now();
    const persisted = () => s.page.evaluate(() => globalThis.persisted);
    await until("the page is shown", async () => (await persisted())?.length === 2);
    await s.caughtUp();
    const ms = Date.now() - from;
    assert.deepEqual(await persisted(), [true, true]);
    assert.deepEqual(reasons(await s.verify()), ["page_hidden"]);
    return ms;
  });
});

for (const kind of ["Worker", "SharedWorker"]) {
  test(`a ${kind} receives each message once across cuts`, async (t) => {
    const page = await browser.page();
    const supported = await page.evaluate((kind) => kind in globalThis, kind);
    if (!supported) {
      await page.close();
      return t.skip(`${ENGINE} has none here`);
    }
    await page.evaluate((kind) => {
      const worker = new globalThis[kind]("/support/worker.mjs", { type: "module" });
      const port = worker.port ?? worker;
      globalThis.ask = (data) =>
        new Promise((resolve, reject) => {
          port.onmessage = ({ data }) => resolve(data);
          worker.onerror = ({ message }) => reject(new Error(message ?? "the worker failed to load"));
          port.postMessage(data);
        });
    }, kind);
    class WorkerScene extends Scene {
      follow(options) {
        return this.page.evaluate(async (args) => void (await ask(args)), this.args(options));
      }
      report() {
        return this.page.evaluate(() => ask());
      }
    }
    const s = await WorkerScene.open(page, { backoff: { initialMs: 50, maxMs: 200 } });
    t.after(() => s.close());
    for (let i = 1; i <= 5; i++) {
      s.proxy.cut();
      await s.publish(2);
      await s.caughtUp();
      await s.publish(1);
    }
    await s.caughtUp();
    assert.equal((await s.verify()).connects, 6);
  });
}
