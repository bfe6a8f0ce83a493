// Browsers do not always start on a busy machine.

/** How long one may take to start, before another is tried. */
export const START_MS = 60_000;

/** What `start` resolves to, in one of three tries. */
export function started(start) {
  return start().catch(start).catch(start);
}
