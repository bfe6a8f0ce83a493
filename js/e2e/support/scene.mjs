// A server behind a proxy, and a page that follows a channel through it.
import assert from "node:assert/strict";
import { until } from "./page.mjs";
import { TcpProxy } from "./proxy.mjs";
import { publish } from "./publisher.mjs";
import { Server } from "./server.mjs";

const CHANNEL = "room";

export class Scene {
  /** How many messages were published. */
  published = 0;

  /** @param page one of `Browser` or `Cdp` */
  static async open(page, options = {}) {
    const scene = new this();
    scene.page = page;
    try {
      scene.server = await new Server().start();
      scene.proxy = await new TcpProxy(() => scene.server.port).start();
      await scene.publish(2);
      await scene.follow(options);
      await scene.caughtUp();
    } catch (error) {
      await scene.close(); // Firefox opens one WebSocket at a time: a page that is left there holds up others
      throw error;
    }
    return scene;
  }

  /** What the follower received. */
  args(options) {
    return [`ws://127.0.0.1:${this.proxy.port}/ws`, CHANNEL, options];
  }

  async follow(options) {
    await this.page.evaluate(async (args) => {
      const { follow } = await import("/support/follower.mjs");
      globalThis.follower = follow(...args);
    }, this.args(options));
  }

  async publish(count = 1) {
    for (let i = 0; i < count; i++) {
      const n = ++this.published;
      await publish(() => this.server.url, CHANNEL, `key-${n}`, { n });
    }
  }

  report() {
    return this.page.evaluate(() => globalThis.follower.report());
  }

  /** Waits until everything that was published has arrived, and returns how long that took. */
  async caughtUp() {
    const from = Date.now();
    await until("all is caught up", async () => (await this.report()).seen.at(-1) >= this.published);
    return Date.now() - from;
  }

  /** Waits until the client's state is of that name. */
  async state(name) {
    await until(`the client is ${name}`, async () => (await this.report()).state.name === name);
  }

  /** Checks that each message was delivered once, in order, without a gap, and that no error went unreported. */
  async verify() {
    const report = await this.report();
    const all = Array.from({ length: this.published }, (_, i) => i + 1);
    assert.deepEqual([report.seen, report.gaps, this.page.problems ?? []], [all, [], []]);
    return report;
  }

  async close() {
    await this.page.close();
    await this.proxy?.stop();
    await this.server?.stop();
  }
}

/**
 * Something takes no longer than the limit. A machine may stall, so there are three tries, each in a scene of
 * its own; a client that is too slow is so in each. `play` returns how long it took.
 */
export async function timely(t, limitMs, open, play) {
  for (let tries = 1; ; tries++) {
    const scene = await open();
    const ms = await play(scene).finally(() => scene.close());
    t.diagnostic(`after ${ms} ms`);
    if (ms <= limitMs) return;
    assert.ok(tries < 3, `three times over ${limitMs} ms, at last ${ms} ms`);
  }
}

/** The reasons for which the connection was gone, in order. */
export function reasons({ past }) {
  return past.flatMap(({ state }) => (state?.name === "waiting" ? [state.reason.code] : []));
}

/**
 * How often the browser closed the connection, which is its own affair: it may close the socket of a page that
 * it freezes, hides or takes offline. The client itself must not have given up a healthy connection.
 */
export function closedByBrowser(report) {
  const lost = reasons(report).filter((code) => code !== "connect_failed"); // that one is an attempt, not a connection
  assert.ok(
    lost.every((code) => code === "connection_lost"),
    `the client gave up a healthy connection: ${lost}`,
  );
  return lost.length;
}

/** Clocks are rounded, and states are noted a little late: on a busy machine by so much. */
const NOTED_MS = 300;

/**
 * No attempt was made before its time: the moment that the backoff had drawn; or, after a wake sign, a
 * second after the attempt before. Returns how many there were.
 */
export function attempts({ past }) {
  let [count, last, retryAt] = [0, -Infinity, -Infinity];
  for (const { at, state } of past) {
    if (state?.name === "waiting") retryAt = state.retryAt;
    if (state?.name !== "connecting") continue;
    const soonest = Math.min(retryAt, last + 1000);
    assert.ok(at >= soonest - NOTED_MS, `an attempt ${soonest - at} ms too early`);
    [last, count] = [at, count + 1];
  }
  return count;
}
