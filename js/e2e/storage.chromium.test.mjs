// Goal: publications survive crashes of the page, the end of the browser, and a full disk. Method: Chromium is really
// crashed (`Page.crash`) and killed (SIGKILL), and opened again with the same profile.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Cdp } from "./support/cdp.mjs";
import { until } from "./support/page.mjs";
import { TcpProxy } from "./support/proxy.mjs";
import { Server } from "./support/server.mjs";
import { Site } from "./support/site.mjs";

// With STORAGE=long, as often as it takes to be sure. Without, the same happens a few times.
const LONG = process.env.STORAGE === "long";
const RUN = LONG
  ? { total: 1000, cuts: 50, crashes: 10, kills: 5, pauseMs: 15 }
  : { total: 200, cuts: 10, crashes: 2, kills: 1, pauseMs: 15 };
const CHANNELS = ["a", "b", "c", "d"];

let site, server;
before(async () => {
  site = await new Site().start();
  server = await new Server(["--allow-origin", "*"]).start();
});
after(async () => {
  await site.stop();
  await server.stop();
});

/** A browser and its page, which are crashed and killed. */
class Victim {
  #profile = mkdtempSync(join(tmpdir(), "seamline-profile-"));
  #cdp;
  #page;
  #options;
  /** What the last page reported. */
  last;
  safe = CHANNELS.map(() => 0);

  constructor(options) {
    this.#options = options;
  }

  async start() {
    this.#cdp = await Cdp.start([], this.#profile);
    this.#page = await this.#cdp.page(site.url);
    await this.#run();
  }

  async #run() {
    await this.#page.evaluate(async (options) => {
      const { survive } = await import("/support/survivor.mjs");
      globalThis.report = await survive(options);
    }, this.#options);
    const { safe } = this;
    const { first } = await this.look();
    // What was stored, is stored: the next number comes after it.
    for (const [i, n] of first.entries()) assert.ok(n > safe[i], `channel ${CHANNELS[i]}: ${n} after ${safe[i]}`);
  }

  async look() {
    this.last = await this.#page.evaluate(() => report());
    this.safe = this.last.safe.map((n, i) => Math.max(n, this.safe[i]));
    return this.last;
  }

  /** The renderer crashes. The user reloads the page, or opens another one. */
  async crash(opensAnother) {
    await this.#page.crash();
    if (opensAnother) {
      await this.#page.close();
      this.#page = await this.#cdp.page(site.url);
    } else await this.#page.goto(site.url);
    await this.#run();
  }

  async kill() {
    await this.#cdp.kill();
    await this.start();
  }

  async stop() {
    await this.#cdp?.stop();
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

/** The faults in the order in which they happen: of each kind as many as there are, spread evenly. */
function schedule({ cuts, crashes, kills }) {
  const all = Object.entries({ cut: cuts, crash: crashes, kill: kills });
  const spread = all.flatMap(([fault, count]) =>
    Array.from({ length: count }, (_, i) => ({ fault, i, at: (i + 0.5) / count })),
  );
  return spread.sort((a, b) => a.at - b.at);
}

test("publications survive crashes and kills, each once and in order", async (t) => {
  const proxy = await new TcpProxy(() => server.port).start();
  const socketUrl = `ws://127.0.0.1:${proxy.port}/ws`;
  const victim = new Victim({ socketUrl, httpUrl: server.url, channels: CHANNELS, ...RUN });
  t.after(async () => {
    await victim.stop();
    await proxy.stop();
  });
  await victim.start();
  const done = { cut: 0, crash: 0, kill: 0 };
  for (const { fault, i, at } of schedule(RUN)) {
    await until(`${at * 100} % are published`, async () => (await victim.look()).progress >= at * RUN.total);
    if (fault === "cut") proxy.cut();
    else if (fault === "crash") await victim.crash(i % 2 === 1);
    else await victim.kill();
    done[fault]++;
  }
  await until("everything is sent", async () => {
    const { done, waiting, stored } = await victim.look();
    return done && waiting === 0 && stored === 0;
  });
  const { published, settled, failed, errors } = victim.last;
  assert.deepEqual({ settled, failed, errors }, { settled: published, failed: [], errors: [] });
  for (const channel of CHANNELS) {
    const { messages } = await (await fetch(`${server.url}/channels/${channel}/messages?limit=1000`)).json();
    const expected = Array.from({ length: RUN.total / CHANNELS.length }, (_, i) => i + 1);
    assert.deepEqual(
      messages.map(({ data }) => data),
      expected,
    );
  }
  t.diagnostic(`${RUN.total} publications; ${JSON.stringify(done)}; ${proxy.connections} connections`);
});

test("a full disk is reported, and nothing is lost", async (t) => {
  const cdp = await Cdp.start();
  t.after(() => cdp.stop());
  const page = await cdp.page(site.url);
  const origin = new URL(site.url).origin;
  await page.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 50_000 });
  const result = await page.evaluate(async (url) => {
    const { connect } = await import("/dist/index.js");
    const { indexedDb } = await import("/dist/storage.js");
    const client = connect(url, { storage: indexedDb("full"), logger: {} });
    const errors = [];
    client.on("error", ({ message }) => errors.push(message));
    const room = client.channel("full");
    const all = Array.from({ length: 10 }, (_, n) => room.publish({ n, text: "x".repeat(100_000) }));
    const offsets = (await Promise.all(all)).map(({ offset }) => offset);
    return { offsets, errors, isDurable: client.outbox.isDurable };
  }, `ws://127.0.0.1:${server.port}/ws`);
  assert.deepEqual(result.offsets, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.equal(result.errors.length, 1);
  assert.match(result.errors[0], /QuotaExceededError.*; free some of this site's storage; until it works again/);
  assert.equal(result.isDurable, false);
});
