import { setTimeout as sleep } from "node:timers/promises";

/** Calls `step` with `from`, `from + 1`, …, so often in a second. */
export async function paced(perSecond, from, count, step) {
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    await sleep(Math.max(0, start + (i * 1000) / perSecond - performance.now()));
    await step(from + i);
  }
}
