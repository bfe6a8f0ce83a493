//! Settings and their defaults.

use crate::wire::Text;

/// The longest time that a setting may have, in milliseconds. Engines store a timer's delay as a signed 32-bit integer; a
/// longer delay fires at once. `js/src/options.ts` has the same limit.
pub const MS_MAX: u64 = (1 << 31) - 1;
/// The shortest first delay of a backoff that the Rust client accepts: no delay is shorter.
pub const BACKOFF_MS_MIN: u64 = super::backoff::FLOOR_MS;

/// Settings of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Identifies this client across its connections and, if the application stores it, across reloads. If it
    /// is empty, the API generates a random one.
    pub client_id: Text,
    /// The name of this page load, followed by the names of the earlier page loads that it continues, newest
    /// first, separated by spaces: at most 8 names of at most 40 bytes. The first name is random and never
    /// used by another page load. The server stores a position per page load, so a copy of a page (a
    /// duplicated tab has the same client id) never advances the position of the original. The API for pages
    /// sets it if the application sets a `client_id` and there is a `sessionStorage`. Default: none. Then all
    /// clients with the same id share one position.
    pub lineage: Option<Text>,
    /// The delays between attempts to connect.
    pub backoff: BackoffConfig,
    /// How long the handshake and the welcome may take together. Default 10 s.
    pub connect_timeout_ms: u64,
    /// How long the application's token function may take. Default 30 s.
    pub token_timeout_ms: u64,
    /// The client pings after a silence of this length. Default: 0, which means the server's setting.
    pub heartbeat_ms: u64,
    /// How long the answer to a ping may take. Default 5 s.
    pub pong_timeout_ms: u64,
    /// The same for the ping that is sent when the page wakes up. Default 1.5 s.
    pub probe_timeout_ms: u64,
    /// A connection that has lived this long resets the backoff. Default 5 s.
    pub stable_ms: u64,
    /// How often processed positions are acknowledged at most. Default 5 s.
    pub ack_interval_ms: u64,
    /// How many replayed messages may be in transit or waiting for the application at first, per channel. The
    /// client then fits the number to the path and to the application, up to `queue_messages_max` and
    /// `queue_bytes_max`. A server that knows the size of the messages may send 16 times as many, in half of
    /// `queue_bytes_max`. Default 2,000.
    pub replay_credit: u64,
    /// How many messages may wait for the application, per channel, before the client drops live messages and
    /// fetches them again from the log later. During a replay, as many live messages may wait for its end.
    /// Default 50,000.
    pub queue_messages_max: u64,
    /// The same limit in bytes of the frames that brought them. The client requests a replay in steps that
    /// fit. Default 16 MiB.
    pub queue_bytes_max: u64,
    /// How many publications may wait for an answer. Default 1,000.
    pub outbox_messages_max: u64,
    /// Whether the application provides tokens. Set by the driver.
    pub has_token: bool,
}

/// Settings of the backoff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackoffConfig {
    /// The longest first delay. Default 500 ms.
    pub initial_ms: u64,
    /// The longest delay. Default 20 s.
    pub max_ms: u64,
}

impl Default for BackoffConfig {
    fn default() -> Self {
        BackoffConfig { initial_ms: 500, max_ms: 20_000 }
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            client_id: Text::default(),
            lineage: None,
            backoff: BackoffConfig::default(),
            connect_timeout_ms: 10_000,
            token_timeout_ms: 30_000,
            heartbeat_ms: 0,
            pong_timeout_ms: 5_000,
            probe_timeout_ms: 1_500,
            stable_ms: 5_000,
            ack_interval_ms: 5_000,
            replay_credit: 2_000,
            queue_messages_max: 50_000,
            queue_bytes_max: 16 * 1024 * 1024,
            outbox_messages_max: 1_000,
            has_token: false,
        }
    }
}
