// The memory of followed channels, each with one subscriber.
import { setTimeout as sleep } from "node:timers/promises";
import { Followers } from "../../support/followers.mjs";
import { memoryBytes } from "../../support/process.mjs";

const SOCKETS = 1000;
/** Until the server has done what it does after a subscription. */
const SETTLE_MS = 3000;

export async function channels(bench) {
  for (const count of bench.quick ? [10_000] : [10_000, 100_000]) {
    for (const contestant of bench.contestants([{ name: "seamline", kind: "seamline" }])) {
      const server = await bench.freshServer(contestant);
      const empty = memoryBytes(server.pid);
      const each = count / SOCKETS;
      const names = (socket) => Array.from({ length: each }, (_, i) => `channel-${socket * each + i}`);
      const start = performance.now();
      const followers = await Followers.connect(
        "seamline",
        server.port,
        Array.from({ length: SOCKETS }, (_, i) => names(i)),
      );
      const seconds = (performance.now() - start) / 1000;
      await sleep(SETTLE_MS);
      const bytes = memoryBytes(server.pid) - empty;
      followers.close();
      await server.stop();
      const at = `${count.toLocaleString("en-US")} channels`;
      bench.results.add("memory of a followed channel, KB", contestant.name, at, bytes / count / 1000);
      bench.results.add("memory of all, MB", contestant.name, at, bytes / 1e6);
      bench.results.add("time to subscribe to all, s", contestant.name, at, seconds);
    }
  }
}
