/**
 * The code of a {@link SeamlineError}: one of those below, or what another server sends in its place.
 * `docs/PROTOCOL.md` has the meaning of the server's codes.
 */
export type ErrorCode =
  | ServerErrorCode
  | ClientErrorCode
  | PlainErrorCode
  | ArgumentErrorCode
  | EntryErrorCode
  | OtherCode;

/** What the server may answer to a publication, a subscription or an ephemeral event, or over HTTP. */
export type ServerErrorCode =
  | "authorization_error"
  | "bad_body"
  | "bad_channel"
  | "bad_frame"
  | "bad_json"
  | "bad_key"
  | "bad_query"
  | "bad_version"
  | "forbidden"
  | "key_conflict"
  | "log_error"
  | "origin_not_allowed"
  | "out_of_order"
  | "overloaded"
  | "too_fast"
  | "too_large"
  | "too_many_channels"
  | "too_many_connections"
  | "unauthorized"
  | "unknown_channel"
  | "unknown_op";

/** What the client refuses itself. `bad_channel`, `bad_key` and `too_large` may be its own verdict, too. */
export type ClientErrorCode =
  /** There is a subscription to this channel already. Only the Rust client raises it. */
  | "already_subscribed"
  /** JSON cannot represent the payload. */
  | "bad_data"
  /** The client, or the handle, is closed. */
  | "closed"
  /** The publication was removed from the outbox before it was sent. */
  | "discarded"
  /** The publication waited for longer than `expireMs`. */
  | "expired"
  /** A message's payload is invalid according to the schema; see {@link ChannelOptions.validate}. */
  | "invalid_data"
  /** As many publications wait as `outboxMessages` allows. */
  | "outbox_full"
  /** A stored position was changed by something else; see {@link ChannelOptions.transaction}. */
  | "position_moved"
  /** The storage of the client does not work; publications do not survive the page. */
  | "storage_failed"
  /** A transaction failed, and nothing of it is stored; see {@link ChannelOptions.transaction}. */
  | "transaction_failed"
  /** The publication closed one connection after the other. */
  | "undeliverable";

/** What the client reports in the plain dialect. */
export type PlainErrorCode =
  /** A message's number is above 2^53 − 1. */
  | "bad_number"
  /**
   * The plain dialect cannot do this; see {@link Options.dialect} and {@link ChannelOptions.from}. Nor can a handle with
   * a {@link ChannelOptions.transaction} have two listeners for messages, or be iterated.
   */
  | "not_supported"
  /** The connection carries one channel only. */
  | "one_channel";

/** Arguments that cannot be used. */
export type ArgumentErrorCode = "bad_event" | "bad_listener" | "bad_option" | "bad_token" | "bad_url";

/** What the entries beside the client report. */
export type EntryErrorCode =
  /** The log was replaced since the handle began; see `seamline/history`. */
  | "epoch_changed"
  /** The function of `state` failed; see `seamline/state`. It is called again. */
  | "state_failed"
  /** A transaction has not ended for 30 s, and the channel waits for it; see `seamline/effects`. */
  | "transaction_stalled";

/** Why there is no connection; see {@link Reason}. */
export type ReasonCode =
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
  /** The page entered the back/forward cache. The client connects when the page is shown again. */
  | "page_hidden"
  /** The WebAssembly could not be loaded. The client retries if a fetch failed, and ends if a retry cannot help. */
  | "wasm_failed"
  /** There is no WebSocket. The client ends. Pass the option `WebSocket`. */
  | "no_websocket";

/** Any text, without taking the known codes from an editor's suggestions. */
type OtherCode = string & Record<never, never>;
