import type { Channel } from "./channel.js";
import type { ReasonCode } from "./codes.js";
import type { Dialect } from "./dialect.js";
import type { SeamlineError } from "./error.js";
import type { Shared, SharedRole } from "./shared.js";
import type { StandardSchema } from "./standard-schema.js";
import type { Transaction } from "./transaction.js";
import type { CheckVersion } from "./version.js";

/** A position in the log of a channel: everything up to and including `offset` lies behind it. */
export interface Position {
  /** Identifies the history of the log. Offsets of two epochs cannot be compared. */
  epoch: string;
  /** The offset of the last message behind this position; 0 is before the first message. */
  offset: number;
  /** The id of that message, if it is known. */
  id?: string | undefined;
}

/** A message of a channel. */
export interface Message<T = unknown> {
  /** The id that the log assigned, `<milliseconds>-<sequence>`. Compare ids as numbers, not as strings. */
  id: string;
  /** The number of the message in its channel: one more than that of the message before. */
  offset: number;
  /** The payload. */
  data: T;
  /** Whether the message came from the replay of the log, not from the live stream. */
  replayed: boolean;
}

/** Messages that are lost. Later messages of the channel follow the gap. */
export interface Gap {
  /** The first missing offset. */
  from: number;
  /** The last missing offset; unknown if the log was replaced (`epoch_changed`). */
  to?: number | undefined;
  /**
   * - `trimmed`: the log no longer has the messages; its retention was shorter than the absence.
   * - `epoch_changed`: the log was replaced by another one, which is delivered from its start.
   * - `rewound`: the log fell back behind this client and will reuse these offsets.
   * - `hole`: the server skipped the messages, and skipped them again when asked.
   */
  reason: "trimmed" | "epoch_changed" | "rewound" | "hole";
}

/** Why there is no connection. */
export interface Reason {
  code: ReasonCode;
  /** A sentence, from the server if it sent one. */
  message: string;
  /** The WebSocket's close code, if there was one. 1006 means that the server sent none. */
  closeCode?: number | undefined;
}

/** The state of a client's connection. `name` distinguishes the states. */
export type State =
  | { name: "connecting" }
  | { name: "open" }
  | {
      name: "waiting";
      /** How many attempts have failed since the last connection that lasted. */
      attempt: number;
      /**
       * When the next attempt is made, in milliseconds since the Unix epoch, as in `Date.now()`. With the reason
       * `page_hidden`, it is the earliest time: the attempt waits for the page to be shown.
       */
      retryAt: number;
      reason: Reason;
    }
  | { name: "closed"; reason: Reason };

/** Counters of a client since it was created. */
export interface Stats {
  /** Connections that were opened. */
  connects: number;
  /** Messages received, including duplicates. */
  received: number;
  /** Messages delivered to the application. */
  delivered: number;
  /** Messages dropped because they had been delivered before: the overlap at the seam. */
  duplicates: number;
  /** Messages dropped before their turn. The client fetches them again from the log. */
  discarded: number;
  /** Holes that a second replay filled. */
  repairs: number;
  /** Gaps reported. */
  gaps: number;
  /** Publications that the log has stored. */
  published: number;
  /** The length of all received text in UTF-16 code units: bytes, if the text is ASCII. */
  bytes: number;
  /**
   * Which tab has the connection, with the option `shared`: this one (`leader`) or another one (`follower`). `none`:
   * this client has a connection of its own, because the page cannot share one, or no tab has it at the moment.
   */
  shared?: SharedRole | undefined;
}

/** An entry of {@link Client.diagnostics}: the connection's new state, or a page event. */
export type Diagnostic = {
  /** The time, in milliseconds since the Unix epoch. */
  at: number;
} & (
  | { state: State }
  | {
      /**
       * `online`, `offline`, `visibilitychange`, `pageshow`, `pagehide`, `freeze` or `resume`. With the option `shared`,
       * also `shared: leader`, `shared: follower` or `shared: none`: another tab has the connection now.
       */
      event: string;
    }
);

/** Receives log lines. `console` works. */
export interface Logger {
  debug?(...line: unknown[]): void;
  warn?(...line: unknown[]): void;
  error?(...line: unknown[]): void;
}

/**
 * Settings for servers that speak the plain dialect: one flat JSON object per message, without a frame that marks the
 * end of the replay or names missing messages. `docs/PROTOCOL.md` states what the client promises on such a server.
 */
export interface PlainOptions {
  /**
   * The path of a message's id, as names joined by dots. An object without an id is emitted as a `cast`. Integers of
   * any size keep their digits. Default: `stream_id`, else `id`, else `message.id`.
   */
  idPath?: string | undefined;
  /**
   * The path of a message's number. If numbers are 1, 2, 3, … without a hole over all messages of the conversation, the
   * client keeps their order and reports gaps. Set it to `false` if they are not. Default: `sequence_number`, else
   * `message.sequence_number`. If the first message has none, the client uses ids alone. A number above 2^53 − 1 counts
   * as none; the error `bad_number` reports it once.
   */
  numberPath?: string | false | undefined;
  /**
   * How far out of order live messages may arrive. Without numbers, `position.id` and the point from which the server
   * is asked to replay lag by this time. With numbers, the client waits this long for a missing one. Default 2 s.
   */
  settleMs?: number | undefined;
  /**
   * How many ids the client remembers, and how many messages may wait for a missing number. Ids that cannot be ordered
   * (UUIDs) need as many as the server replays. Default 4,096.
   */
  windowMessages?: number | undefined;
  /**
   * When the page wakes up, the client replaces a connection on which nothing has arrived for this long, because it
   * cannot ping such a server. Default 10 s.
   */
  silenceMs?: number | undefined;
}

// Types of the platform by what the client uses of them: an application's compiler may not know the platform's own.

/** A `URL`. */
export interface UrlLike {
  readonly href: string;
  toJSON(): string;
}

/** A `Response`, as `fetch` returns it. */
export interface ResponseLike {
  readonly ok: boolean;
  readonly status: number;
  readonly url: string;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** Bytes: a `BufferSource`, or Node's `Buffer`. */
export type BytesLike = ArrayBuffer | ArrayBufferView;

/** A `WebAssembly.Module`, which has no members. */
export type ModuleLike = object;

/** The `signal` of an `AbortController`. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** A WebSocket constructor: the global `WebSocket`, or that of the package `ws`. */
// biome-ignore-start lint/suspicious/noExplicitAny: each class has its own event types, and only `any` accepts all
export type WebSocketConstructor = new (
  url: string,
  protocol?: string,
) => {
  readonly bufferedAmount: number;
  readonly readyState: number;
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(text: string): void;
  close(code?: number): void;
};
// biome-ignore-end lint/suspicious/noExplicitAny: until here

/** The options of {@link connect}. All are optional. Milliseconds are whole numbers up to 2,147,483,647 (24 days). */
export interface Options {
  /**
   * A token for the server, or a function that returns one. The client calls the function for the first connection,
   * while its WebAssembly loads, and again whenever the server rejects the token or the token expires.
   */
  token?: string | ((request: { refresh: boolean }) => string | null | Promise<string | null>) | undefined;
  /**
   * Identifies this client to the server across its connections; at most 200 bytes. Default: a random name.
   *
   * Keep one per tab in `sessionStorage`. Channels without `from` then continue where this client left off, also after
   * a reload. A duplicated tab copies `sessionStorage`, including the id. That is safe: the client also writes the name
   * of each page load there (key `seamline:<clientId>`), and the server stores a position for each, so neither tab
   * misses messages that only the other has processed. Without `sessionStorage` (workers, Node), all clients with the
   * same id share one position, the furthest. Give each of them its own id, and each frame of a page too.
   */
  clientId?: string | undefined;
  /**
   * What the server speaks: `seamline.v1`, or `plain` of the entry `seamline/plain`, the dialect of servers that send
   * flat JSON objects. Default `"seamline"`.
   *
   * The string `"plain"` stands for the same. It needs the script `plain.js` of the package beside the script that is
   * running, as in Node, Deno and on a CDN. A bundle has no such script, and a service worker may not import it later.
   *
   * In the plain dialect, the URL is the conversation's, and the client adds the token, `client_id` and
   * `last_message_id` as parameters. There is one channel per client. It begins where the server begins (`from: "tail"`
   * is rejected), and nothing can be published. A message's `data` is the whole object.
   */
  dialect?: "seamline" | "plain" | Dialect | undefined;
  /** Settings of the plain dialect. */
  plain?: PlainOptions | undefined;
  /** The longest delays between attempts to connect: the first, and any. Default 500 ms and 20 s. */
  backoff?: { initialMs?: number | undefined; maxMs?: number | undefined } | undefined;
  /** How long the handshake and the server's welcome may take. Default 10 s. */
  connectTimeoutMs?: number | undefined;
  /**
   * How long the token function may take, in milliseconds. The client does not call it again before that, whatever
   * happens to the page or the connection. Default 30 s.
   */
  tokenTimeoutMs?: number | undefined;
  /**
   * The client pings the server after a silence of this length. Default: the server's setting. In the plain dialect
   * there is no ping, and the client replaces the connection instead. Default there: never.
   */
  heartbeatMs?: number | undefined;
  /** How long the answer to a ping may take. Default 5 s. Not for the plain dialect. */
  pongTimeoutMs?: number | undefined;
  /** The same for the ping that is sent when the page wakes up. Default 1.5 s. Not for the plain dialect. */
  probeTimeoutMs?: number | undefined;
  /** A connection that lives this long resets the backoff. Default 5 s. */
  stableMs?: number | undefined;
  /** How often the client acknowledges processed positions to the server at most. Default 5 s. */
  ackIntervalMs?: number | undefined;
  /**
   * How many replayed messages may be in transit or waiting at first, per channel. The client then fits the number to
   * the path and to the application, up to `queueMessages` and `queueBytes`. The server, which knows the size of the
   * messages, may send 16 times as many at first, in half of `queueBytes`. Default 2,000. A server of the plain dialect
   * ignores it and sends everything it has.
   */
  replayCredit?: number | undefined;
  /**
   * How many messages may wait for the application, per channel, before the client drops live messages and fetches them
   * again from the log later. Default 50,000.
   */
  queueMessages?: number | undefined;
  /**
   * The same limit in bytes of JSON (UTF-16 code units, as the page holds it). The client requests a replay in steps
   * that fit. Default 16 MiB. With a server of the plain dialect, only `queueMessages` applies.
   */
  queueBytes?: number | undefined;
  /** How many publications may wait for an answer. Default 1,000. */
  outboxMessages?: number | undefined;
  /**
   * Where publications are kept until the log has them, so that they survive the page: `indexedDb(name)` of
   * `seamline/storage`, or another storage of that entry. See {@link Client.outbox}. Default: they end with the page.
   */
  storage?: ClientStorage | undefined;
  /**
   * The client's WebAssembly: its URL, its bytes, or the compiled module. All clients of a page share the first
   * client's. Default: the one inside the script. The entry `seamline/slim` has none inside, and requires this option.
   */
  wasm?: string | UrlLike | ResponseLike | BytesLike | ModuleLike | Promise<ResponseLike> | undefined;
  /**
   * The constructor of the client's WebSockets, if there is no global one or you want another: in Node before 22,
   * `WebSocket` of the package `ws`. Default: the global `WebSocket`. Without either, the client ends with the reason
   * `no_websocket`.
   */
  WebSocket?: WebSocketConstructor | undefined;
  /**
   * One connection for all tabs of the origin: `tabs()` of the entry `seamline/tabs`. Default: each client has its own.
   *
   * Each tab keeps its own channels, positions and publications. One tab has the connection; when it closes, crashes or
   * freezes, another one takes over. It cannot be combined with `clientId` or the plain dialect.
   */
  shared?: Shared | undefined;
  /**
   * Stores how far channels without `from` were processed, so that they continue there after a reload: `storedPositions`
   * of `seamline/effects`. Default: they continue where the server's position for the `clientId` is.
   */
  positions?: Transaction | undefined;
  /** Receives log lines. Default: warnings and errors go to the console. */
  logger?: Logger | undefined;
}

/** What the log reports about a message that it has stored. */
export interface Published {
  /** The id that the log assigned. */
  id: string;
  /** Its number in the channel. */
  offset: number;
}

/** A publication that the log does not have yet, in {@link Client.outbox}. */
export type StoredPublication<T = unknown> = {
  readonly channel: string;
  /** The idempotency key. */
  readonly key: string;
  /** The payload. */
  readonly data: T;
  /** When it was published or retried, in milliseconds since the Unix epoch. */
  readonly publishedAt: number;
} & (
  | {
      /** `waiting`: it was not sent by this page yet. `sending`: the server has not answered. */
      readonly status: "waiting" | "sending";
      readonly error?: undefined;
    }
  | {
      /** The server rejected it, or it waited for longer than `expireMs` (the code `expired`). */
      readonly status: "failed";
      readonly error: SeamlineError;
    }
);

/** The events of an outbox. */
export type OutboxEvents = {
  /** The list has changed. Emitted once for changes that come together. */
  change: () => unknown;
  /** The log has stored a publication, of this page or of an earlier one. */
  sent: (publication: Published & { channel: string; key: string }) => unknown;
  /** A publication has failed. It stays in the list until it is retried or discarded. */
  failed: (publication: StoredPublication) => unknown;
};

/** Counters of an outbox. */
export interface OutboxStats {
  /** How many publications it has. */
  messages: number;
  /** Their size in UTF-16 code units of JSON. */
  bytes: number;
  /** How many were rejected because it was full, since the client was created. */
  full: number;
  /** How many expired, since the client was created. */
  expired: number;
}

/** The publications of a client with the option `storage` that the log does not have yet. */
export interface Outbox {
  /** Whether publications survive the page at the moment. If not, the client has emitted an `error`. */
  readonly isDurable: boolean;
  /** Resolves when {@link Outbox.list} has what earlier pages have left, or when the storage has failed. */
  ready(): Promise<void>;
  /**
   * What this page sends, and what has failed in any page, oldest first. A new array after each change, and the same
   * objects where nothing has changed. Other open pages send their own publications.
   */
  list(): readonly StoredPublication[];
  /** Adds a listener. The returned function removes it. */
  on<E extends keyof OutboxEvents>(event: E, listener: OutboxEvents[E]): () => void;
  /**
   * Sends a failed publication again, after all others and under the same key. The promise settles as that of
   * `publish()`. If the publication waits already, it only settles with it.
   */
  retry(publication: { channel: string; key: string }): Promise<Published>;
  /**
   * Removes a publication that waits or has failed. Its promise rejects with `discarded`. Returns false if there is
   * none, or if it was sent and is not answered yet.
   */
  discard(publication: { channel: string; key: string }): boolean;
  stats(): OutboxStats;
}

/** Where the publications of a client are kept: made by the functions of `seamline/storage`. */
export interface ClientStorage {
  /** Throws if the client is of another version of the package. @internal */
  readonly seamline: CheckVersion;
  /** Creates the outbox of a client, which calls it with its own parts. */
  attach(...parts: unknown[]): Outbox;
}

/** The options of {@link Client.close}. */
export interface CloseOptions {
  /**
   * How long to wait for unanswered publications, in milliseconds, at most 2,147,483,647. Default 0: they fail at once.
   */
  flushMs?: number | undefined;
}

/** The options of {@link Channel.publish}. */
export interface PublishOptions {
  /** The idempotency key: the log stores one message per key. Default: a random one. */
  key?: string | undefined;
}

/** The options of `on()` and `once()`. */
export interface ListenerOptions {
  /** Removes the listener when it is aborted. If it is aborted already, no listener is added. */
  signal?: AbortSignalLike | undefined;
}

/** A start point that fetches the application's state. Made by `state` of the entry `seamline/state`. */
export interface StateSource {
  readonly kind: "state";
  /** Throws if the client is of another version of the package. @internal */
  readonly seamline: CheckVersion;
  /**
   * Takes over where a handle begins, and what it does when its position is lost.
   *
   * @internal
   */
  _attach(channel: Channel): void;
  /**
   * The same, but it begins at a position that its state has. The entries of frameworks call it, of whatever version
   * they are.
   *
   * @internal
   */
  at(position: Position): StateSource;
}

/** The options of {@link Client.channel}. `T` is the type of the payloads, `X` that of the transactions. */
export interface ChannelOptions<T = unknown, X = never> {
  /**
   * Where to begin: at the `"start"` of what the log still has, at the `"tail"` (only new messages), or after a
   * position. Default: where the last handle of the channel was on this page, else the position that the server stores
   * for this `clientId`, else the tail. It applies from the first `message` or `batch` listener or iterator on: casts
   * and `live` need no start point.
   *
   * All handles of this client that follow the channel's messages share one subscription, and each begins at its own
   * start point:
   *
   * - Without `from`, where the others are.
   * - With `"tail"`, where the others are, too, but not before a running replay has reached the live stream.
   * - With `"start"` or a position that the others have passed: the subscription begins again there. Messages that a
   *   handle has had are not emitted to it again. While that replay runs, new messages wait until it has reached the
   *   live stream, for every handle, and so do casts. Casts that are sent while it begins may be dropped.
   * - With a position that the others have not reached, after that position. If the log does not have it, the handle
   *   gets a gap (`rewound`).
   *
   * With `state(…)` of the entry `seamline/state`, a function of yours fetches the application's state and returns its
   * position. It is called again whenever that position is lost, and the handle gets no gap.
   *
   * In the plain dialect the server decides where to begin. There, a handle with another start point can join others
   * only at their exact position, or before anything has arrived at the same start point. Otherwise `on("message")` and
   * iterating throw `not_supported`.
   */
  from?: "start" | "tail" | Position | StateSource | undefined;
  /**
   * How often a message or batch is dispatched to a handler that throws or rejects, and how many milliseconds to wait
   * before each repetition (at most 2,147,483,647; default 1 s). Default: once, or without end if there is a
   * `transaction`. The error is reported and the channel continues.
   */
  redeliver?: { attempts: number; delayMs?: number | undefined } | undefined;
  /**
   * Commits what the listener does and the position in one transaction of your database, so that each message has its
   * effect exactly once: `indexedDbTransaction`, `dexieTransaction` or `customTransaction` of `seamline/effects`. The
   * transaction is the second argument of the `message` or `batch` listener, of which there is one.
   *
   * The handle begins after the position in the database. If there is none, it begins at `from`, by default at the
   * `"start"`. A message whose transaction fails is dispatched again until it succeeds, or as often as `redeliver`
   * allows. `gap` listeners get no transaction. In the plain dialect, messages may be repeated after a reload, unless the server numbers them.
   */
  transaction?: Transaction<X> | undefined;
  /**
   * A schema for the payloads, of any library that implements Standard Schema v1, such as Zod, Valibot or ArkType.
   * `message.data` is the schema's output. If a payload is invalid, or the schema fails, the handle emits an `error`
   * (`invalid_data`) with the message as it came, and continues with the next one. The channel waits for an asynchronous
   * schema as it does for a listener.
   */
  validate?: StandardSchema<unknown, T> | undefined;
}
