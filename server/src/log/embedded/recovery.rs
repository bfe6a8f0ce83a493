//! When the embedded log tries again, after it could not store something.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep};

use super::writer::{Command, Control};
use crate::log::Health;

/// It tries again after so long, and then less often, up to …
const RETRY_MIN: Duration = Duration::from_millis(250);
/// … this.
const RETRY_MAX: Duration = Duration::from_secs(5);
/// Opening a large store takes long, and reads wait for it: an attempt is followed by a pause of so many times its own
/// length …
const PAUSE_PER_ATTEMPT: u32 = 3;
/// … up to this.
const PAUSE_MAX: Duration = Duration::from_secs(120);
/// After so long without a failure, the next one counts as the first.
const CALM: Duration = Duration::from_secs(60);

/// Has the writer try, whenever the log is degraded, until it no longer is. Ends with the log.
pub(super) async fn run(queue: mpsc::WeakSender<Command>, mut health: watch::Receiver<Health>) {
    let mut pause = RETRY_MIN;
    let mut well_since = Instant::now();
    while health.wait_for(|health| *health != Health::Ok).await.is_ok() {
        if well_since.elapsed() > CALM {
            pause = RETRY_MIN;
        }
        sleep(pause).await;
        let started = Instant::now();
        let Some(queue) = queue.upgrade() else { return };
        let (done, tried) = oneshot::channel();
        if queue.send(Command::Control(Control::Retry(done))).await.is_err() || tried.await.is_err() {
            return; // the writer has stopped
        }
        well_since = Instant::now();
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
