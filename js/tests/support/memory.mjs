// Which objects the garbage collector has left.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc");

/** Waits until the collector has taken every object of these `WeakRef`s; how many are left after a while. */
export async function left(refs, { withinMs = 20_000 } = {}) {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const late = Date.now() > deadline;
    await new Promise((resolve) => setTimeout(resolve, 5));
    gc();
    const count = refs.filter((ref) => ref.deref() !== undefined).length;
    if (count === 0 || late) return count;
  }
}
