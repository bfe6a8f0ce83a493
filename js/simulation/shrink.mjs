import { complete } from "./faults.mjs";
import { Run } from "./run.mjs";

/** With other faults, a seed draws other events. So this many seeds are tried with fewer faults. */
const SEEDS_EACH = 40;
const FAULTS_MS_MIN = 500;
const TIME_MAX_MS = 30_000;

/**
 * The smallest world to be found in a time that fails in the same way: fewer faults, for a shorter time. `failure` is
 * how a run failed.
 */
export async function shrink(parts, seed, faults, failure = (run) => nameOf(run.broken ?? "")) {
  const until = Date.now() + TIME_MAX_MS;
  const play = async (seed, faults) => {
    const run = await new Run(parts, seed, faults).play();
    return { failed: failure(run), events: run.world.stage.events, drawn: run.world.drawn };
  };
  const { failed, events, drawn } = await play(seed, faults);
  let best = { seed, faults: { ...drawn }, events };
  const attempt = async (faults) => {
    for (let seed = best.seed; seed < best.seed + SEEDS_EACH && Date.now() < until; seed++) {
      const played = await play(seed, faults);
      if (played.failed !== failed) continue;
      best = { seed, faults, events: played.events };
      return true;
    }
    return false;
  };
  const calm = complete({});
  for (let isSmaller = true; isSmaller && Date.now() < until; ) {
    isSmaller = false;
    for (const name of Object.keys(calm)) {
      const isCalm = name === "faults_ms" || best.faults[name] === calm[name];
      if (!isCalm && (await attempt({ ...best.faults, [name]: calm[name] }))) isSmaller = true;
    }
    while (best.faults.faults_ms > FAULTS_MS_MIN) {
      if (!(await attempt({ ...best.faults, faults_ms: best.faults.faults_ms >> 1 }))) break;
      isSmaller = true;
    }
  }
  return best;
}

/** A broken promise, without what differs between two worlds. */
const nameOf = (broken) => broken.split("\n")[0].replace(/[0-9a-f]{4,}|[0-9]+/g, "#");
