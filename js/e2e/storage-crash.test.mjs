// Goal: publications survive crashes of the page and the end of the browser. Method: the page's process is really killed
// (in Chromium by `Page.crash`), and so are all processes of the browser, which is opened again with the same profile.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "./support/page.mjs";
import { TcpProxy } from "./support/proxy.mjs";
import { siteAndServer } from "./support/site-and-server.mjs";
import { Victim } from "./support/victim.mjs";

// With STORAGE=long, as often as it takes to be sure. Without, the same happens a few times.
const LONG = process.env.STORAGE === "long";
const RUN = LONG
  ? { total: 1000, cuts: 50, crashes: 10, kills: 5, pauseMs: 15 }
  : { total: 200, cuts: 10, crashes: 2, kills: 1, pauseMs: 15 };
const CHANNELS = ["a", "b", "c", "d"];

const { site, server } = siteAndServer();

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
  const victim = new Victim(site.url, { socketUrl, httpUrl: server.url, channels: CHANNELS, ...RUN });
  t.after(async () => {
    await victim.stop();
    await proxy.stop();
  });
  await victim.start();
  const done = { cut: 0, crash: 0, kill: 0 };
  for (const { fault, i, at } of schedule(RUN)) {
    await until(`${at * 100} % are published`, async () => (await victim.look()).progress >= at * RUN.total);
    if (fault === "cut") {
      await until("there is a connection to cut", () => proxy.open > 0);
      proxy.cut();
    } else if (fault === "crash") await victim.crash(i % 2 === 1);
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
  t.diagnostic(`${RUN.total} publications; ${JSON.stringify(done)}; ${proxy.cuts} connections cut`);
  assert.ok(proxy.cuts >= RUN.cuts);
});
