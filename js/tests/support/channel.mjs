// A channel of src/channel.ts on a port that writes down what is asked of it.
import { source } from "./source.mjs";

const { Channel } = await source("channel");

/** A channel, attached at offset 0 of epoch `e` unless told otherwise, and what its port has seen. */
export function channel(options = {}, { attached = true } = {}) {
  const calls = [];
  const logged = [];
  const port = {
    subscribe: () => calls.push("subscribe"),
    processed: (count, { offset, id }) => calls.push(`processed ${count} at ${offset} ${id ?? "-"}`),
    publish: (data, key) => (calls.push(`publish ${JSON.stringify(data)} ${key ?? "-"}`), Promise.resolve({ id: "1-0", offset: 1 })),
    cast: (data) => calls.push(`cast ${JSON.stringify(data)}`),
    close: () => calls.push("close"),
    logger: { warn: (...line) => logged.push(["warn", ...line]), error: (...line) => logged.push(["error", ...line]) },
  };
  const channel = new Channel("c", options, port);
  if (attached) channel._attached({ epoch: "e", offset: 0 });
  /** What the port was told of processed messages. */
  const processed = () => calls.filter((call) => call.startsWith("processed"));
  return { channel, calls, processed, logged };
}

/** A `msgs` frame with the offsets `from..=to`; the payload of each is its offset. */
export function frame(from, to, replay = false) {
  const offsets = Array.from({ length: to - from + 1 }, (_, i) => from + i);
  return { n: from, ids: offsets.map((offset) => `${offset}-0`), data: offsets, ...(replay ? { replay } : {}) };
}

/** Lets every promise settle that can. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A promise, and how to settle it. */
export function deferred() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}
