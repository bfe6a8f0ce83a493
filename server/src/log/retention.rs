//! Retention: how long messages, idempotency keys and acknowledged positions are kept, in every store.

use std::time::Duration;

/// Keys outlive their messages until they are this old: a publisher that returns after a night still finds that its
/// message was stored.
pub(super) const KEY_AGE_MIN: Duration = Duration::from_secs(24 * 3600);
/// A client that is absent for longer loses its position.
pub(super) const POSITION_AGE_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// How many messages are kept per channel, and for how long. Both limits apply.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Number of messages per channel.
    pub messages: u64,
    /// Maximum age of a message.
    pub age: Option<Duration>,
}
