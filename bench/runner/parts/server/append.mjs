// Publications one after the other, each when the last one is on the disk.
import { payload } from "../../support/message.mjs";
import { written } from "../../support/process.mjs";

const MESSAGES = 1000;
const LIMIT_MS = 4000;

const CONTESTANTS = [
  { name: "seamline", kind: "seamline" },
  { name: "NATS JetStream, synced", kind: "nats-sync" },
];

export async function append(bench) {
  await bench.rounds(bench.contestants(CONTESTANTS), ["one at a time"], async (contestant, at) => {
    const server = await bench.freshServer(contestant);
    const publish = await publisher(contestant, server);
    await publish(0); // the first one opens the channel
    const before = written(server.pid);
    const start = performance.now();
    let count = 0;
    while (count < MESSAGES && performance.now() - start < LIMIT_MS) await publish(++count);
    const seconds = (performance.now() - start) / 1000;
    const after = written(server.pid);
    await server.stop();
    bench.results.add("durable appends/s", contestant.name, at, count / seconds);
    bench.results.add(
      "KB written to the disk per append",
      contestant.name,
      at,
      (after.bytes - before.bytes) / count / 1000,
    );
    bench.results.add("calls of write per append", contestant.name, at, (after.calls - before.calls) / count);
  });
}

async function publisher({ kind }, server) {
  if (kind === "seamline") return (n) => server.publish("append", n, 1);
  await server.addStream("append");
  return (n) => server.publish("append", payload(n));
}
