// What the kernel knows about a process: proc(5).
import { readdirSync, readFileSync } from "node:fs";

/** The processor time of all its threads, in microseconds. */
export function cpuUs(pid) {
  let ns = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    // The first field is the time on the processor in nanoseconds.
    ns += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
  }
  return ns / 1000;
}

/** Its resident memory. */
export function memoryBytes(pid) {
  return 1024 * figure(`/proc/${pid}/status`, "VmRSS");
}

/** How many bytes it has had written to the disk, and in how many calls of `write`. */
export function written(pid) {
  const file = `/proc/${pid}/io`;
  return { bytes: figure(file, "write_bytes"), calls: figure(file, "syscw") };
}

function figure(file, name) {
  const found = new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(readFileSync(file, "utf8"));
  if (!found) throw new Error(`${file} has no ${name}`);
  return Number(found[1]);
}
