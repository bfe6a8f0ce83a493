// A page that was never loaded: from its navigation to the first message. The page and the server are behind links.

const ROUND_TRIP_MS = 40;

const CONTESTANTS = [
  { name: "seamline", kind: "seamline", page: "cold/seamline" },
  { name: "seamline/slim", kind: "seamline", page: "cold/seamline-slim" },
  { name: "raw", kind: "raw", page: "cold/raw" },
  { name: "partysocket", kind: "raw", page: "cold/partysocket" },
  { name: "socket.io", kind: "socketio", page: "cold/socketio" },
  { name: "centrifuge", kind: "centrifuge", page: "cold/centrifuge" },
];

export async function run(bench, { rtt }) {
  await bench.rounds(bench.contestants(CONTESTANTS), rtt ?? [ROUND_TRIP_MS], async (contestant, ms) => {
    const server = await bench.server(contestant, { cold: 1 });
    const page = await bench.coldPage(contestant, await bench.url(contestant, server, ms), ms);
    const firstMs = await page.global("firstMs");
    await page.close();
    const at = `RTT ${ms} ms`;
    bench.results.add("navigation to first message, ms", contestant.name, at, firstMs);
  });
}
