// The memory that large replays leave behind.
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { memoryBytes } from "../../support/process.mjs";

const { WebSocket } = createRequire(new URL("../../../../js/package.json", import.meta.url))("ws");

const MESSAGES = 100_000;
const CLIENTS = 20;
const SETTLE_MS = 3000;
const ROUNDS_MAX = 3;

export async function replays(bench) {
  await bench.rounds(
    bench.contestants([{ name: "seamline", kind: "seamline" }]),
    [MESSAGES],
    async (contestant) => {
      const server = await bench.freshServer(contestant, { bench: MESSAGES });
      const before = memoryBytes(server.pid);
      const start = performance.now();
      await Promise.all(Array.from({ length: CLIENTS }, (_, i) => replay(server.port, i)));
      const seconds = (performance.now() - start) / 1000;
      await sleep(SETTLE_MS);
      const at = `${CLIENTS} clients`;
      bench.results.add("memory after replays of 100,000, MB", contestant.name, at, memoryBytes(server.pid) / 1e6);
      bench.results.add("memory before them, MB", contestant.name, at, before / 1e6);
      bench.results.add("replays, messages/s", contestant.name, at, (CLIENTS * MESSAGES) / seconds);
      await server.stop();
    },
    ROUNDS_MAX,
  );
}

/** Reads a whole channel, and ends. */
function replay(port, number) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, "seamline.v1", { perMessageDeflate: false });
  socket.once("open", () => {
    socket.send(`{"op":"hello","v":1,"client_id":"reader-${number}"}`);
    socket.send(`{"op":"sub","ch":"bench","from":"start","credit":${2 * MESSAGES}}`);
  });
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the server closed a replay")));
    socket.on("message", (frame) => {
      if (frame.length < 1000 && frame.includes('"op":"live"')) {
        socket.removeAllListeners("close").terminate();
        resolve();
      }
    });
  });
}
