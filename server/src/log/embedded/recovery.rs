//! When the embedded store retries after it could not be written.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep};

use super::writer::{Command, Control};
use crate::log::Health;

/// The first pause; it doubles with each attempt …
const RETRY_MIN: Duration = Duration::from_millis(250);
/// … up to this.
const RETRY_MAX: Duration = Duration::from_secs(5);
/// Opening a large file takes long, and reads wait for it. So each attempt is followed by a pause of this many times
/// its own length …
const PAUSE_PER_ATTEMPT: u32 = 3;
/// … up to this.
const PAUSE_MAX: Duration = Duration::from_secs(120);
/// After this time without a failure, the pauses start over.
const STABLE_AFTER: Duration = Duration::from_secs(60);

/// Makes the writer retry while the store is degraded. Ends with the store.
pub(super) async fn run(queue: mpsc::WeakSender<Command>, mut health: watch::Receiver<Health>) {
    let mut pause = RETRY_MIN;
    let mut recovered_at = Instant::now();
    while health.wait_for(|health| *health != Health::Ok).await.is_ok() {
        if recovered_at.elapsed() > STABLE_AFTER {
            pause = RETRY_MIN;
        }
        sleep(pause).await;
        let started = Instant::now();
        let Some(queue) = queue.upgrade() else { return };
        let (done, tried) = oneshot::channel();
        if queue.send(Command::Control(Control::Retry(done))).await.is_err() || tried.await.is_err() {
            return; // the writer has stopped
        }
        recovered_at = Instant::now();
        pause = next_pause(pause, started.elapsed());
    }
}

fn next_pause(pause: Duration, attempt: Duration) -> Duration {
    (pause * 2).min(RETRY_MAX).max((attempt * PAUSE_PER_ATTEMPT).min(PAUSE_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_bounded() {
        let millis = Duration::from_millis;
        assert_eq!(next_pause(RETRY_MIN, millis(1)), millis(500));
        assert_eq!(next_pause(millis(4000), millis(1)), RETRY_MAX);
        assert_eq!(next_pause(RETRY_MAX, millis(1)), RETRY_MAX);
        assert_eq!(next_pause(RETRY_MIN, millis(2000)), millis(6000), "at most a quarter of the time");
        assert_eq!(next_pause(RETRY_MIN, Duration::from_secs(3600)), PAUSE_MAX);
        assert_eq!(next_pause(PAUSE_MAX, millis(1)), RETRY_MAX);
    }
}
