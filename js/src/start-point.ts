// Where a handle begins in a subscription that it shares with others, and what it misses there. The subscription is a
// stream of its own for each handle: a handle that is ahead of it drops what it has had.
import type { ChannelOptions, Gap, Position, StateSource } from "./types.js";

export type From = Exclude<ChannelOptions["from"], StateSource>;

/** The messages of a channel that one subscription fetches, from its start point on. */
export interface Stream {
  readonly _from: From;
  /** Everything up to here has arrived. Unknown until the server answers, unless `_from` is a position. */
  _position: Position | undefined;
  /** How many messages have arrived. */
  _messages: number;
  /** The same for messages and gaps together. */
  _steps: number;
}

/**
 * How a handle joins: `"here"`, after what has arrived; `"ahead"`, after its own position; later, because its start
 * point cannot be compared yet (`"wait"`); or by beginning the stream again, at the returned start point.
 */
export type Join = "here" | "ahead" | "wait" | { _again: From };

/** How a handle that requests a start point joins a stream that others follow. */
export function join(from: From, { _from, _position, _steps }: Stream, isLive: boolean): Join {
  if (from === undefined || (_steps === 0 && same(from, _from))) return "here";
  if (from === "tail") return isLive ? "here" : "wait";
  if (!_position) return _from === "start" && typeof from === "object" ? "ahead" : "wait";
  // All of the log is new for a position of another epoch.
  if (from === "start" || from.epoch !== _position.epoch) return { _again: "start" };
  if (from.offset < _position.offset) return { _again: from };
  if (from.offset === _position.offset) return "here";
  // The server's answer shows whether the log has that position.
  return isLive ? { _again: _position } : "ahead";
}

/**
 * What a handle that has had everything up to `had` misses when the stream continues after `position`, if anything.
 * `reason` is why the stream continues there.
 */
export function missed(had: Position, position: Position, reason: Gap["reason"]): Gap | undefined {
  const next = had.offset + 1;
  const end = position.offset;
  if (had.epoch !== position.epoch) return { from: next, reason: "epoch_changed" };
  if (end >= next) return { from: next, to: end, reason: reason === "epoch_changed" ? "trimmed" : reason };
  return reason === "rewound" && end < had.offset ? { from: end + 1, to: had.offset, reason } : undefined;
}

export function same(a: From, b: From): boolean {
  if (typeof a !== "object" || typeof b !== "object") return a === b;
  return a.epoch === b.epoch && a.offset === b.offset;
}
