// Many sockets of one channel: what an idle one costs, and what a delivery costs.
import { setTimeout as sleep } from "node:timers/promises";
import { Followers } from "../../support/followers.mjs";
import { paced } from "../../support/paced.mjs";
import { cpuUs, memoryBytes } from "../../support/process.mjs";

const SOCKETS = 1000;
const ROUNDS_MAX = 3;
/** Connections that were just opened are not idle yet, and Node cleans up when it has nothing else to do. */
const SETTLE_MS = 2000;
const IDLE_MS = 6000;
const SINGLE = { perSecond: 20, warmUp: 20, total: 60 };
const SATURATED = 500;

const CONTESTANTS = [
  { name: "seamline", kind: "seamline" },
  { name: "ws on Node", kind: "raw" },
  { name: "socket.io", kind: "socketio" },
];

export async function sockets(bench) {
  await bench.rounds(
    bench.contestants(CONTESTANTS),
    ["one channel"],
    async (contestant) => {
      const server = await bench.freshServer(contestant);
      await sleep(SETTLE_MS);
      const empty = memoryBytes(server.pid);
      const followers = await Followers.connect(contestant.kind, server.port, Array(SOCKETS).fill(["bench"]));
      try {
        await idle(bench, contestant, server, empty);
        await deliveries(bench, contestant, server, followers);
      } finally {
        followers.close();
        await server.stop();
      }
    },
    ROUNDS_MAX,
  );
}

async function idle(bench, { name }, server, empty) {
  await sleep(SETTLE_MS);
  bench.results.add("memory of an idle connection, KB", name, "", (memoryBytes(server.pid) - empty) / SOCKETS / 1000);
  const before = cpuUs(server.pid);
  const idleMs = bench.quick ? IDLE_MS / 3 : IDLE_MS;
  await sleep(idleMs);
  bench.results.add(
    "CPU of an idle connection, µs/s",
    name,
    "",
    (cpuUs(server.pid) - before) / SOCKETS / (idleMs / 1000),
  );
}

async function deliveries(bench, { name }, server, followers) {
  let published = 0;
  const measure = async (count, publish) => {
    const [cpu, frames] = [cpuUs(server.pid), followers.frames];
    await publish(published + 1, count);
    published += count;
    await followers.have(published * SOCKETS);
    const deliveries = count * SOCKETS;
    return { cpu: (cpuUs(server.pid) - cpu) / deliveries, frames: (followers.frames - frames) / deliveries };
  };
  const singly = (from, count) => paced(SINGLE.perSecond, from, count, (n) => server.publish("bench", n, 1));
  await measure(SINGLE.warmUp, singly);
  const single = await measure(SINGLE.total, singly);
  bench.results.add("CPU per delivery, µs", name, "one a frame", single.cpu);
  await measure(SATURATED / 5, (from, count) => server.publish("bench", from, count));
  const saturated = await measure(SATURATED, (from, count) => server.publish("bench", from, count));
  bench.results.add("CPU per delivery, µs", name, "saturated", saturated.cpu);
  bench.results.add("messages a frame", name, "saturated", 1 / saturated.frames);
}
