//! Detects a connection that is dead without a close event.
//!
//! A half-open connection has no close event. Only silence shows that it is dead. After a silence the client
//! sends `ping`. If no answer arrives, it closes the connection. All decisions use the time that is passed
//! in, never a count of ticks: the timers of a hidden page may fire once a minute.

use super::timer::Instant;

/// If a deadline fires later than this, the machine or the page was asleep. The answer may be unread in the
/// socket, so the client pings once more.
pub const SLEPT_MS: u64 = 2_000;

/// Whether the peer is alive, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heartbeat {
    /// Something arrived at this moment.
    Heard(Instant),
    /// A ping is unanswered.
    Asked {
        /// When the peer counts as dead.
        deadline: Instant,
        /// Whether this is the second ping, after a deadline that passed during sleep.
        again: bool,
    },
}

/// What to do when the heartbeat's timer fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Nothing. Check again at this moment.
    Later(Instant),
    /// Send a ping. Check again when it must be answered.
    Ask(Instant),
    /// The connection is dead.
    Dead,
}

impl Heartbeat {
    /// Decides what the silence at `now` means.
    pub fn beat(&mut self, now: Instant, heartbeat_ms: u64, pong_timeout_ms: u64) -> Beat {
        match *self {
            Heartbeat::Heard(at) if now < at.after_ms(heartbeat_ms) => Beat::Later(at.after_ms(heartbeat_ms)),
            Heartbeat::Heard(_) => self.ask(now, pong_timeout_ms, false),
            Heartbeat::Asked { deadline, .. } if now < deadline => Beat::Later(deadline),
            Heartbeat::Asked { deadline, again: false } if now.ms_since(deadline) > SLEPT_MS => {
                self.ask(now, pong_timeout_ms, true)
            }
            Heartbeat::Asked { .. } => Beat::Dead,
        }
    }

    /// The page woke up: pings at once, with a short deadline. A ping with an earlier deadline stays as it
    /// is.
    pub fn probe(&mut self, now: Instant, probe_timeout_ms: u64) -> Beat {
        match *self {
            Heartbeat::Asked { deadline, .. }
                if now < deadline && deadline <= now.after_ms(probe_timeout_ms) =>
            {
                Beat::Later(deadline)
            }
            Heartbeat::Asked { again: true, deadline } if deadline <= now => Beat::Later(now),
            Heartbeat::Asked { deadline, again } => self.ask(now, probe_timeout_ms, again || deadline <= now),
            Heartbeat::Heard(_) => self.ask(now, probe_timeout_ms, false),
        }
    }

    fn ask(&mut self, now: Instant, timeout_ms: u64, again: bool) -> Beat {
        let deadline = now.after_ms(timeout_ms);
        *self = Heartbeat::Asked { deadline, again };
        Beat::Ask(deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEARTBEAT_MS: u64 = 25_000;
    const PONG_MS: u64 = 5_000;

    fn beat(heartbeat: &mut Heartbeat, now: u64) -> Beat {
        heartbeat.beat(Instant(now), HEARTBEAT_MS, PONG_MS)
    }

    #[test]
    fn silence_is_followed_by_a_ping_and_a_verdict() {
        let mut heartbeat = Heartbeat::Heard(Instant(1_000));
        assert_eq!(beat(&mut heartbeat, 25_999), Beat::Later(Instant(26_000)));
        assert_eq!(beat(&mut heartbeat, 26_000), Beat::Ask(Instant(31_000)));
        assert_eq!(beat(&mut heartbeat, 30_999), Beat::Later(Instant(31_000)));
        assert_eq!(beat(&mut heartbeat, 31_000), Beat::Dead);
    }

    #[test]
    fn a_missed_deadline_gets_one_more_ping() {
        let mut heartbeat = Heartbeat::Heard(Instant(0));
        assert_eq!(beat(&mut heartbeat, 25_000), Beat::Ask(Instant(30_000)));
        assert_eq!(beat(&mut heartbeat, 3_630_000), Beat::Ask(Instant(3_635_000)), "an hour of sleep");
        assert_eq!(
            beat(&mut heartbeat, 3_700_000),
            Beat::Dead,
            "but only one: throttled timers are late too"
        );
    }

    #[test]
    fn a_slightly_late_timer_has_not_slept() {
        let asked = Heartbeat::Asked { deadline: Instant(1_000), again: false };
        assert_eq!(beat(&mut asked.clone(), 1_000 + SLEPT_MS), Beat::Dead);
        assert_eq!(beat(&mut asked.clone(), 1_001 + SLEPT_MS), Beat::Ask(Instant(6_001 + SLEPT_MS)));
    }

    #[test]
    fn a_probe_at_the_deadline_pings_once_more() {
        let mut asked = Heartbeat::Asked { deadline: Instant(1_000), again: false };
        assert_eq!(asked.probe(Instant(1_000), 1_500), Beat::Ask(Instant(2_500)));
        assert_eq!(asked, Heartbeat::Asked { deadline: Instant(2_500), again: true });
    }

    #[test]
    fn a_wake_shortens_the_last_ping() {
        let mut asked = Heartbeat::Asked { deadline: Instant(5_000), again: true };
        assert_eq!(asked.probe(Instant(10), 1_500), Beat::Ask(Instant(1_510)));
    }

    #[test]
    fn a_probe_shortens_the_deadline() {
        let mut heartbeat = Heartbeat::Heard(Instant(0));
        assert_eq!(heartbeat.probe(Instant(10), 1_500), Beat::Ask(Instant(1_510)));
        assert_eq!(
            heartbeat.probe(Instant(20), 1_500),
            Beat::Later(Instant(1_510)),
            "wake events come together"
        );
        let mut asked = Heartbeat::Asked { deadline: Instant(5_000), again: false };
        assert_eq!(asked.probe(Instant(10), 1_500), Beat::Ask(Instant(1_510)));
    }

    #[test]
    fn repeated_wakes_cannot_postpone_the_verdict() {
        let mut heartbeat = Heartbeat::Heard(Instant(0));
        assert_eq!(heartbeat.probe(Instant(0), 1_500), Beat::Ask(Instant(1_500)));
        assert_eq!(heartbeat.probe(Instant(60_000), 1_500), Beat::Ask(Instant(61_500)), "slept: asked again");
        assert_eq!(
            heartbeat.probe(Instant(120_000), 1_500),
            Beat::Later(Instant(120_000)),
            "but not a third time"
        );
        assert_eq!(beat(&mut heartbeat, 120_000), Beat::Dead);
    }
}
