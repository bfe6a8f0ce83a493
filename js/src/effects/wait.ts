import type { AnyDispatcher } from "./handle.js";

const PAUSE_MS_MAX = 30_000;

/** How long to wait after so many failures in a row. */
export function pauseMs(failures: number): number {
  return Math.min(1000 * 2 ** (failures - 1), PAUSE_MS_MAX);
}

/** Calls back once, after a time. Returns a function that prevents it. It does not keep a Node process alive. */
export function later(ms: number, call: () => void): () => void {
  const timer: ReturnType<typeof setTimeout> & { unref?(): void } = setTimeout(call, ms);
  timer.unref?.();
  return () => clearTimeout(timer);
}

/** Waits, but not beyond the end of the handle: no timer outlives it. */
export function wait(handle: AnyDispatcher, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stop();
      handle._onEnd.delete(done);
      resolve();
    };
    const stop = later(ms, done);
    handle._onEnd.add(done);
  });
}
