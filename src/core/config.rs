//! What a session can be told, and the defaults.

/// Settings of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Names this client across its connections (and, where the application keeps it, its reloads).
    /// The API draws one where it is empty.
    pub client_id: String,
    /// The name of this page load, drawn at random and never used by another, and after it those of the
    /// earlier page loads that it continues, newest first, separated by spaces: at most 8, of at most 40
    /// bytes. The server stores a position per page load, so a copy of a page (a duplicated tab has the
    /// same client id) never moves the position of the other. The API of a page sets it if the application
    /// gives a `client_id` and there is a `sessionStorage`. Default: none; then all clients with the same
    /// id share one position.
    pub lineage: Option<String>,
    /// The waits between attempts to connect.
    pub backoff: BackoffConfig,
    /// How long the opening and the welcome may take together. Default 10 s.
    pub connect_timeout_ms: u64,
    /// How long the application's token function may take. Default 30 s.
    pub token_timeout_ms: u64,
    /// When nothing has come for this long, a ping is sent. Default: 0, which means what the server
    /// says.
    pub heartbeat_ms: u64,
    /// How long a ping may stay unanswered. Default 5 s.
    pub pong_timeout_ms: u64,
    /// The same for the ping that is sent when the page wakes up. Default 1.5 s.
    pub probe_timeout_ms: u64,
    /// A connection that has lived this long has proved itself, and the backoff starts afresh.
    /// Default 5 s.
    pub stable_ms: u64,
    /// Processed positions are acknowledged at most this often. Default 5 s.
    pub ack_interval_ms: u64,
    /// How many replayed messages may be on their way or waiting for the application, per channel.
    /// Default 2,000.
    pub replay_credit: u64,
    /// How many messages may wait for the application, per channel, before the client lets go of
    /// live messages and fetches them again from the log later. Default 10,000.
    pub queue_messages_max: u64,
    /// The same in bytes of the frames that brought them. A replay is asked for in steps that fit in.
    /// Default 16 MiB.
    pub queue_bytes_max: u64,
    /// How many publications may wait. Default 1,000.
    pub outbox_messages_max: u64,
    /// Whether the application provides tokens. Set by the driver.
    pub has_token: bool,
}

/// Settings of the backoff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackoffConfig {
    /// The longest first wait. Default 500 ms.
    pub initial_ms: u64,
    /// The longest wait. Default 20 s.
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
            client_id: String::new(),
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
            queue_messages_max: 10_000,
            queue_bytes_max: 16 * 1024 * 1024,
            outbox_messages_max: 1_000,
            has_token: false,
        }
    }
}
