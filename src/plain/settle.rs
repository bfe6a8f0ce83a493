//! The resume point of the next connection, for a server that does not number its messages.
//!
//! The newest id is not safe: a message with a lower id may still be in transit, because the live stream is
//! slightly out of order, or because a live message has overtaken a replay. So the resume point lags. It
//! rises to an id only when that id arrived at least `settle_ms` ago and nothing lower has arrived since.
//!
//! Only arrivals move it, never the clock alone. Silence may mean a stalled replay or a finished one, and
//! nothing on this wire distinguishes the two. For the same reason, time that passes without a connection
//! does not settle what that connection has left unsettled.

use super::window::Window;
use crate::core::Instant;
use crate::wire::MessageId;

/// The lowest and the highest id that arrived in a span of time.
#[derive(Clone, Copy, Debug)]
struct Span {
    low: MessageId,
    high: MessageId,
}

/// The resume point. Arrivals are kept in two spans of at least `settle_ms` each, instead of one by one.
/// Everything that arrived before both spans has settled.
#[derive(Debug)]
pub struct Settle {
    settle_ms: u64,
    resume: Option<MessageId>,
    /// When the current span began.
    since: Instant,
    current: Option<Span>,
    previous: Option<Span>,
    settled: Option<MessageId>,
}

impl Settle {
    /// Begins at a resume point.
    pub fn new(resume: Option<MessageId>, settle_ms: u64) -> Self {
        let since = Instant(0);
        Settle { settle_ms, resume, since, current: None, previous: None, settled: None }
    }

    /// Everything up to here has arrived. A late message is after it.
    pub fn resume(&self) -> Option<MessageId> {
        self.resume
    }

    /// A new connection. What the last one left unsettled stays unsettled until newer messages have settled.
    pub fn connected(&mut self, now: Instant) {
        *self = Settle { since: now, ..Settle::new(self.resume, self.settle_ms) };
    }

    /// An id arrived, new or not. The window has the earlier ones.
    pub fn arrived(&mut self, now: Instant, id: MessageId, window: &Window) {
        if now.ms_since(self.since) >= self.settle_ms {
            self.settled = self.settled.max(self.previous.map(|span| span.high));
            self.previous = self.current.take();
            self.since = now;
        }
        self.current = Some(match self.current {
            Some(Span { low, high }) => Span { low: low.min(id), high: high.max(id) },
            None => Span { low: id, high: id },
        });
        self.rise(window);
    }

    fn rise(&mut self, window: &Window) {
        let Some(settled) = self.settled else { return };
        let spans = [self.previous, self.current];
        let low = spans.iter().flatten().map(|span| span.low).min();
        let safe = match low {
            Some(low) if low <= settled => window.highest_below(low),
            _ => Some(settled),
        };
        self.resume = self.resume.max(safe);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SETTLE_MS: u64 = 2_000;

    fn id(ms: u64) -> MessageId {
        MessageId { ms, seq: 0 }
    }

    struct Reader {
        window: Window,
        settle: Settle,
    }

    impl Reader {
        fn new() -> Self {
            Reader { window: Window::new(None, 1_000), settle: Settle::new(None, SETTLE_MS) }
        }

        fn read(&mut self, now: u64, ms: u64) -> u64 {
            self.settle.arrived(Instant(now), id(ms), &self.window);
            self.window.add(id(ms));
            self.settle.resume().map_or(0, |id| id.ms)
        }
    }

    #[test]
    fn only_a_settled_id_is_a_resume_point() {
        let mut reader = Reader::new();
        assert_eq!(reader.read(10_000, 1), 0);
        assert_eq!(reader.read(11_000, 2), 0);
        assert_eq!(reader.read(12_500, 3), 0);
        assert_eq!(reader.read(14_500, 4), 2);
        assert_eq!(reader.read(16_500, 5), 3);
    }

    #[test]
    fn silence_settles_nothing() {
        let mut reader = Reader::new();
        reader.read(10_000, 900); // has overtaken a replay that is stuck for a minute
        assert_eq!(reader.read(70_000, 1), 0);
        assert_eq!(reader.read(70_001, 2), 0);
        assert_eq!(reader.read(73_000, 3), 0, "the replay goes on");
        assert_eq!(reader.read(76_000, 4), 2);
    }

    #[test]
    fn a_new_connection_settles_nothing_of_the_last() {
        let mut reader = Reader::new();
        reader.read(10_000, 1);
        reader.read(11_000, 2);
        reader.settle.connected(Instant(12_500));
        assert_eq!(reader.read(12_600, 50), 0);
        assert_eq!(reader.read(14_700, 51), 0, "2 may have overtaken what this connection has yet to replay");
    }

    #[test]
    fn a_replay_from_the_start_keeps_the_resume_point() {
        let mut reader = Reader::new();
        for at in 0..10 {
            reader.read(10_000 + at * 1_000, 100 + at);
        }
        let resume = reader.settle.resume();
        assert!(resume > Some(id(100)));
        reader.settle.connected(Instant(30_000));
        for at in 0..9 {
            reader.read(31_000 + at * 1_000, 100 + at);
            assert_eq!(reader.settle.resume(), resume, "it neither falls nor rises during the replay");
        }
    }

    #[test]
    fn a_replay_does_not_settle_an_earlier_gap() {
        let mut reader = Reader::new();
        reader.read(10_000, 50); // 49 is late, and the connection is cut
        reader.settle.connected(Instant(20_000));
        assert_eq!(reader.read(20_100, 90), 0, "live, ahead of the replay");
        assert_eq!(reader.read(22_200, 49), 0, "the replay");
        assert_eq!(reader.read(22_300, 50), 0);
    }

    proptest! {
        /// Messages that arrive at most `settle_ms` late: whenever the connection is cut, no message in
        /// transit is at or below the resume point.
        #[test]
        fn no_message_in_transit_is_below_the_resume_point(
            delays in proptest::collection::vec((1u64..700, 0u64..SETTLE_MS), 1..80),
        ) {
            let mut sent = 10_000;
            let mut arrivals: Vec<(u64, u64)> = Vec::new();
            for (pause, delay) in delays {
                sent += pause;
                arrivals.push((sent + delay, sent));
            }
            arrivals.sort_unstable();
            let mut reader = Reader::new();
            for at in 0..arrivals.len() {
                let resume = reader.read(arrivals[at].0, arrivals[at].1);
                for (_, late) in &arrivals[at + 1..] {
                    prop_assert!(*late > resume, "{} came after {} could be resumed from", late, resume);
                }
            }
        }
    }
}
