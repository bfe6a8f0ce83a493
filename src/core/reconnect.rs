//! When to connect again.
//!
//! Three things decide it:
//!
//! - **The backoff.** Each failed attempt lengthens it. A connection that has lasted resets it.
//! - **The server.** It may ask a client to wait. That holds for the next attempt, and nothing shortens it. A drained
//!   connection is no failed attempt, and for a minute after it the backoff stays short, because a server returns soon.
//! - **The page.** A wake event (online, visible, resumed) retries immediately, or nearly so: attempts that wake
//!   events begin keep a distance, because a flapping network must not become a storm.
//!
//! It does not handle the connection itself: a [`Session`](super::Session) reports what happens and sets the
//! timer.

use super::backoff::{Backoff, FLOOR_MS};
use super::config::BackoffConfig;
use super::timer::Instant;

/// The minimum time between the last attempt and one that a wake event begins.
const WAKE_SPACING_MS: u64 = 1_000;
/// Each attempt that a wake event has restarted gets twice as long as the last before it may be restarted again, up
/// to this many doublings: on a slow link, repeated wake events must not keep an attempt from succeeding.
const WAKE_DOUBLINGS_MAX: u32 = 4;
/// A server may ask a client to wait for this long at most.
const RETRY_AFTER_MS_MAX: u64 = 300_000;
/// For this long after a drain, a server is expected to return …
const RETURN_MS: u64 = 60_000;
/// … and a client that finds none waits for this long at most.
const RETURN_PAUSE_MS_MAX: u64 = 5_000;
/// Drains that are not counted as failed attempts, until a connection lasts. A rolling upgrade may drain a client once
/// for each node. A server that drains every connection must not be called forever without a growing pause.
const DRAINS_MAX: u32 = 10;

/// A pause that the server asks for before a retry, with a minimum and a maximum.
pub fn pause_ms(retry_after_ms: u64) -> u64 {
    retry_after_ms.clamp(FLOOR_MS, RETRY_AFTER_MS_MAX)
}

/// What decides when to connect again.
#[derive(Debug)]
pub struct Reconnect {
    backoff: Backoff,
    /// The server asked the client not to connect before this moment.
    suspended_until: Instant,
    /// After a drain: until then, the backoff stays short.
    return_until: Instant,
    /// How many connections were drained since the last one that lasted.
    drains: u32,
    /// How many attempts in a row a wake event has restarted.
    restarts: u32,
    attempt: Attempt,
}

/// An attempt to connect, and the resulting connection.
#[derive(Debug)]
struct Attempt {
    began_at: Instant,
    /// How long the server asked to wait after the close, if it did.
    retry_after_ms: Option<u64>,
    /// A wake event arrived, and nothing has been received since. If the connection turns out to be dead, the
    /// backoff is skipped.
    in_doubt: bool,
}

impl Attempt {
    fn new(now: Instant) -> Self {
        Attempt { began_at: now, retry_after_ms: None, in_doubt: false }
    }
}

/// When the next attempt is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// How many attempts have failed since the last connection that lasted.
    pub failed: u32,
    /// How long the backoff and the server make the client wait.
    pub ms: u64,
    /// When to try, unless a wake event comes first; `None` in a suspended page, which waits for one.
    pub until: Option<Instant>,
}

impl Reconnect {
    /// No attempt yet. `seed` is the seed of the jitter.
    pub fn new(config: &BackoffConfig, seed: u64, now: Instant) -> Self {
        Reconnect {
            backoff: Backoff::new(config.initial_ms, config.max_ms, seed),
            suspended_until: now,
            return_until: now,
            drains: 0,
            restarts: 0,
            attempt: Attempt::new(now),
        }
    }

    /// An attempt begins.
    pub fn begin(&mut self, now: Instant) {
        self.attempt = Attempt::new(now);
    }

    /// The server may ask for a pause after the next close. If it does so more than once, the longest pause counts.
    pub fn pause(&mut self, retry_after_ms: Option<u64>) {
        self.attempt.retry_after_ms = self.attempt.retry_after_ms.max(retry_after_ms);
    }

    /// The server has welcomed this client.
    pub fn connected(&mut self) {
        self.restarts = 0;
    }

    /// The connection has lasted long enough to reset the backoff.
    pub fn proved(&mut self) {
        self.backoff.reset();
        self.drains = 0;
    }

    /// A wake event arrived, and the connection was pinged.
    pub fn probed(&mut self) {
        self.attempt.in_doubt = true;
    }

    /// Something was received.
    pub fn heard(&mut self) {
        self.attempt.in_doubt = false;
    }

    /// A wake event arrived during an attempt. Returns whether to restart the attempt: it may predate the
    /// current network, and would hang.
    pub fn try_restart(&mut self, now: Instant) -> bool {
        let spacing_ms = WAKE_SPACING_MS << self.restarts.min(WAKE_DOUBLINGS_MAX);
        let restarts = self.attempt.began_at.after_ms(spacing_ms) <= now;
        self.restarts = self.restarts.saturating_add(u32::from(restarts));
        restarts
    }

    /// The attempt has failed, or its connection is lost.
    pub fn failed(&mut self, now: Instant) -> Wait {
        let longest_ms = if now < self.return_until { RETURN_PAUSE_MS_MAX } else { u64::MAX };
        let delay_ms = self.backoff.next_ms(longest_ms);
        self.wait(now, delay_ms)
    }

    /// The server has closed the connection because it shuts down.
    pub fn drained(&mut self, now: Instant) -> Wait {
        self.drains = self.drains.saturating_add(1);
        if self.drains > DRAINS_MAX {
            return self.failed(now);
        }
        let delay_ms = self.backoff.first_ms();
        let wait = self.wait(now, delay_ms);
        self.return_until = now.after_ms(wait.ms + RETURN_MS);
        wait
    }

    /// The next attempt: after the delay, and after the server's pause.
    fn wait(&mut self, now: Instant, delay_ms: u64) -> Wait {
        let ms = self.suspend(now).max(delay_ms);
        let until = now.after_ms(ms);
        let until = if self.attempt.in_doubt { until.min(self.earliest(now)) } else { until };
        Wait { failed: self.backoff.attempt(), ms, until: Some(until) }
    }

    /// The page was suspended and has closed its connection. That is not a failed attempt, and does not
    /// shorten the server's pause.
    pub fn suspended(&mut self, now: Instant) -> Wait {
        self.suspend(now);
        Wait { failed: self.backoff.attempt(), ms: self.earliest(now).ms_since(now), until: None }
    }

    /// When a wake event may begin the next attempt.
    pub fn earliest(&self, now: Instant) -> Instant {
        let spaced = self.attempt.began_at.after_ms(WAKE_SPACING_MS);
        spaced.max(self.suspended_until).max(now)
    }

    /// The pause that the server asked for begins. Returns its length.
    fn suspend(&mut self, now: Instant) -> u64 {
        let pause_ms = self.attempt.retry_after_ms.take().unwrap_or(0).min(RETRY_AFTER_MS_MAX);
        self.suspended_until = self.suspended_until.max(now.after_ms(pause_ms));
        pause_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An attempt that began at 0, with waits of exactly 100 ms.
    fn attempt() -> Reconnect {
        let mut reconnect = Reconnect::new(&BackoffConfig { initial_ms: 100, max_ms: 100 }, 7, Instant(0));
        reconnect.begin(Instant(0));
        reconnect
    }

    fn until(wait: Wait) -> u64 {
        wait.until.expect("a moment").0
    }

    #[test]
    fn each_failure_counts_until_a_connection_proves_itself() {
        let mut reconnect = attempt();
        assert_eq!(reconnect.failed(Instant(10)), Wait { failed: 1, ms: 100, until: Some(Instant(110)) });
        reconnect.begin(Instant(110));
        reconnect.connected();
        assert_eq!(reconnect.failed(Instant(120)).failed, 2, "a welcome alone proves nothing");
        reconnect.proved();
        assert_eq!(reconnect.failed(Instant(130)).failed, 1);
    }

    #[test]
    fn the_longest_pause_counts() {
        let mut reconnect = attempt();
        for ms in [200, 3_000, 500] {
            reconnect.pause(Some(ms));
        }
        assert_eq!(reconnect.failed(Instant(10)), Wait { failed: 1, ms: 3_000, until: Some(Instant(3_010)) });
    }

    #[test]
    fn a_pause_is_bounded() {
        let mut reconnect = attempt();
        reconnect.pause(Some(u64::MAX));
        assert_eq!(reconnect.failed(Instant(0)).ms, RETRY_AFTER_MS_MAX);
    }

    #[test]
    fn a_pause_holds_for_one_close() {
        let mut reconnect = attempt();
        reconnect.pause(Some(3_000));
        reconnect.failed(Instant(0));
        assert_eq!(reconnect.failed(Instant(3_000)).ms, 100, "the close of a later attempt");
        reconnect.pause(Some(3_000));
        reconnect.begin(Instant(4_000));
        assert_eq!(reconnect.failed(Instant(4_000)).ms, 100, "asked before the attempt");
    }

    #[test]
    fn wake_events_respect_the_pause_and_the_spacing() {
        let mut reconnect = attempt();
        assert_eq!(reconnect.earliest(Instant(10)), Instant(WAKE_SPACING_MS));
        assert_eq!(reconnect.earliest(Instant(7_000)), Instant(7_000));
        reconnect.pause(Some(5_000));
        reconnect.failed(Instant(0));
        reconnect.begin(Instant(100));
        assert_eq!(reconnect.earliest(Instant(200)), Instant(5_000));
        reconnect.pause(Some(10));
        reconnect.failed(Instant(200));
        assert_eq!(
            reconnect.earliest(Instant(200)),
            Instant(5_000),
            "a shorter pause does not end a longer one"
        );
    }

    #[test]
    fn a_dead_connection_after_a_wake_skips_the_backoff() {
        let mut reconnect =
            Reconnect::new(&BackoffConfig { initial_ms: 60_000, max_ms: 60_000 }, 7, Instant(0));
        let mut close = |wake: bool, heard: bool| {
            reconnect.begin(Instant(0));
            if wake {
                reconnect.probed();
            }
            if heard {
                reconnect.heard();
            }
            until(reconnect.failed(Instant(2_000)))
        };
        assert_eq!(close(true, false), 2_000);
        assert!(close(true, true) > 2_000, "it was alive after the wake");
        assert!(close(false, false) > 2_000, "another connection's wake does not count");
    }

    #[test]
    fn restarts_keep_a_growing_distance() {
        let mut reconnect = attempt();
        let mut began = 0;
        for spacing in [1_000, 2_000, 4_000, 8_000, 16_000, 16_000] {
            assert!(!reconnect.try_restart(Instant(began + spacing - 1)), "{spacing}");
            assert!(reconnect.try_restart(Instant(began + spacing)), "{spacing}");
            began += spacing;
            reconnect.begin(Instant(began));
        }
        reconnect.connected();
        assert!(reconnect.try_restart(Instant(began + 1_000)), "a welcome resets the distance");
    }

    #[test]
    fn a_suspended_page_waits_for_a_wake_event() {
        let mut reconnect = attempt();
        assert_eq!(reconnect.suspended(Instant(400)), Wait { failed: 0, ms: 600, until: None });
        reconnect.pause(Some(5_000));
        assert_eq!(reconnect.suspended(Instant(400)), Wait { failed: 0, ms: 5_000, until: None });
        assert_eq!(reconnect.earliest(Instant(400)), Instant(5_400), "the pause goes on");
    }
}
