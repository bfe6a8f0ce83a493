// A replay into a page: how many messages a second, and what each costs the page's main thread.

const MESSAGES = 100_000;
/** A fast client receives all of them, a slow one as many as it can in this time. */
const LIMIT_MS = 4000;
const RAW_BYTES = "as many bytes a frame as Seamline's server writes";

const CONTESTANTS = [
  { name: "seamline on", kind: "seamline", page: "seamline", args: { way: "on" } },
  { name: "seamline for await", kind: "seamline", page: "seamline", args: { way: "for await" } },
  { name: "seamline batch", kind: "seamline", page: "seamline", args: { way: "batch" } },
  { name: "raw, 364 a frame", kind: "raw", page: "raw", args: { perFrame: 364 }, why: RAW_BYTES },
  { name: "raw, one a frame", kind: "raw", page: "raw", args: { perFrame: 1 } },
  { name: "socket.io", kind: "socketio", page: "socketio", args: {} },
];

export async function run(bench, { rtt }) {
  const roundTrips = rtt ?? (bench.quick ? [0, 100] : [0, 20, 100]);
  await bench.rounds(bench.contestants(CONTESTANTS), roundTrips, (one, ms) => replay(bench, one, ms));
}

async function replay(bench, contestant, roundTripMs) {
  const server = await bench.server(contestant, { bench: MESSAGES });
  const url = await bench.url(contestant, server, roundTripMs);
  const page = await bench.page(contestant);
  const cpuUs = page.mainThreadUs();
  const { count, ms, wrong } = await page.call("replay", {
    url,
    ...contestant.args,
    total: MESSAGES,
    limitMs: LIMIT_MS,
  });
  const usedUs = page.mainThreadUs() - cpuUs;
  await page.close();
  if (wrong > 0) throw new Error(`${contestant.name}: ${wrong} of ${count} messages are out of order`);
  const at = `RTT ${roundTripMs} ms`;
  bench.results.add("replay, messages/s", contestant.name, at, (count / ms) * 1000);
  bench.results.add("replay, main thread µs/message", contestant.name, at, usedUs / count);
}
