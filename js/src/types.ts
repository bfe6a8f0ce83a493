/** A place in a channel's log: everything up to and including `offset` lies behind it. */
export interface Position {
  /** The name of the log's history; offsets of two epochs say nothing about each other. */
  epoch: string;
  /** The offset of the last message behind this position; 0 stands before the first message. */
  offset: number;
  /** The id of that message, where it is known. */
  id?: string;
}

/** A message of a channel. */
export interface Message<T = unknown> {
  /** The id that the log gave it, `<milliseconds>-<sequence>`; compare ids as numbers, not as text. */
  id: string;
  /** Its number in the channel: one more than that of the message before. */
  offset: number;
  /** The payload. */
  data: T;
  /** Whether it came from the replay of the log rather than live. */
  replayed: boolean;
}

/** Messages that cannot be delivered any more. What follows in the channel comes after them. */
export interface Gap {
  /** The first missing offset. */
  from: number;
  /** The last one; not known where the log was replaced (`epoch_changed`). */
  to?: number;
  /**
   * - `trimmed`: the log no longer has them; its retention was shorter than the absence.
   * - `epoch_changed`: the log was replaced by another one, and is delivered from its start.
   * - `rewound`: the log fell back behind this client and will use these offsets again.
   * - `hole`: the server skipped them, and skipped them again when asked.
   */
  reason: "trimmed" | "epoch_changed" | "rewound" | "hole";
}

/** Why there is no connection. */
export interface Reason {
  code:
    | "closed_by_application"
    | "connect_failed"
    | "connect_timeout"
    | "connection_lost"
    | "heartbeat_timeout"
    | "drained"
    | "token_failed"
    | "unauthorized"
    | "forbidden"
    | "replaced"
    | "protocol_error"
    /** The page went into the back/forward cache. It connects when it is shown again. */
    | "page_hidden"
    /** The WebAssembly could not be loaded. The client retries if a fetch failed, and ends if a retry cannot help. */
    | "wasm_failed"
    /** There is no WebSocket. The client ends: pass the option `WebSocket`. */
    | "no_websocket";
  /** A sentence; from the server, where it gave one. */
  message: string;
  /** The WebSocket's close code, where there was one; 1006 means that the server gave none. */
  closeCode?: number;
}

/** The state of a client's connection, told apart by `name`. */
export type State =
  | { name: "connecting" }
  | { name: "open" }
  | {
      name: "waiting";
      /** How many attempts have failed since a connection last proved itself. */
      attempt: number;
      /**
       * When the next attempt is made, in milliseconds since the epoch, as `Date.now()` has it; with the
       * reason `page_hidden`, when it may be made: it waits for the page to be shown.
       */
      retryAt: number;
      reason: Reason;
    }
  | { name: "closed"; reason: Reason };

/** What a client has counted since it was made. */
export interface Stats {
  /** Connections that came about. */
  connects: number;
  /** Messages that came in, however often. */
  received: number;
  /** Messages handed to the application. */
  delivered: number;
  /** Messages dropped because they had been delivered before: the overlap at the seam. */
  duplicates: number;
  /** Messages let go of before their turn; the log brings them again. */
  discarded: number;
  /** Holes that a second replay filled. */
  repairs: number;
  /** Gaps reported. */
  gaps: number;
  /** Publications that the log has. */
  published: number;
  /** Length of all text that came in, in UTF-16 code units: bytes, where the text is ASCII. */
  bytes: number;
}

/** Something that happened, see {@link Client.diagnostics}: the connection's new state, or an event of the page. */
export type Diagnostic = {
  /** When, in milliseconds since the epoch. */
  at: number;
} & (
  | { state: State }
  | {
      /** `online`, `offline`, `visibilitychange`, `pageshow`, `pagehide`, `freeze` or `resume`. */
      event: string;
    }
);

/** Where log lines go: `console` fits. */
export interface Logger {
  debug?(...line: unknown[]): void;
  warn?(...line: unknown[]): void;
  error?(...line: unknown[]): void;
}

/**
 * Settings for servers that speak the plain dialect: one flat JSON object per message, no word on where
 * the replay ends or what is missing. `docs/PROTOCOL.md` says what can be promised on such a server.
 */
export interface PlainOptions {
  /**
   * Where a message's id is, as names joined by dots. An object without an id is told as a `cast`.
   * Integers of any size keep their digits. Default: `stream_id`, else `id`, else `message.id`.
   */
  idPath?: string;
  /**
   * Where a message's number is. Numbers must be 1, 2, 3, … without a hole over all messages of the
   * conversation; then order is kept and gaps are told. `false` where they are not. Default:
   * `sequence_number`, else `message.sequence_number`; where the first message has none, ids alone are used.
   * A number above 2^53 − 1 counts as none; the error `bad_number` reports it once.
   */
  numberPath?: string | false;
  /**
   * By how much live messages may come out of order. Without numbers, `position.id`, and from where the
   * server is asked to replay, lag by this; with numbers, a missing one is waited for so long. Default 2 s.
   */
  settleMs?: number;
  /**
   * How many ids are remembered, and how many messages may wait for a missing number. Ids that cannot
   * be ordered (UUIDs) need as many as the server replays. Default 4,096.
   */
  windowMessages?: number;
  /**
   * When the page wakes up, a connection on which nothing came for so long is replaced, because such a
   * server cannot be asked whether it is there. Default 10 s.
   */
  silenceMs?: number;
}

/** What makes WebSockets: the global `WebSocket`, or that of the package `ws`. */
// biome-ignore-start lint/suspicious/noExplicitAny: each class has event types of its own, and only `any` takes them all
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

/** What {@link connect} can be told. Everything is optional. Milliseconds are whole numbers up to 2,147,483,647 (24 days). */
export interface Options {
  /**
   * A token for the server, or a function that gets one. The function is called for the first
   * connection and again whenever the server refuses or expires the token it was given.
   */
  token?: string | ((request: { refresh: boolean }) => string | null | Promise<string | null>);
  /**
   * Names this client to the server across its connections; at most 200 bytes. Keep one per tab in
   * `sessionStorage`, and channels without `from` continue where this client left off, also after a
   * reload. A duplicated tab copies `sessionStorage`, and so the id. That is harmless: the client
   * writes the name of each page load there too (key `seamline:<clientId>`), and the server stores a
   * position for each, so neither tab misses what only the other has processed. Where there is no
   * `sessionStorage` (workers, Node), all clients with the same id share one position, the furthest:
   * give each its own id, as you should to each frame of a page. Default: a random name.
   */
  clientId?: string;
  /**
   * What the server speaks: `seamline.v1`, or the plain dialect of servers that send flat JSON objects,
   * which has a WebAssembly of its own, `seamline-plain.wasm`. There, the URL is the conversation's and
   * takes the token, `client_id` and `last_message_id` as parameters; there is one channel per client, it
   * begins where the server begins (`from: "tail"` is refused), and nothing can be published. A
   * message's `data` is the whole object. Default `"seamline"`.
   */
  dialect?: "seamline" | "plain";
  /** Settings of the plain dialect. */
  plain?: PlainOptions;
  /** The longest waits between attempts to connect: the first, and any. Default 500 ms and 20 s. */
  backoff?: { initialMs?: number; maxMs?: number };
  /** How long the opening and the server's welcome may take. Default 10 s. */
  connectTimeoutMs?: number;
  /**
   * How long the token function may take, in milliseconds. Until then it is not called again, whatever happens to the
   * page or the connection. Default 30 s.
   */
  tokenTimeoutMs?: number;
  /**
   * After this long a silence the client pings the server. Default: what the server says. In the plain
   * dialect there is no ping: the connection is replaced. Default there: never.
   */
  heartbeatMs?: number;
  /** How long a ping may stay unanswered. Default 5 s. Not for the plain dialect. */
  pongTimeoutMs?: number;
  /** The same for the ping sent when the page wakes up. Default 1.5 s. Not for the plain dialect. */
  probeTimeoutMs?: number;
  /** A connection that lives this long resets the backoff. Default 5 s. */
  stableMs?: number;
  /** Processed positions are acknowledged to the server at most this often. Default 5 s. */
  ackIntervalMs?: number;
  /**
   * How many replayed messages may be on their way or waiting, per channel. Default 2,000. A server of the plain
   * dialect sends what it has, whatever this says.
   */
  replayCredit?: number;
  /**
   * How many messages may wait for the application, per channel, before the client drops live
   * messages and fetches them again from the log later. Default 10,000.
   */
  queueMessages?: number;
  /**
   * The same in bytes of JSON (in UTF-16 code units, as the page holds it). A replay is asked for in steps that
   * fit in. Default 16 MiB. A server of the plain dialect is held to `queueMessages` only.
   */
  queueBytes?: number;
  /** How many publications may wait. Default 1,000. */
  outboxMessages?: number;
  /**
   * The client's WebAssembly, the same for all clients of a page (the first one's counts): where it is, or
   * its bytes, or the compiled module. Default: `seamline.wasm` beside the script; in Node that is read from
   * the file, from 20.16 and 22.3 on.
   */
  wasm?: string | URL | Response | BufferSource | WebAssembly.Module | Promise<Response>;
  /**
   * The constructor of the client's WebSockets, where there is no global one or another is wanted: in
   * Node before 22, `WebSocket` of the package `ws`. Default: the global `WebSocket`. Without
   * either, the client ends with the reason `no_websocket`.
   */
  WebSocket?: WebSocketConstructor;
  /** Where log lines go. Default: warnings and errors to the console. */
  logger?: Logger;
}

/** What {@link Client.close} can be told. */
export interface CloseOptions {
  /**
   * How long publications without an answer are waited for, in milliseconds, at most 2,147,483,647. Default 0:
   * they fail at once.
   */
  flushMs?: number;
}

/** What {@link Client.channel} can be told. */
export interface ChannelOptions {
  /**
   * Where to begin: at the `"start"` of what the log still has, at the `"tail"` (only what comes from
   * now on), or after a position. Default: where the server last knew this `clientId` to be, else at
   * the tail. It counts from the first `message` listener or iterator on: casts and `live` need no start point.
   *
   * While another handle of this client follows the channel's messages, there is one subscription for both. A
   * handle without `from` then begins where that is; one with `"tail"` there, too, but not before the replay, if
   * one is under way, has met the live stream. One with another start point can join only as long as the messages
   * after it have not passed: where both asked for the same and nothing has come yet, or at the very position
   * where the subscription is. Otherwise `on("message")` and iterating throw `already_subscribed`.
   */
  from?: "start" | "tail" | Position;
  /**
   * How often a message is handed to a handler that throws or rejects, and how many milliseconds to wait before
   * each repetition (at most 2,147,483,647; default 1 s). Default: once; the error is reported and the channel
   * goes on.
   */
  redeliver?: { attempts: number; delayMs?: number };
}
