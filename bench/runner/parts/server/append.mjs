// Publications one after the other, each when the last one is on the disk. Beside them, what the disk alone can do.
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { payload } from "../../support/message.mjs";
import { written } from "../../support/process.mjs";

const MESSAGES = 1000;
const LIMIT_MS = 4000;

const CONTESTANTS = [
  { name: "seamline", kind: "seamline" },
  { name: "NATS JetStream, synced", kind: "nats-sync" },
  { name: "the disk alone", kind: "disk" },
];
const DISK_MS = 1000;

export async function append(bench) {
  await bench.rounds(bench.contestants(CONTESTANTS), ["one at a time"], async (contestant, at) => {
    if (contestant.kind === "disk") return bench.results.add("durable appends/s", contestant.name, at, disk());
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

/** How often a second 4 KB can be appended to a file, and flushed. */
function disk() {
  const dir = mkdtempSync(join(tmpdir(), "seamline-bench-"));
  const file = openSync(join(dir, "file"), "w");
  const page = Buffer.alloc(4096, "x");
  const start = performance.now();
  let count = 0;
  for (; performance.now() - start < DISK_MS; count++) {
    writeSync(file, page);
    fdatasyncSync(file);
  }
  closeSync(file);
  rmSync(dir, { recursive: true });
  return (count * 1000) / DISK_MS;
}

async function publisher({ kind }, server) {
  if (kind === "seamline") return (n) => server.publish("append", n, 1);
  await server.addStream("append");
  return (n) => server.publish("append", payload(n));
}
