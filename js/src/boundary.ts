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
  /** id: socket; returns `false` in the middle of another call: report it again later */
  SocketOpen = 6,
  /** id: socket; value: the frame; returns the same */
  SocketMessage = 7,
  /** id: socket; a: the reason, or else the known cause; x: the close code; returns the same */
  SocketClosed = 8,
  /**
   * a: name; b: epoch; x: the offset to continue after, or a {@link Start}; value: the position's id, or empty; returns
   * the channel
   */
  Subscribe = 9,
  /** a: name; for ephemeral events only; returns the channel */
  SubscribeToCasts = 10,
  /** id: channel */
  Unsubscribe = 11,
  /** a: name; b: key; x: bytes of the payload; value: the payload as JSON text; returns the publication */
  Publish = 12,
  /** a: name; x: bytes of the payload; value: the payload as JSON text */
  Cast = 13,
  /** id: channel; b: epoch; x: offset; y: how many more messages; value: the position's id, or empty */
  Processed = 14,
  /** id: the request of {@link Kind.FetchToken}; a: the token, or empty for none */
  Token = 15,
  /** id: the request of {@link Kind.FetchToken}; a: what went wrong */
  TokenFailed = 16,
  /** id: place in the wasm's counts; returns the count */
  Stat = 17,
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
  /** id: publication; value: the error */
  PublishFailed = 10,
  /** id: channel, or 0; value: the error */
  Error = 11,
  /** id: the request; x: 1 to refresh */
  FetchToken = 12,
  /**
   * A message of the plain dialect. id: channel; a: its id; b: the id of the position after it, or empty; x: its
   * offset; y: 1 if replayed; value: the object
   */
  DeliverObject = 13,
}

/** What a call returns; `undefined` also while the wasm is not loaded. */
export type Answer = number | false | SeamlineError | undefined;

/** A session in the wasm. */
export interface Engine {
  /** Returns as described at {@link Call}, or the error if the call was refused. */
  call(kind: Call, id?: number, a?: string, b?: string, x?: number, y?: number, value?: unknown): Answer;
  free(): void;
}

/**
 * Creates sessions. `lineage` has the names of the page loads, if there are any; `settings` are options in the wasm's
 * order.
 */
export type EngineClass = new (
  url: string,
  clientId: string,
  lineage: string | undefined,
  settings: unknown,
  hasToken: boolean,
  host: Host,
) => Engine;

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
  emit(kind: number, id: number, a: string, b: string, x: number, y: number, z: number, value: unknown): void;
  /** Creates an error. */
  error(code: string, message: string): SeamlineError;
  /** Creates a WebSocket of the client's dialect, or returns the cause if that fails. */
  socket(id: number, url: string): Socket | string;
  /** Sets the one timer, or clears it if the time is negative. */
  timer(waitMs: number): void;
}
