//! The sweep: reads each channel now and then, although no wake-up named it.
//!
//! A lost wake-up delays a message until its channel's turn, so it delays none for longer than two rounds. While
//! wake-ups arrive, rounds are long, because a sweep finds nothing. While they do not, rounds are as short as their
//! cost allows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Tail;
use super::followed::Why;
use super::read::CHANNELS_MAX;

/// How long a round takes while wake-ups arrive.
const ROUND: Duration = Duration::from_secs(10);
/// How long it takes at least while none arrive …
const ROUND_MIN: Duration = Duration::from_millis(500);
/// … and how many channels are read per second then.
const CHANNELS_PER_SECOND: u32 = 20_000;
/// How often the sweep continues.
pub(super) const TICK: Duration = Duration::from_millis(250);

/// A round through all channels.
pub(super) struct Sweep {
    /// When the channels that were put off were last queued.
    retried_at: Instant,
    started_at: Instant,
    channels: usize,
    /// Those that have not had their turn.
    left: Vec<Arc<str>>,
}

impl Sweep {
    pub fn new(now: Instant) -> Self {
        Sweep { retried_at: now, started_at: now, channels: 0, left: Vec::new() }
    }

    /// Whether to queue the channels that were put off.
    fn retries(&mut self, now: Instant) -> bool {
        let retries = now.duration_since(self.retried_at) >= TICK;
        if retries {
            self.retried_at = now;
        }
        retries
    }

    /// The channels whose turn it is, if a round takes this long.
    fn due(&mut self, now: Instant, round: Duration, all: impl FnOnce() -> Vec<Arc<str>>) -> Vec<Arc<str>> {
        let elapsed = now.duration_since(self.started_at);
        if self.left.is_empty() && elapsed >= round {
            self.left = all();
            (self.started_at, self.channels) = (now, self.left.len());
            return Vec::new();
        }
        let share = (elapsed.as_secs_f64() / round.as_secs_f64()).min(1.0);
        let left = self.channels - (self.channels as f64 * share).floor() as usize;
        self.left.split_off(left.min(self.left.len()))
    }
}

impl Tail {
    /// Queues the channels whose turn it is.
    pub(super) fn sweep(&self, sweep: &mut Sweep) {
        let round = if self.hears() { ROUND } else { self.short_round() };
        let now = Instant::now();
        let due = sweep.due(now, round, || self.lock().keys());
        let mut channels = self.lock();
        if sweep.retries(now) {
            channels.retry(CHANNELS_MAX);
        }
        for key in &due {
            if channels.take_unannounced(key) {
                self.missed.inc();
            }
            channels.queue(key, Why::Sweep);
        }
    }

    fn short_round(&self) -> Duration {
        let channels = u32::try_from(self.lock().len()).unwrap_or(u32::MAX);
        (Duration::from_secs(1) * channels / CHANNELS_PER_SECOND).max(ROUND_MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_visits_each_channel_once() {
        let start = Instant::now();
        let mut sweep = Sweep::new(start);
        let names: Vec<Arc<str>> = (0..100).map(|i| i.to_string().into()).collect();
        for round in 1..=3 {
            let mut visited = Vec::new();
            for tick in 0..40 {
                let now = start + ROUND * round + TICK * tick;
                let due = sweep.due(now, ROUND, || names.clone());
                assert!(due.len() <= 3, "a round is spread over its time: {}", due.len());
                visited.extend(due);
            }
            visited.extend(sweep.due(start + ROUND * (round + 1), ROUND, || panic!("too early")));
            visited.sort();
            let mut all = names.clone();
            all.sort();
            assert_eq!(visited, all);
        }
    }

    #[test]
    fn a_round_becomes_shorter_at_once() {
        let start = Instant::now();
        let mut sweep = Sweep::new(start);
        assert!(sweep.due(start + ROUND_MIN, ROUND, || panic!("too early")).is_empty());
        assert!(sweep.due(start + ROUND_MIN, ROUND_MIN, || vec!["a".into()]).is_empty());
        let due = sweep.due(start + ROUND_MIN * 2, ROUND_MIN, Vec::new);
        assert_eq!(due.len(), 1);
    }
}
