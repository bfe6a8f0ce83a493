// The whole system: a page follows a channel while its server is killed and restarted and its socket is cut, and messages
// are published all the time.
import { overlap } from "./overlap.mjs";
import { Pace } from "./pace.mjs";
import { until } from "./page.mjs";
import { TcpProxy } from "./proxy.mjs";
import { publish, publishMany } from "./publisher.mjs";
import { Server } from "./server.mjs";

const CHANNEL = "chaos";

/**
 * Runs it and returns what the page received. The faults are spread over the publishing; the last message is
 * published while the page reconnects and the server waits in the seam. `overlaps`: it continues until
 * something came twice.
 */
export async function chaos(browser, { messages, kills, cuts, serverArgs, overlaps = false, settleMs = 90_000 }) {
  const server = await new Server(serverArgs).start();
  const proxy = await new TcpProxy(() => server.port).start();
  // A third of the connections are cut in the middle of their replay, some others a little later.
  proxy.onConnection = (pair) => {
    if (proxy.cuts >= cuts) return;
    pair.cutInReplay = proxy.connections % 3 === 0;
    if (Math.random() < 0.33) pair.cutAfter = 500 + Math.random() * 20_000;
  };
  const page = await browser.page();
  try {
    await follow(page, proxy.port);
    await until("the page is live", () => page.evaluate(() => globalThis.lives > 0));
    let killed = 0;
    const faults = () => killed + Math.min(proxy.cuts, cuts);
    const pace = new Pace(messages, kills + cuts, faults);
    const publishing = publishMany(() => server.url, CHANNEL, messages, { mayPublish: pace.mayPublish, pauseMs: 10 });
    const spoiling = (async () => {
      while (faults() < kills + cuts) {
        await sleep(30 + Math.random() * 150);
        await until("a fault may be", pace.maySpoil);
        if (killed < kills && Math.random() < 0.5) {
          await server.kill();
          await server.start();
          killed++;
        } else if (proxy.cuts < cuts) {
          proxy.cut();
        }
      }
    })();
    const [acknowledged] = await Promise.all([publishing, spoiling]);
    proxy.onConnection = () => {};
    await until("the page is live", () => page.evaluate(() => globalThis.live));
    const publishOne = async (key) =>
      void acknowledged.set(key, (await publish(() => server.url, CHANNEL, key, { key })).offset);
    let more = 0;
    if (overlaps) await overlap(page, proxy, () => publishOne(`more-${more++}`));
    await publishLast(server, proxy, page, publishOne);
    const last = Math.max(...acknowledged.values());
    const arrived = () => page.evaluate(() => globalThis.seen.at(-1)?.offset ?? 0);
    await until("the page has the last message", async () => (await arrived()) >= last, settleMs).catch(() => {});
    const seen = await page.evaluate(() => globalThis.report());
    return {
      ...verify(acknowledged, seen),
      ...seen,
      killed,
      cuts: proxy.cuts,
      cutsDuringReplay: proxy.cutsDuringReplay,
      problems: page.problems,
    };
  } finally {
    await page.close();
    await proxy.stop();
    await server.stop();
  }
}

/** In the page: follow the channel from its start and keep a record. */
async function follow(page, port) {
  await page.evaluate(
    ([port, channel]) => {
      const client = connect(`ws://127.0.0.1:${port}/ws`, { backoff: { initialMs: 50, maxMs: 300 }, stableMs: 500 });
      const room = client.channel(channel, { from: "start" });
      Object.assign(globalThis, { client, seen: [], gaps: [], lives: 0, live: false });
      room.on("message", ({ offset, data, replayed }) => {
        globalThis.seen.push({ offset, key: data.key, replayed });
        // Now and then a handler takes its time, as real ones do.
        if (offset % 100 === 0) return new Promise((resolve) => setTimeout(resolve, 5));
      });
      room.on("gap", (gap) => globalThis.gaps.push(gap));
      room.on("live", () => {
        globalThis.lives++;
        globalThis.live = true;
      });
      client.on("state", () => (globalThis.live = false));
      globalThis.report = () => ({ seen: globalThis.seen, gaps: globalThis.gaps, stats: client.stats() });
    },
    [port, CHANNEL],
  );
}

/** Cuts once more, and publishes one message while the page comes back. */
async function publishLast(server, proxy, page, publishOne) {
  const lives = () => page.evaluate(() => globalThis.lives);
  const [{ seams }, before] = [server, await lives()];
  proxy.cut();
  await until("the page reconnects", () => server.seams > seams);
  await publishOne("last");
  await until("the page is live again", async () => (await lives()) > before);
}

/** Compares what was acknowledged with what the page's handler saw. */
function verify(acknowledged, { seen }) {
  const times = new Map();
  for (const { key } of seen) times.set(key, (times.get(key) ?? 0) + 1);
  const missing = [...acknowledged.keys()].filter((key) => !times.has(key));
  const repeated = [...times].filter(([, count]) => count > 1).map(([key]) => key);
  const disordered = seen.filter(({ offset }, i) => offset !== i + 1);
  const moved = seen.filter(({ key, offset }) => acknowledged.has(key) && acknowledged.get(key) !== offset);
  return { acknowledged: acknowledged.size, missing, repeated, disordered, moved };
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
