// The Redis log with many followed channels: how long it takes to subscribe to them, what they cost while nothing is
// published, and what a message costs. One server follows the channels, and a client of another one publishes.
import { setTimeout as sleep } from "node:timers/promises";
import { Followers } from "../support/followers.mjs";
import { cpuUs } from "../support/process.mjs";
import { Redis } from "../support/redis.mjs";
import { median } from "../support/results.mjs";

const COUNTS = [1, 1000, 10_000, 50_000, 100_000];
const QUICK_COUNTS = [1, 1000, 10_000];
const SOCKETS_MAX = 1000;
const PER_SECOND = 100;
/** Until the server has done what it does after a subscription. */
const SETTLE_MS = 4000;
/** In this time, a server that receives wake-ups reads each channel once without one. */
const ROUND_MS = 10_000;
/** For the message that is on its way when the time is over. */
const DELIVERY_MS = 100;

export async function run(bench) {
  const contestants = bench.contestants([{ name: "seamline", kind: "seamline" }]);
  await bench.rounds(contestants, bench.quick ? QUICK_COUNTS : COUNTS, async (contestant, count) => {
    const redis = await Redis.start();
    const servers = [];
    for (let i = 0; i < 2; i++) servers.push(await bench.freshServer(contestant, {}, ["--log", redis.url]));
    try {
      const add = (measure, value) =>
        bench.results.add(measure, contestant.name, `${count.toLocaleString("en-US")} channels`, value);
      await measure(redis, servers, count, add);
    } catch (error) {
      // The build from before may not manage that many. The others are measured all the same.
      if (!contestant.isBefore) throw error;
      console.log(`  not measured: ${contestant.name} with ${count} channels (${error.message})`);
    } finally {
      for (const server of servers) await server.stop();
      await redis.stop();
    }
  });
}

async function measure(redis, [follower, publisher], count, add) {
  const names = Array.from({ length: count }, (_, i) => `channel-${i}`);
  const each = Math.ceil(count / SOCKETS_MAX);
  const perSocket = Array.from({ length: Math.ceil(count / each) }, (_, i) => names.slice(i * each, (i + 1) * each));
  const used = async () => ({ ...(await redis.used()), serverUs: cpuUs(follower.pid), ms: performance.now() });
  const empty = await used();
  const followers = await Followers.connect("seamline", follower.port, perSocket);
  try {
    const subscribed = since(empty, await used());
    if (count > 1) {
      add("time to subscribe to all, s", subscribed.ms / 1000);
      add("Redis: CPU per subscription, µs", subscribed.cpuUs / count);
    }
    await sleep(SETTLE_MS);
    const before = await used();
    await sleep(ROUND_MS);
    const idle = since(before, await used());
    add("Redis: CPU without messages, % of a core", idle.cpuUs / idle.ms / 10);
    add("server: CPU without messages, % of a core", idle.serverUs / idle.ms / 10);
    add("to and from Redis without messages, KB/s", (idle.bytesIn + idle.bytesOut) / idle.ms);
    await messages(followers, publisher, names, used, idle, add);
  } finally {
    followers.close();
  }
}

/** A message costs what is used while there are messages, less what is used in the same time without them. */
async function messages(followers, publisher, names, used, idle, add) {
  const published = [];
  const latencies = [];
  followers.onMessage = (n) => latencies.push(performance.now() - published[n]);
  const random = numbers();
  await publisher.publish(names[0], 0, 1); // it connects
  await followers.have(1);
  const before = await used();
  for (let n = 1; performance.now() < before.ms + ROUND_MS - DELIVERY_MS; n++) {
    await sleep(Math.max(0, before.ms + (n * 1000) / PER_SECOND - performance.now()));
    published[n] = performance.now();
    await publisher.publish(names[random(names.length)], n, 1);
  }
  await followers.have(published.length);
  const all = since(before, await used());
  const count = published.length - 1;
  const perMessage = (key) => (all[key] - (idle[key] / idle.ms) * all.ms) / count;
  add("Redis: CPU per message, µs", perMessage("cpuUs"));
  add("server: CPU per message, µs", perMessage("serverUs"));
  add("bytes to Redis per message", perMessage("bytesIn"));
  add("bytes from Redis per message", perMessage("bytesOut"));
  const sorted = latencies.slice(1).sort((a, b) => a - b);
  add("publish to delivery, p50, ms", median(sorted));
  add("publish to delivery, p99, ms", sorted[Math.floor(sorted.length * 0.99)]);
}

const since = (before, after) => Object.fromEntries(Object.keys(after).map((key) => [key, after[key] - before[key]]));

/** Pseudorandom numbers, the same in each run. */
function numbers() {
  let state = 1;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
