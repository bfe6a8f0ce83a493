/**
 * The texts that the wasm has as numbers, in its order: `src/wire/known.rs` has the same list, and
 * `tests/boundary.test.mjs` compares the two.
 */
export const KNOWN = `closed_by_application
connect_failed
connect_timeout
connection_lost
heartbeat_timeout
drained
token_failed
unauthorized
forbidden
replaced
protocol_error
page_hidden
trimmed
epoch_changed
rewound
hole
already_subscribed
bad_channel
bad_frame
bad_key
closed
outbox_full
too_large
too_many_channels
undeliverable
already subscribed to this channel; unsubscribe first
a channel name has 1 to 200 bytes, no control characters, no space at either end
an idempotency key has 1 to 200 bytes
closed by the application
the client is closed
the connection could not be opened
the connection was lost
the page entered the back/forward cache
the payload is larger than the server accepts (max_frame_bytes); split it
the payload is larger than the server or a proxy accepts (close code 1009); split it
the server did not answer a ping
the server did not answer in time
the server or a proxy closed the connection each time it was sent; see its logs
the token function did not answer in time
too many publications wait; try again later`.split("\n");

/** A text from the wasm, which has a known one as its number. */
export function textOf(text: string | number): string {
  return typeof text === "number" ? KNOWN[text]! : text;
}

/** A text for the wasm, which compares known ones. */
export function numbered(text: string): string | number {
  const place = KNOWN.indexOf(text);
  return place < 0 ? text : place;
}
