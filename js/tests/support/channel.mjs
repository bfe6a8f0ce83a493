// Handles of one channel (src/channel.ts) and their subscription (src/subscription.ts), on a port that records its calls.
import { source } from "./source.mjs";

export const { Channel, Dispatcher, Subscription } = await source("channel", "dispatcher", "subscription");

/**
 * A subscription without handles, and what its port has seen. It is attached at offset 0 of epoch `e` as soon as
 * it subscribes, unless `attached` is false. `soon` decides when that is. `replays` is false in the plain dialect.
 * `connects` counts the connections. `left` are the positions with which it ended.
 */
export function subscription({ attached = true, soon = (call) => call(), replays = true } = {}) {
  const calls = [];
  const logged = [];
  const left = [];
  const connection = { connects: 1 };
  let ids = 0;
  const s = new Subscription("c", {
    _replays: replays,
    _connects: () => connection.connects,
    _soon: soon,
    _subscribe: (_subscription, from, messages) => {
      const at = typeof from === "object" ? `${from.epoch}/${from.offset}` : from;
      calls.push(messages ? (at ? `subscribe at ${at}` : "subscribe") : "subscribe to casts");
      if (attached && messages && typeof from !== "object") s._attached({ epoch: "e", offset: 0 });
      return ++ids;
    },
    _unsubscribe: (id) => calls.push(`unsubscribe ${id}`),
    _processed: (_id, count, { offset, id: messageId }) =>
      calls.push(`processed ${count} at ${offset} ${messageId ?? "-"}`),
    _makeRoom: () => false,
    _ended: (_subscription, position) => {
      calls.push("end");
      left.push(position);
    },
  });
  const port = {
    _subscription: () => s,
    _publish: ({ _key, _resolve }, data, closed) => {
      calls.push(
        `publish ${JSON.stringify(data)} ${/^[0-9a-f]{32}$/.test(_key) ? "-" : _key}${closed ? " closed" : ""}`,
      );
      _resolve({ id: "1-0", offset: 1 });
    },
    _cast: (_name, data) => calls.push(`cast ${JSON.stringify(data)}`),
    _logger: { warn: (...line) => logged.push(["warn", ...line]), error: (...line) => logged.push(["error", ...line]) },
  };
  /** What the port was told of processed messages. */
  const processed = () => calls.filter((call) => call.startsWith("processed"));
  return { s, open: (options = {}) => new Channel("c", options, port), calls, processed, logged, left, connection };
}

/** The same with one handle, `c`. */
export function channel(options = {}, behaviour = {}) {
  const { open, ...rest } = subscription(behaviour);
  return { c: open(options), ...rest };
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
