//! The window between subscribing to the live stream and reading the log, widened with a delay.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use super::{Server, eventually};

/// The value for `--unsafe-seam-delay-ms`: long enough for a few publications to a slow disk.
pub const SEAM_DELAY_MS: &str = "5000";

impl Server {
    /// Like `publish_all`, while a feed whose subscription was requested after `since` waits in the seam. Returns
    /// whether it certainly waited all the time.
    pub async fn publish_in_the_seam(&self, since: Instant, ch: &str, range: RangeInclusive<u64>) -> bool {
        eventually("a feed in the seam", || self.stderr().contains("waits in the seam")).await;
        self.publish_all(ch, range).await;
        since.elapsed() < Duration::from_millis(SEAM_DELAY_MS.parse().unwrap())
    }
}

/// The result of the first attempt that shows something. On a slow machine an attempt may show nothing, because the
/// seam ended too soon.
pub async fn shown<T>(mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..5 {
        if let Some(shown) = attempt().await {
            return shown;
        }
    }
    panic!("the seam ended too soon in every attempt");
}
