// From publishing to the handler, in a page that follows what it publishes, at a steady rate.

const SECONDS = 2;
const WARM_UP_SECONDS = 0.5;

const CONTESTANTS = [
  { name: "seamline, on disk", kind: "seamline", page: "seamline" },
  { name: "NATS JetStream, synced", kind: "nats-sync", page: "nats", hasStream: true },
  { name: "NATS JetStream", kind: "nats", page: "nats", hasStream: true },
  { name: "NATS", kind: "nats", page: "nats" },
  { name: "raw", kind: "raw", page: "raw" },
];

export async function run(bench) {
  let number = 0;
  await bench.rounds(bench.contestants(CONTESTANTS), [100, 1000], async (contestant, perSecond) => {
    const name = `latency-${++number}`;
    const server = await bench.server(contestant);
    if (contestant.hasStream) await server.addStream(name);
    const url = await bench.url(contestant, server, 0);
    const page = await bench.page(contestant);
    const { hasStream } = contestant;
    const [warmUp, total] = [WARM_UP_SECONDS * perSecond, SECONDS * perSecond];
    const latencies = await page.call("latency", { url, name, hasStream, perSecond, warmUp, total });
    await page.close();
    latencies.sort((a, b) => a - b);
    for (const share of [50, 99]) {
      const value = latencies[Math.floor(((latencies.length - 1) * share) / 100)];
      bench.results.add(`publish to handler, p${share}, ms`, contestant.name, `${perSecond}/s`, value);
    }
  });
}
