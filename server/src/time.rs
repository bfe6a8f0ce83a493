//! The machine's clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Time since the Unix epoch. Zero if the clock is set before it.
pub fn since_unix_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The same in milliseconds, as in message ids.
pub fn now_ms() -> u64 {
    millis(since_unix_epoch())
}

/// A duration in milliseconds, or the maximum if that is too large.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
