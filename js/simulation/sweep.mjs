import { Run } from "./run.mjs";

const PROGRESS_EVERY_MS = 5_000;

/** Runs seeds until one breaks a promise. */
export async function sweep(parts, first, count, faults, say = console.log) {
  const began = Date.now();
  let said = began;
  let [events, simulated] = [0, 0];
  const counts = {};
  for (let seed = first; seed < first + count; seed++) {
    const { broken, world } = await new Run(parts, seed, faults).play();
    if (broken) return { failed: seed, broken };
    events += world.stage.events;
    simulated += world.stage.now;
    for (const [what, count] of Object.entries(world.counts)) counts[what] = (counts[what] ?? 0) + count;
    if (Date.now() - said >= PROGRESS_EVERY_MS) {
      said = Date.now();
      say(`${seed - first + 1} of ${count} seeds, ${Math.round((said - began) / 1000)} s`);
    }
  }
  const seconds = (Date.now() - began) / 1000;
  const hours = (simulated / 3_600_000).toFixed(1);
  const counted = Object.entries(counts)
    .sort()
    .map(([what, count]) => `${count} ${what}`);
  const summary = `${count} seeds in ${seconds.toFixed(1)} s: ${hours} h simulated, ${events} events; ${counted.join(", ")}`;
  return { summary, counts };
}
