//! All codes: error codes (words) and WebSocket close codes (numbers).
//!
//! The server, the client and the npm package's types share this list. An application must expect other
//! codes: another server may send its own, and the client passes them on.

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $code;)*
        /// All error codes.
        pub const ALL: &[&str] = &[$($name),*];
    };
}

// Sent by the server: `S` in an `err`, `P` in a `pubnack`, `R` in a `readnack`, `H` in an HTTP response.
error_codes! {
    /// S, P, R, H: the authorization service gave no answer. Try again later.
    AUTHORIZATION_ERROR = "authorization_error";
    /// H: the request's body could not be read.
    BAD_BODY = "bad_body";
    /// S, P, R, H, and the client: the channel name breaks [`CHANNEL_NAME_RULE`](super::CHANNEL_NAME_RULE).
    BAD_CHANNEL = "bad_channel";
    /// S, and the client: the frame does not follow the protocol.
    BAD_FRAME = "bad_frame";
    /// H: the request's body is not JSON.
    BAD_JSON = "bad_json";
    /// P, H, and the client: the idempotency key does not have 1 to 200 bytes.
    BAD_KEY = "bad_key";
    /// H: a query parameter is missing or invalid.
    BAD_QUERY = "bad_query";
    /// S: the server does not speak this version of the protocol.
    BAD_VERSION = "bad_version";
    /// S, P, R, H: the token does not grant this.
    FORBIDDEN = "forbidden";
    /// P, H: the idempotency key belongs to a message with another payload.
    KEY_CONFLICT = "key_conflict";
    /// S, P, R, H: the log failed. Try again later.
    LOG_ERROR = "log_error";
    /// H: pages of this origin may not connect.
    ORIGIN_NOT_ALLOWED = "origin_not_allowed";
    /// P: an earlier publication in this channel was rejected and has not been sent again yet.
    OUT_OF_ORDER = "out_of_order";
    /// H: the server cannot serve more connections. Try again later.
    OVERLOADED = "overloaded";
    /// P, H: the rate limit for publications is exceeded. Try again later.
    TOO_FAST = "too_fast";
    /// H, and the client: the payload is larger than the server accepts.
    TOO_LARGE = "too_large";
    /// S: the connection has reached its limit of subscriptions.
    TOO_MANY_CHANNELS = "too_many_channels";
    /// S: the user has reached the connection limit.
    TOO_MANY_CONNECTIONS = "too_many_connections";
    /// S, H: the token is missing, invalid or expired.
    UNAUTHORIZED = "unauthorized";
    /// R, H: there is no such channel, and reading does not create it.
    UNKNOWN_CHANNEL = "unknown_channel";
    /// S: the server does not know the frame's `op`.
    UNKNOWN_OP = "unknown_op";

    // Raised by the client.

    /// There is a subscription to this channel already.
    ALREADY_SUBSCRIBED = "already_subscribed";
    /// The payload cannot be represented as JSON.
    BAD_DATA = "bad_data";
    /// The client is closed.
    CLOSED = "closed";
    /// The publication was removed from the outbox before it was sent.
    DISCARDED = "discarded";
    /// The publication waited for too long before it was sent.
    EXPIRED = "expired";
    /// The payload is invalid according to the application's schema.
    INVALID_DATA = "invalid_data";
    /// The outbox has no room for another publication. Try again later.
    OUTBOX_FULL = "outbox_full";
    /// A stored position was changed by something else. Only the npm package raises it.
    POSITION_MOVED = "position_moved";
    /// The client's storage does not work.
    STORAGE_FAILED = "storage_failed";
    /// A transaction of the application failed, and nothing of it is stored. Only the npm package raises it.
    TRANSACTION_FAILED = "transaction_failed";
    /// The publication closed one connection after the other.
    UNDELIVERABLE = "undeliverable";

    // Raised by the client in the plain dialect.

    /// A message's number is above 2^53 − 1.
    BAD_NUMBER = "bad_number";
    /// The server does not support this.
    NOT_SUPPORTED = "not_supported";
    /// The connection carries one channel only.
    ONE_CHANNEL = "one_channel";

    // Raised by the npm package, which checks its arguments before they reach the core.

    /// There is no such event.
    BAD_EVENT = "bad_event";
    /// The listener is not a function.
    BAD_LISTENER = "bad_listener";
    /// The option is unknown, or its value is invalid.
    BAD_OPTION = "bad_option";
    /// The token function did not return a string.
    BAD_TOKEN = "bad_token";
    /// The URL is not a WebSocket URL.
    BAD_URL = "bad_url";

    // Reported by the entries of the npm package.

    /// The log was replaced since the handle began whose history is read.
    EPOCH_CHANGED = "epoch_changed";
    /// The application's function that fetches its state failed. It is called again.
    STATE_FAILED = "state_failed";
    /// A transaction has not ended for 30 s, and the channel waits for it.
    TRANSACTION_STALLED = "transaction_stalled";
}

/// WebSocket close codes: RFC 6455 §7.4, and from 4000 on this protocol's own.
pub mod close {
    /// A normal close.
    pub const NORMAL: u16 = 1000;
    /// A page or a server is going away.
    pub const GOING_AWAY: u16 = 1001;
    /// The peer violated the WebSocket protocol.
    pub const PROTOCOL_ERROR: u16 = 1002;
    /// A frame has a type that the receiver does not accept.
    pub const UNSUPPORTED_DATA: u16 = 1003;
    /// A text frame is not UTF-8.
    pub const INVALID_DATA: u16 = 1007;
    /// A frame violates a rule of the receiver.
    pub const POLICY_VIOLATION: u16 = 1008;
    /// A frame is larger than the receiver accepts.
    pub const TOO_BIG: u16 = 1009;
    /// The client needs an extension that the server did not negotiate.
    pub const MISSING_EXTENSION: u16 = 1010;
    /// The server restarts: reconnect.
    pub const SERVICE_RESTART: u16 = 1012;
    /// The server is overloaded: reconnect later.
    pub const TRY_AGAIN_LATER: u16 = 1013;
    /// Another connection replaced this one.
    pub const REPLACED: u16 = 4009;
    /// A frame could not be understood.
    pub const BAD_FRAME: u16 = 4400;
    /// The token was rejected or has expired: reconnect with a fresh one.
    pub const UNAUTHORIZED: u16 = 4401;
    /// Forbidden. A fresh token does not help.
    pub const FORBIDDEN: u16 = 4403;
    /// The client did not send `hello` in time.
    pub const HELLO_TIMEOUT: u16 = 4408;
    /// A payload is too large: some servers send this code instead of 1009.
    pub const PAYLOAD_TOO_LARGE: u16 = 4413;
    /// A limit is exceeded: reconnect later.
    pub const TOO_FAST: u16 = 4429;
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn every_code_is_listed_once() {
        for code in ALL {
            assert_eq!(ALL.iter().filter(|other| *other == code).count(), 1, "{code}");
        }
    }
}
