//! Retention: how long messages, idempotency keys and acknowledged positions are kept, in every store.

use std::time::Duration;

/// A client that is absent for longer loses its position.
pub(super) const POSITION_AGE_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// How many messages are kept per channel, and for how long. Both limits apply to messages.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Number of messages per channel.
    pub messages: u64,
    /// Maximum age of a message.
    pub age: Option<Duration>,
    /// Keys outlive their messages until they are this old.
    pub keys: Duration,
}

impl Retention {
    /// Keeps everything.
    pub const UNLIMITED: Retention = Retention { messages: u64::MAX, age: None, keys: Duration::MAX };
}

impl Default for Retention {
    /// The defaults of the command line. A client may keep a publication for 7 days before it sends it again, and must
    /// still find that it was stored.
    fn default() -> Self {
        Retention { messages: 100_000, age: None, keys: Duration::from_secs(8 * 24 * 3600) }
    }
}
