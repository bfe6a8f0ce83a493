//! The machine's clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Since the Unix epoch; zero where the clock stands before it.
pub fn since_unix_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// In milliseconds, which is what ids are made of.
pub fn now_ms() -> u64 {
    millis(since_unix_epoch())
}

/// A duration in milliseconds, cut off at what fits.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
