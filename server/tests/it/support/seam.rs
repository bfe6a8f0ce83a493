//! The window between "listens to the live stream" and "has read the log", opened wide with a delay.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use super::{Server, eventually};

/// For `--unsafe-seam-delay-ms`: enough for a few publications where the disk is slow.
pub const SEAM_DELAY_MS: &str = "5000";

impl Server {
    /// Publishes as `publish_all` while the feed of a subscription stands in the seam, which was asked for after `since`.
    /// Returns whether it surely stood there all the time.
    pub async fn publish_in_the_seam(&self, since: Instant, ch: &str, range: RangeInclusive<u64>) -> bool {
        eventually("a feed in the seam", || self.stderr().contains("waits in the seam")).await;
        self.publish_all(ch, range).await;
        since.elapsed() < Duration::from_millis(SEAM_DELAY_MS.parse().unwrap())
    }
}

/// What an attempt shows. On a slow machine one may show nothing, because the seam was over too soon.
pub async fn shown<T>(mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..5 {
        if let Some(shown) = attempt().await {
            return shown;
        }
    }
    panic!("the seam was over too soon, again and again");
}
