import type { AnyDispatcher } from "./handle.js";

const PAUSE_MS_MAX = 30_000;

/** How long to wait after so many failures in a row. */
export function pauseMs(failures: number): number {
  return Math.min(1000 * 2 ** (failures - 1), PAUSE_MS_MAX);
}

/** Waits, but not beyond the end of the handle: no timer outlives it. */
export function wait(handle: AnyDispatcher, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      handle._onEnd.delete(done);
      resolve();
    };
    const timer: ReturnType<typeof setTimeout> & { unref?(): void } = setTimeout(done, ms);
    timer.unref?.(); // a client that is closed meanwhile does not keep a Node process alive
    handle._onEnd.add(done);
  });
}
