//! Time in the core: instants that are passed in, named timers, and the next deadline.

use super::sum::sum;

/// A moment, in milliseconds since an arbitrary fixed one. The driver passes it in. It never runs backwards
/// inside a [`Session`](super::Session).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub u64);

impl Instant {
    /// The moment `ms` milliseconds later.
    pub fn after_ms(self, ms: u64) -> Instant {
        Instant(sum(self.0, ms))
    }

    /// The milliseconds from an earlier moment to this one; 0 if it is not earlier.
    pub fn ms_since(self, earlier: Instant) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// What a session waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The token, the handshake or the welcome takes too long.
    Connect,
    /// The backoff is over.
    Retry,
    /// The connection has been open long enough to reset the backoff.
    Stable,
    /// Nothing has arrived for a while, or a ping is unanswered.
    Heartbeat,
    /// Processed positions are to be acknowledged.
    Ack,
    /// A rejected publication may be sent again.
    Outbox,
    /// A refused subscription may be requested again.
    Subscribe,
}

const ALL: [Timer; 7] = [
    Timer::Connect,
    Timer::Retry,
    Timer::Stable,
    Timer::Heartbeat,
    Timer::Ack,
    Timer::Outbox,
    Timer::Subscribe,
];

/// The deadline of a timer that is not set.
const NEVER: Instant = Instant(u64::MAX);

/// The timers that are set.
#[derive(Debug)]
pub struct Timers {
    deadlines: [Instant; ALL.len()],
    /// The timers whose last deadline was postponed, a bit each: smaller than an array in every page.
    postponed: u32,
}

impl Default for Timers {
    fn default() -> Self {
        Timers { deadlines: [NEVER; ALL.len()], postponed: 0 }
    }
}

impl Timers {
    /// Sets a timer, and replaces an earlier setting.
    pub fn set(&mut self, timer: Timer, at: Instant) {
        self.deadlines[timer as usize] = at;
    }

    /// Sets a timer that is due to a later moment if there is a `reason`, but never does so twice in a row. Returns
    /// whether it did.
    pub fn postpone(&mut self, timer: Timer, at: Instant, reason: bool) -> bool {
        let postpones = reason && self.postponed & bit(timer) == 0;
        if postpones {
            self.postponed |= bit(timer);
            self.set(timer, at);
        } else {
            self.postponed &= !bit(timer);
        }
        postpones
    }

    /// Whether a timer is late: it is due and has not fired, or it was postponed.
    pub fn is_late(&self, timer: Timer, now: Instant) -> bool {
        self.postponed & bit(timer) != 0 || self.is_due(timer, now)
    }

    /// Sets a timer, unless it already fires earlier.
    pub fn set_earlier(&mut self, timer: Timer, at: Instant) {
        self.set(timer, at.min(self.deadlines[timer as usize]));
    }

    /// Stops a timer. It is no longer late.
    pub fn stop(&mut self, timer: Timer) {
        self.set(timer, NEVER);
        self.postponed &= !bit(timer);
    }

    /// Stops all timers.
    pub fn stop_all(&mut self) {
        *self = Timers::default();
    }

    /// When a timer fires, if it is set.
    pub fn at(&self, timer: Timer) -> Option<Instant> {
        set(self.deadlines[timer as usize])
    }

    fn is_due(&self, timer: Timer, now: Instant) -> bool {
        self.at(timer).is_some_and(|at| at <= now)
    }

    /// The earliest of all deadlines.
    pub fn next(&self) -> Option<Instant> {
        self.deadlines.iter().copied().min().and_then(set)
    }

    /// Removes a timer that is due, and returns it with the moment it was set to.
    pub fn pop(&mut self, now: Instant) -> Option<(Timer, Instant)> {
        let timer = ALL.into_iter().find(|&timer| self.is_due(timer, now))?;
        Some((timer, std::mem::replace(&mut self.deadlines[timer as usize], NEVER)))
    }
}

/// The deadline of a timer, if it is set.
fn set(at: Instant) -> Option<Instant> {
    (at < NEVER).then_some(at)
}

fn bit(timer: Timer) -> u32 {
    1 << timer as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_deadline_is_the_earliest() {
        let mut timers = Timers::default();
        assert_eq!(timers.next(), None);
        timers.set(Timer::Ack, Instant(50));
        timers.set(Timer::Retry, Instant(20));
        assert_eq!(timers.next(), Some(Instant(20)));
        assert_eq!(timers.pop(Instant(19)), None);
        assert_eq!(timers.pop(Instant(60)), Some((Timer::Retry, Instant(20))));
        assert_eq!(timers.pop(Instant(60)), Some((Timer::Ack, Instant(50))));
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn setting_a_timer_again_replaces_its_deadline() {
        let mut timers = Timers::default();
        timers.set(Timer::Heartbeat, Instant(10));
        timers.set(Timer::Heartbeat, Instant(30));
        assert_eq!(timers.pop(Instant(10)), None);
        timers.stop(Timer::Heartbeat);
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn no_timer_is_postponed_twice_in_a_row() {
        let mut timers = Timers::default();
        assert!(!timers.postpone(Timer::Connect, Instant(9), false));
        assert_eq!(timers.next(), None);
        assert!(timers.postpone(Timer::Connect, Instant(9), true));
        assert!(timers.is_late(Timer::Connect, Instant(8)));
        assert_eq!(timers.pop(Instant(9)), Some((Timer::Connect, Instant(9))));
        assert!(timers.postpone(Timer::Heartbeat, Instant(11), true), "another timer");
        assert!(!timers.postpone(Timer::Connect, Instant(10), true));
        assert!(!timers.is_late(Timer::Connect, Instant(10)));
        timers.stop_all();
        assert!(timers.postpone(Timer::Heartbeat, Instant(12), true), "another connection");
    }
}
