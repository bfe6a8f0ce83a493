// A page reconnects, and has missed messages: from the open socket to the first and to the last of them.

const ROUND_TRIP_MS = 50;
const MISSED = 10_000;

const CONTESTANTS = [
  { name: "seamline", kind: "seamline", page: "seamline" },
  { name: "socket.io", kind: "socketio", page: "socketio" },
];

export async function run(bench, { rtt }) {
  let number = 0;
  await bench.rounds(bench.contestants(CONTESTANTS), rtt ?? [ROUND_TRIP_MS], (one, ms) =>
    recover(bench, one, ms, one.kind === "seamline" ? `recovery-${++number}` : "bench"),
  );
}

async function recover(bench, contestant, roundTripMs, name) {
  const server = await bench.server(contestant);
  const link = await bench.link(server.port, roundTripMs);
  const url = await bench.url(contestant, server, roundTripMs);
  const page = await bench.page(contestant);
  await page.call("follow", { url, name });
  // socket.io recovers nothing for a client that never had a message.
  await server.publish(name, 1, 1);
  await page.call("has", 1);
  await link.cut();
  await page.call("begin");
  await server.publish(name, 2, MISSED);
  await link.restore();
  await page.call("has", 1 + MISSED);
  const { firstMs, lastMs, count, wrong } = await page.call("result");
  await page.close();
  if (wrong > 0 || count !== 1 + MISSED)
    throw new Error(`${contestant.name}: ${count} messages, ${wrong} out of order`);
  const at = `RTT ${roundTripMs} ms`;
  bench.results.add("open to first message, ms", contestant.name, at, firstMs);
  bench.results.add("open to last of 10,000, ms", contestant.name, at, lastMs);
  if (roundTripMs === 0) return;
  bench.results.add("open to first message, round trips", contestant.name, at, firstMs / roundTripMs);
  bench.results.add("open to last of 10,000, round trips", contestant.name, at, lastMs / roundTripMs);
}
