// A replay into a page: how many messages a second, and what each costs the page's main thread. And what a live message
// costs.
import { paced } from "../support/paced.mjs";

const MESSAGES = 100_000;
/** A fast client receives all of them, a slow one as many as it can in this time. */
const LIMIT_MS = 2500;
/** What a broker keeps for a session is lost once it is delivered, and has to be published again for each round. */
const MQTT_MESSAGES = 25_000;
const RAW_BYTES = "as many bytes a frame as Seamline's server writes";

const CONTESTANTS = [
  { name: "seamline on", kind: "seamline", page: "seamline", args: { way: "on" } },
  { name: "seamline for await", kind: "seamline", page: "seamline", args: { way: "for await" } },
  { name: "seamline batch", kind: "seamline", page: "seamline", args: { way: "batch" } },
  { name: "raw, 364 a frame", kind: "raw", page: "raw", args: { perFrame: 364 }, why: RAW_BYTES },
  { name: "raw, one a frame", kind: "raw", page: "raw", args: { perFrame: 1 }, isSlow: true },
  { name: "socket.io", kind: "socketio", page: "socketio", args: {}, isSlow: true },
  { name: "MQTT.js", kind: "mqtt", page: "mqtt", args: {}, isSlow: true },
  { name: "NATS JetStream", kind: "nats", page: "nats", args: { name: "bench" }, isSlow: true },
];

/** The same for a long time: whether tasks stay short, and memory flat. */
const LONG = 1_000_000;
const LONG_LIMIT_MS = 60_000;
/** Live messages, so far apart that none share a frame. */
const LIVE = { perSecond: 100, warmUp: 50, total: 200 };
const LIVE_CONTESTANTS = ["seamline on", "before on", "raw, one a frame", "socket.io"];

export async function run(bench, { rtt }) {
  const roundTrips = rtt ?? (bench.quick ? [0, 100] : [0, 20, 100]);
  const contestants = bench.contestants(CONTESTANTS);
  await bench.rounds(contestants, roundTrips, async (one, ms) => {
    // What does not depend on the round trip time is not measured at every one.
    if (one.isSlow && ms > 0 && ms < Math.max(...roundTrips)) return;
    await replay(bench, one, ms);
  });
  const followers = contestants.filter(({ name }) => LIVE_CONTESTANTS.includes(name));
  await bench.rounds(followers, [0], (one) => live(bench, one));
  for (const one of contestants.filter(({ args }) => args.way === "on")) await long(bench, one);
}

async function replay(bench, contestant, roundTripMs) {
  const server = await bench.server(contestant, { bench: MESSAGES });
  const args = await prepare(contestant, server);
  const url = await bench.url(contestant, server, roundTripMs);
  const page = await bench.page(contestant);
  const cpuUs = page.mainThreadUs();
  const { count, ms, wrong } = await page.call("replay", { url, ...args, total: MESSAGES, limitMs: LIMIT_MS });
  const usedUs = page.mainThreadUs() - cpuUs;
  await page.close();
  if (wrong > 0) throw new Error(`${contestant.name}: ${wrong} of ${count} messages are out of order`);
  const at = `RTT ${roundTripMs} ms`;
  bench.results.add("replay, messages/s", contestant.name, at, (count / ms) * 1000);
  bench.results.add("replay, main thread µs/message", contestant.name, at, usedUs / count);
}

const prepared = new Set();
let sessions = 0;

/** Others keep messages in their own ways. Returns what names them. */
async function prepare({ kind, args }, server) {
  if (kind === "mqtt") {
    const clientId = `session-${++sessions}`;
    await server.leave(clientId, MQTT_MESSAGES);
    return { ...args, clientId };
  }
  if (kind === "nats" && !prepared.has(server)) await server.addStream(args.name, MESSAGES);
  prepared.add(server);
  return args;
}

/** What a live message costs, alone in its frame. */
async function live(bench, contestant) {
  const server = await bench.server(contestant, { bench: MESSAGES });
  const url = await bench.url(contestant, server, 0);
  const page = await bench.page(contestant);
  const name = contestant.kind === "seamline" ? `live-${++sessions}` : "bench";
  await page.call("follow", { url, name });
  const publish = async (from, count) => {
    await paced(LIVE.perSecond, from, count, (n) => server.publish(name, n, 1));
    await page.call("has", from + count - 1);
  };
  await publish(1, LIVE.warmUp);
  const cpuUs = page.mainThreadUs();
  await publish(1 + LIVE.warmUp, LIVE.total);
  const usedUs = page.mainThreadUs() - cpuUs;
  await page.close();
  bench.results.add("live, main thread µs/message", contestant.name, `${LIVE.perSecond}/s`, usedUs / LIVE.total);
}

async function long(bench, contestant) {
  const [total, channel] = [bench.quick ? LONG / 5 : LONG, "long"];
  const server = await bench.server(contestant, { [channel]: total });
  const url = await bench.url(contestant, server, 0);
  const page = await bench.page(contestant);
  const options = { url, ...contestant.args, channel, limitMs: LONG_LIMIT_MS };
  const at = `${total.toLocaleString("en-US")} messages`;
  const { count, first } = await page.call("replay", { ...options, total });
  if (count < total) throw new Error(`${contestant.name}: ${count} of ${total} messages in ${LONG_LIMIT_MS} ms`);
  bench.results.add("long replay, longest task, ms", contestant.name, at, await page.longestTaskMs(first));
  bench.results.add("long replay, wasm memory, MB", contestant.name, at, (await page.wasmBytes()) / 1e6);
  await page.close();
}
