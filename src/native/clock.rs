//! The machine's clock.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant as Monotonic, SystemTime, UNIX_EPOCH};

use crate::core::Instant;

/// A clock that never runs backwards and does not stop while the machine sleeps.
///
/// Neither of std's clocks does both: on most systems the monotonic one stops during sleep, and users and the network
/// set the other. So each reading advances by the larger of the two steps, as in a page. A wall clock that is set
/// forward looks like a sleep, which costs a ping.
pub(crate) struct Clock(Mutex<Reading>);

struct Reading {
    monotonic: Monotonic,
    wall: Duration,
    /// Since the Unix epoch.
    now: Duration,
}

impl Clock {
    pub fn new() -> Self {
        let wall = wall();
        Clock(Mutex::new(Reading { monotonic: Monotonic::now(), wall, now: wall }))
    }

    pub fn now(&self) -> Instant {
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Instant(reading.advance(Monotonic::now(), wall()).as_millis() as u64)
    }
}

impl Reading {
    fn advance(&mut self, monotonic: Monotonic, wall: Duration) -> Duration {
        let step = monotonic.saturating_duration_since(self.monotonic);
        let wall_step = wall.saturating_sub(self.wall);
        (self.monotonic, self.wall) = (monotonic, wall);
        self.now = self.now.saturating_add(step.max(wall_step));
        self.now
    }
}

/// The time of the system, in milliseconds since the Unix epoch.
pub(crate) fn unix_ms() -> u64 {
    wall().as_millis() as u64
}

fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_larger_step_of_two_clocks_counts() {
        let start = Monotonic::now();
        let mut reading = Reading { monotonic: start, wall: 100 * SECOND, now: 100 * SECOND };
        let asleep = reading.advance(start, 160 * SECOND);
        assert_eq!(asleep, 160 * SECOND, "the monotonic clock stood still");
        let set_back = reading.advance(start + SECOND, 10 * SECOND);
        assert_eq!(set_back, 161 * SECOND, "the wall clock was set back");
    }
}
