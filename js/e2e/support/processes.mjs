// The processes of a browser.
import { readdirSync, readFileSync } from "node:fs";

/** Every process that a process has started, and that those have started. */
export function descendants(pid) {
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const found = all.map(read).filter((process) => process !== undefined);
  const below = [];
  for (const parents = [pid]; parents.length > 0; ) {
    const parent = parents.pop();
    const children = found.filter((process) => process.parent === parent);
    below.push(...children);
    parents.push(...children.map((child) => child.pid));
  }
  return below;
}

/** Its name, as far as the system keeps it, its arguments, and its parent. Undefined if it has just ended. */
function read(name) {
  try {
    const stat = readFileSync(`/proc/${name}/stat`, "latin1");
    const end = stat.lastIndexOf(")"); // the name may have any character
    const [, parent] = stat.slice(end + 2).split(" ");
    const args = readFileSync(`/proc/${name}/cmdline`, "latin1").split("\0");
    return {
      pid: Number(name),
      parent: Number(parent),
      name: stat.slice(stat.indexOf("(") + 1, end),
      args: args.filter(Boolean),
    };
  } catch {
    return undefined;
  }
}

/** SIGKILL for all of them, and waits until they have ended. */
export async function killAll(pids) {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // it has ended
    }
  }
  const isAlive = (pid) => (read(pid)?.args.length ?? 0) > 0; // one that has ended has no arguments
  while (pids.some(isAlive)) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** SIGKILL for a child and everything below it: nothing is written any more. */
export async function killTree(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await killAll([child.pid, ...descendants(child.pid).map(({ pid }) => pid)]);
  await ended;
}
