// The processor time of Redis for a message, while a server follows many channels.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unusedPort } from "../../../../js/e2e/support/port.mjs";
import { Child } from "../../support/children.mjs";
import { Followers } from "../../support/followers.mjs";
import { paced } from "../../support/paced.mjs";
import { cpuUs } from "../../support/process.mjs";

const PER_SECOND = 100;
const MESSAGES = 300;
const ROUNDS_MAX = 3;
/** A server limits the subscriptions of a socket. */
const CHANNELS_PER_SOCKET = 500;

export async function redis(bench) {
  for (const count of [1, 1000, 10_000]) {
    const contestants = bench.contestants([{ name: "seamline", kind: "seamline" }]);
    await bench.rounds(contestants, [count], (contestant) => measure(bench, contestant, count), ROUNDS_MAX);
  }
}

async function measure(bench, contestant, count) {
  const dir = mkdtempSync(join(tmpdir(), "seamline-bench-"));
  const port = await unusedPort();
  const args = ["--bind", "127.0.0.1", "--port", `${port}`, "--save", "", "--dir", dir];
  const redis = await Child.startOn(port, "redis-server", [...args, "--appendonly", "yes", "--appendfsync", "always"]);
  const server = await bench.freshServer(contestant, {}, ["--log", `redis://127.0.0.1:${port}`]);
  const names = Array.from({ length: count }, (_, i) => `channel-${i}`);
  const perSocket = [];
  while (names.length > 0) perSocket.push(names.splice(0, CHANNELS_PER_SOCKET));
  const followers = await Followers.connect("seamline", server.port, perSocket);
  try {
    await server.publish("channel-0", 1, 1);
    const before = cpuUs(redis.pid);
    await paced(PER_SECOND, 2, MESSAGES, (n) => server.publish("channel-0", n, 1));
    await followers.have(1 + MESSAGES);
    const used = cpuUs(redis.pid) - before;
    const at = `${count.toLocaleString("en-US")} channels`;
    bench.results.add("Redis: CPU per message, µs", contestant.name, at, used / MESSAGES);
  } finally {
    followers.close();
    await server.stop();
    await redis.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}
