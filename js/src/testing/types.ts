import type { ErrorCode } from "../codes.js";
import type { Position, WebSocketConstructor } from "../types.js";

/** The options of {@link createTestServer}. */
export interface TestServerOptions {
  /**
   * Who a token belongs to. A string names a user who may do everything. `false`, `null` and `undefined` reject the
   * token. Default: every client is accepted, with or without a token.
   */
  authenticate?: ((token: string | undefined) => TestUser | string | false | null | undefined) | undefined;
  /** The silence after which clients ping, in milliseconds. Default 25,000. */
  heartbeatMs?: number | undefined;
  /** The largest frame that a client may send. Default 262,144. */
  maxFrameBytes?: number | undefined;
}

/** A user, and what the user may do. In a pattern, `*` matches any run of characters. */
export interface TestUser {
  user: string;
  /** The channels that the user may read. Default: all. */
  read?: readonly string[] | undefined;
  /** The channels that the user may publish and cast to. Default: all. */
  write?: readonly string[] | undefined;
}

/** A message in the log of the test server. */
export interface StoredMessage<T = unknown> {
  /** The id that the log assigned. Its first part is the time, as in `Date.now()`. */
  id: string;
  /** The number of the message in its channel. */
  offset: number;
  /** The payload: a copy of its own for each call. */
  data: T;
  /** The idempotency key, if the message was published with one. */
  key?: string | undefined;
}

/** What the test server refuses, see {@link TestServer.refuse}. */
export type RefusedRequest = "connect" | "subscribe" | "publish" | "cast" | "read";

/** How the test server refuses, see {@link TestServer.refuse}. */
export interface TestRefusal {
  /** For example `too_fast`, `log_error`, `forbidden` or `too_many_connections`. */
  code: ErrorCode;
  /** A sentence for people. Default: one that names the code. */
  message?: string | undefined;
  /** When the client may try again. Without it, the refusal is final. */
  retryAfterMs?: number | undefined;
  /** Refuses only requests for this channel. */
  channel?: string | undefined;
  /** How many requests to refuse. Default 1; `Infinity` refuses all. */
  times?: number | undefined;
}

/** Which connections to end, and how, see {@link TestServer.disconnect}. */
export interface DisconnectOptions {
  /** Only those of this client. */
  clientId?: string | undefined;
  /** The close code: 4401 means that the token has expired. Default: none, as if the network failed (1006). */
  code?: number | undefined;
  /** The reason that goes with the code. */
  reason?: string | undefined;
}

/**
 * An in-memory server of `seamline.v1`, for the tests of an application. It does everything in microtasks and has no
 * timers, so that it works with fake timers and without.
 */
export interface TestServer {
  /** Pass it to `connect`, as the option `WebSocket`. The URL does not matter. */
  readonly WebSocket: WebSocketConstructor;
  /** The clients that are connected. */
  readonly clients: readonly { clientId: string; user: string; channels: readonly string[] }[];

  /**
   * Stores a message, and delivers it to the subscribers. A known key stores nothing and returns the first message;
   * with another payload, it throws `key_conflict`.
   */
  publish(channel: string, data: unknown, options?: { key?: string | undefined }): { id: string; offset: number };
  /** Sends an ephemeral event to the subscribers. */
  cast(channel: string, data: unknown): void;
  /** What the log has, oldest first. */
  messages<T = unknown>(channel: string): StoredMessage<T>[];
  /** The position up to which a client has acknowledged a channel. */
  position(channel: string, clientId: string, user?: string): Position | undefined;
  /**
   * The position at the head of the log, which a backend reads with `GET /channels/{ch}` before it reads its state.
   * `undefined` if there is no such channel.
   */
  head(channel: string): Position | undefined;

  /** Removes messages up to this offset, as retention does. A client that has not seen them gets the gap `trimmed`. */
  trim(channel: string, upTo: number): void;
  /** Replaces the log by an empty one with another epoch. Clients get the gap `epoch_changed`. */
  replaceLog(channel: string): void;
  /** Rewinds the log to this offset, as after a restored backup. Clients that were past it get the gap `rewound`. */
  rewind(channel: string, head: number): void;

  /** Ends connections. Without a close code, what is in transit is lost. Clients reconnect after their backoff. */
  disconnect(options?: DisconnectOptions): void;
  /** Ends all connections, and rejects new ones until {@link TestServer.goOnline}. */
  goOffline(): void;
  /** Accepts connections again. Clients reconnect after their backoff. */
  goOnline(): void;
  /** Announces a restart, and closes all connections (1012). Clients reconnect after this time or later. */
  drain(reconnectInMs?: number): void;
  /** Stops everything in transit, in both directions, without closing connections. Nothing is lost. */
  pause(): void;
  /** Continues after {@link TestServer.pause}. */
  resume(): void;

  /** Refuses the next request of a kind. Returns a function that ends the refusal. */
  refuse(request: RefusedRequest, refusal: TestRefusal): () => void;
  /**
   * Sends an `err` to the clients: to the subscribers of `channel`, if there is one. With `channel` and `retryAfterMs`,
   * it ends their subscriptions, and they subscribe again after that time.
   */
  sendError(error: Omit<TestRefusal, "times">): void;

  /**
   * Waits until everything in transit is delivered, including what clients send in answer to it. It does not wait for
   * timers, such as a client's backoff, or while the server is paused.
   */
  settled(): Promise<void>;
}
