// From a publication to the handler of the page that published it, at a steady rate.
import { payload } from "../support/message.mjs";

/** Timers of a page run at most every 4 ms. A worker can wait shorter, and be exact. */
const TICKER = `
onmessage = ({ data: { perSecond, total } }) => {
  const lock = new Int32Array(new SharedArrayBuffer(4));
  const start = performance.now();
  for (let n = 1; n <= total; n++) {
    Atomics.wait(lock, 0, 0, Math.max(0, start + (n * 1000) / perSecond - performance.now()));
    postMessage(n);
  }
};`;

/** `open` subscribes, and returns what publishes. Returns how long each message took, in milliseconds. */
export async function measureLatency({ perSecond, warmUp, total }, open) {
  const published = [];
  const latencies = [];
  let finish;
  const done = new Promise((resolve) => (finish = resolve));
  const publish = await open(({ n }) => {
    latencies.push(performance.now() - published[n]);
    if (latencies.length === warmUp + total) finish();
  });
  const ticker = new Worker(URL.createObjectURL(new Blob([TICKER], { type: "text/javascript" })));
  ticker.onmessage = ({ data: n }) => {
    published[n] = performance.now();
    publish(JSON.parse(payload(n)));
  };
  ticker.postMessage({ perSecond, total: warmUp + total });
  await done;
  ticker.terminate();
  return latencies.slice(warmUp);
}
