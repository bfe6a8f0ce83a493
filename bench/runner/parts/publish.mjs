// Publications from one page: how many a second are answered, and whether a long queue holds up the page.

const MESSAGES = 10_000;
const LIMIT_MS = 4000;
const QUEUED = 100_000;

const CONTESTANTS = [
  { name: "seamline", kind: "seamline", page: "seamline" },
  { name: "raw, with answers", kind: "raw", page: "raw" },
  { name: "socket.io, with ack", kind: "socketio", page: "socketio" },
  { name: "NATS JetStream", kind: "nats", page: "nats" },
  { name: "NATS JetStream, synced", kind: "nats-sync", page: "nats" },
];

export async function run(bench, { rtt }) {
  let number = 0;
  const contestants = bench.contestants(CONTESTANTS);
  await bench.rounds(contestants, rtt ?? [0, 50], async (one, ms) => {
    const at = `RTT ${ms} ms`;
    const { isWhole, rate, usPerMessage } = await publish(bench, one, ms, MESSAGES, `published-${++number}`);
    bench.results.add("publications/s", one.name, at, rate);
    if (isWhole) bench.results.add("publication, main thread µs", one.name, at, usPerMessage);
  });
  for (const one of contestants) {
    const { longestMs } = await publish(bench, one, 0, QUEUED, `queued-${++number}`);
    bench.results.add("longest task with 100,000 queued, ms", one.name, "RTT 0 ms", longestMs);
  }
}

async function publish(bench, contestant, roundTripMs, total, name) {
  const server = await bench.server(contestant);
  await server.addStream?.(name);
  const url = await bench.url(contestant, server, roundTripMs);
  const page = await bench.page(contestant);
  const cpuUs = page.mainThreadUs();
  const { count, ms, start } = await page.call("publish", { url, name, total, limitMs: LIMIT_MS });
  const usPerMessage = (page.mainThreadUs() - cpuUs) / count;
  const longestMs = await page.longestTaskMs(start);
  await page.close();
  return { isWhole: count === total, rate: (count / ms) * 1000, usPerMessage, longestMs };
}
