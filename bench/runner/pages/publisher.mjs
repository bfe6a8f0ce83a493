// Publishes as fast as a library allows, and measures how fast.
import { payload } from "../support/message.mjs";

/** An application does other things, too: it publishes this long in one task. */
const SLICE_MS = 5;

/**
 * Publishes `total` messages, and waits until `publish` has resolved for each, or until the time is over. Returns how
 * many were answered, in how many milliseconds.
 */
export async function publishAll(publish, total, limitMs) {
  const start = performance.now();
  let answered = 0;
  let last = start;
  let failed;
  await new Promise((resolve) => {
    const late = setTimeout(resolve, limitMs);
    const answer = () => {
      answered += 1;
      last = performance.now();
      if (answered < total) return;
      clearTimeout(late);
      resolve();
    };
    const fail = (error) => (failed ??= error);
    inSlices(total, (n) => publish(JSON.parse(payload(n))).then(answer, fail)).catch(fail);
  });
  if (failed) throw failed;
  return { count: answered, ms: last - start, start };
}

async function inSlices(total, step) {
  const { port1, port2 } = new MessageChannel();
  for (let n = 1; n <= total; ) {
    const end = performance.now() + SLICE_MS;
    do step(n++);
    while (n <= total && performance.now() < end);
    await new Promise((resolve) => {
      port1.onmessage = resolve;
      port2.postMessage(0);
    });
  }
  port1.close();
}
