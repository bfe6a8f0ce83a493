// What crosses between this package and the wasm. `src/wasm/tables.rs` has the same tables by name and number, and
// `js/tests/boundary.test.mjs` compares the two. What the arguments mean is written here only.
import type { SeamlineError } from "./error.js";
import type { Socket } from "./socket.js";

/** What {@link Engine.call} does. */
export const enum Call {
  /** The page may end soon, or lose its network. */
  Hide = 0,
  /** The page came back: it is online, visible, resumed or restored. */
  Wake = 1,
  /** The page enters the back/forward cache. */
  Suspend = 2,
  Connect = 3,
  Close = 4,
  /** The timer fired. */
  Timeout = 5,
  /**
   * a: name; b: epoch; x: the offset to continue after, or a {@link Start}; value: the position's id, if it is known;
   * returns the channel
   */
  Subscribe = 6,
  /** a: name; for ephemeral events only; returns the channel */
  SubscribeToCasts = 7,
  /** id: channel */
  Unsubscribe = 8,
  /** a: name; b: key; x: bytes of the payload; value: the payload as JSON text; returns the publication */
  Publish = 9,
  /** a: name; x: bytes of the payload; value: the payload as JSON text */
  Cast = 10,
  /** id: channel; b: epoch; x: offset; y: how many more messages; value: the position's id, if it is known */
  Processed = 11,
  /** id: the request of {@link Kind.FetchToken}; a: the token, or empty for none */
  Token = 12,
  /** id: the request of {@link Kind.FetchToken}; a: what went wrong */
  TokenFailed = 13,
  /** id: place in the wasm's counts; returns the count */
  Stat = 14,
  // What sockets report. Each returns `Repeat` in the middle of another call.
  /** id: socket */
  SocketOpen = 15,
  /** id: socket; a: the reason, or else the known cause; x: the close code */
  SocketClosed = 16,
  /** id: socket; value: the frame; where the wasm reads frames: in the plain dialect */
  SocketMessage = 17,
}

/** The frames that {@link readFrame} has read, which are calls too. id: socket; a: the channel. */
export const enum Incoming {
  /** b: the last id; x: n; y: the count; z: the frame's size; w: 1 if replayed; value: the frame */
  Messages = 18,
  /** a: session; x: heartbeat in ms; y: bytes of the largest frame */
  Welcome = 19,
  /** b: epoch; c: the epoch of `at`, if it is another; x: head; y: first; z: at; w: ref */
  Subscribed = 20,
  /** x: head; w: ref */
  Live = 21,
  /** b: key; c: id; x: offset */
  Published = 22,
  /** b: key; c: code; x: retry after ms; value: message */
  Rejected = 23,
  /** value: the payload */
  CastFrame = 24,
  Pong = 25,
  /** x: bytes */
  Incoming = 26,
  /** x: reconnect in ms */
  Drain = 27,
  /** a: the channel, or none; c: code; w: ref; x: retry after ms; value: message */
  Error = 28,
  /** a: what is wrong with it */
  BadFrame = 29,
  Unknown = 30,
}

/** The frames that {@link writeFrame} writes, for {@link Socket.send}. a: the channel. */
export const enum Op {
  /** a: client id; b: lineage; x: version; y: 1 if ordered; c: token */
  Hello = 0,
  /**
   * b: epoch, or none; x: credit; y: ref; z: offset, or a {@link Start} without an epoch; c: id; v: messages and w:
   * bytes that may be replayed without credit
   */
  Sub = 1,
  /** x: credit */
  More = 2,
  Unsub = 3,
  /** b: key; c: the payload as JSON text */
  Pub = 4,
  /** c: the payload as JSON text */
  Cast = 5,
  /** b: epoch; z: offset; c: id */
  Ack = 6,
  /** a: token */
  Token = 7,
  Ping = 8,
}

/** What a call returns, if that is no id or count. */
export const enum Result {
  /** In the middle of another call: make this one again later. */
  Repeat = -1,
  /** {@link Kind.Refused} had the error. */
  Refused = -2,
}

/** Where a subscription without a position starts, in place of its offset. */
export const enum Start {
  /** Where the server last knew this client id to be. */
  LastKnown = -1,
  Start = -2,
  Tail = -3,
}

/** What {@link Host.emit} reports. */
export const enum Kind {
  Connecting = 0,
  Open = 1,
  /** a: reason's code; b: its message; x: attempt; y: retry in ms; z: close code or 0 */
  Waiting = 2,
  /** a: reason's code; b: its message; z: close code or 0 */
  Closed = 3,
  /** id: channel; a: epoch; x: offset */
  Attached = 4,
  /** id: channel; x: how many messages to skip; value: the `msgs` frame */
  Deliver = 5,
  /** id: channel; a: reason; b: epoch; x: from; y: to, or 0; z: the offset to continue after */
  Gap = 6,
  /** id: channel */
  Live = 7,
  /** id: channel; value: the payload */
  Cast = 8,
  /** id: publication; a: the message's id; x: its offset */
  Published = 9,
  /** id: publication; a: the error's code; b: its message */
  PublishFailed = 10,
  /** id: channel, or 0; a: the error's code; b: its message */
  Error = 11,
  /** id: the request; x: 1 to refresh */
  FetchToken = 12,
  /**
   * A message of the plain dialect. id: channel; a: its id; b: the id of the position after it, or empty; x: its
   * offset; y: 1 if replayed; value: the object
   */
  DeliverObject = 13,
  /** The current call, which returns {@link Result.Refused}. a: the error's code; b: its message */
  Refused = 14,
  /** The one timer is set, or cleared. x: the wait in ms; y: 1 if it is set */
  Timer = 15,
}

/** What a call returns; `undefined` while the wasm is not loaded. */
export type Answer = number | SeamlineError | undefined;

/** The arguments of a call, by their places in the wasm's table. */
export type Arguments = [
  a?: string | undefined,
  b?: string,
  x?: number,
  y?: number,
  value?: unknown,
  c?: string | undefined,
  z?: number,
  w?: number,
  ...settings: readonly unknown[],
];

/** A session in the wasm. */
export interface Engine {
  /** Returns a number, as described at {@link Call}, or a {@link Result}. The host has the arguments. */
  call(kind: Call | Incoming, id: number): number;
  free(): void;
}

/** Creates sessions. The arguments are the URL, the client id, as `value` the lineage, and the options that the wasm reads. */
export type CreateEngine = (hasToken: boolean, host: Host) => Engine;

/** A `msgs` frame: a contiguous run of messages. */
export interface Frame {
  n: number;
  ids: string[];
  data: unknown[];
  /** Only `true` counts. */
  replay?: unknown;
}

/** What the wasm calls. Must not throw. */
export interface Host {
  /** An argument of the current call. */
  argument(place: number): unknown;
  /** `a` and `b` are texts, or the numbers of known ones. */
  emit(
    kind: number,
    id: number,
    a: string | number,
    b: string | number,
    x: number,
    y: number,
    z: number,
    value: unknown,
  ): void;
  /** Creates a WebSocket of the client's dialect, or returns the cause if that fails. */
  socket(id: number, url: string): Socket | string;
}
