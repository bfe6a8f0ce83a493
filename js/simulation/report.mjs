import { describe } from "./faults.mjs";
import { Run } from "./run.mjs";
import { shrink } from "./shrink.mjs";

const TRACE_LINES = 60;

/** A failed seed: its report, and that of the smallest world that fails in the same way. */
export async function report(parts, seed, faults, shrinks) {
  let text = `seed ${seed} breaks a promise\n${await story(parts, seed, faults, TRACE_LINES)}\n${again(seed, faults)}`;
  if (!shrinks) return text;
  const small = await shrink(parts, seed, faults);
  text += `\n\nthe smallest world that breaks it, after ${small.events} events: seed ${small.seed}\n`;
  return `${text}${await story(parts, small.seed, small.faults, TRACE_LINES)}\n${again(small.seed, small.faults)}`;
}

/** Runs a seed again: its faults, the last lines of the trace, and the broken promise. */
export async function story(parts, seed, faults, lines) {
  const run = new Run(parts, seed, faults, true);
  const described = describe(run.world.faults);
  await run.play();
  const end = run.broken ?? "all promises are kept";
  return `${described}\n${run.world.stage.trace.lines.slice(-lines).join("\n")}\n${end}`;
}

function again(seed, faults) {
  const world = faults ? ` --world '${describe(faults)}'` : "";
  return `to see all of it: cargo xtask sim --pages --seeds 1 --seed ${seed}${world} --trace`;
}
