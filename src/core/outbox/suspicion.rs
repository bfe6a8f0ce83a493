//! Which publication makes the server, or a proxy before it, close the connection.
//!
//! Such a publication would be sent again on each connection, and all later ones would wait forever. So it
//! fails after [`STRIKES_MAX`] strikes, and the others continue. One that the network interrupted must never
//! fail: it is sent again however often that happens. Three rules distinguish the two cases.
//!
//! - **One at a time.** With several in flight, a close blames none of them: from then on those are sent one
//!   at a time. A strike counts against a publication only if it was alone in flight.
//! - **The close code.** One that only a peer sends, about something that it got, is a strike: 1002, 1003,
//!   1007, 1008, 1010, 4400, 4413; 1009 (too big) is proof. A restart, an overload or an expired token
//!   says nothing. All the others, 1006 first of all, are what a broken network looks like, too.
//! - **The moment.** For those, a strike counts only if the connection had been healthy for [`RATIO`] times as
//!   long as it took from the sending to the close; the publication is held back until then. A connection
//!   that breaks before that, with nothing in flight, shows that connections break by themselves: all
//!   strikes are forgotten. A network that breaks at random passes as a bad publication in fewer than one
//!   of 100,000 cases, at whatever rate it breaks: each strike needs a connection that lasts 30 times as
//!   long as the moment in which it then breaks, (30/31)^30 · 1/31 = 1.2 % at the worst rate.

use super::Close;
use crate::core::{Instant, PublishId};
use crate::wire::close;

/// How many connections a publication may close before it fails.
const STRIKES_MAX: u32 = 3;
/// The connection must have been healthy for this many times as long as the close took to arrive.
const RATIO: u64 = 30;
/// A suspect is held back on a new connection for at least this long, in milliseconds …
const HOLD_MS_MIN: u64 = 1_000;
/// … and for at most this long: a close that takes more than 2 s to arrive blames nothing.
const HOLD_MS_MAX: u64 = 60_000;

/// What a close reveals about the publications in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// Nothing: this client closed, or the server closed for another reason.
    None,
    /// It may be one of them, or the network.
    Possible,
    /// The peer rejected what it received.
    Certain,
    /// The peer received a frame that was too large.
    TooBig,
}

impl Blame {
    /// By the close code; without one, this client closed.
    pub fn of(close_code: Option<u16>) -> Blame {
        match close_code {
            None => Blame::None,
            Some(close::TOO_BIG) => Blame::TooBig,
            Some(
                close::PROTOCOL_ERROR
                | close::UNSUPPORTED_DATA
                | close::INVALID_DATA
                | close::POLICY_VIOLATION
                | close::MISSING_EXTENSION
                | close::BAD_FRAME
                | close::PAYLOAD_TOO_LARGE,
            ) => Blame::Certain,
            Some(
                close::NORMAL
                | close::GOING_AWAY
                | close::SERVICE_RESTART
                | close::TRY_AGAIN_LATER
                | close::UNAUTHORIZED
                | close::HELLO_TIMEOUT
                | close::TOO_FAST,
            ) => Blame::None,
            Some(_) => Blame::Possible,
        }
    }
}

/// What to do after a close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Send again what was in flight.
    SendAgain,
    /// The same, one at a time.
    Isolate,
    /// Connections break by themselves: no publication is a suspect any longer.
    Clear,
    /// The first in flight fails: the server or a proxy found it too big.
    TooBig,
    /// The first in flight fails: it has closed one connection after the other.
    Undeliverable,
}

/// What was in flight when a connection closed.
#[derive(Clone, Copy, Debug)]
pub struct InFlight {
    /// The first publication.
    pub id: PublishId,
    /// When that was sent.
    pub sent_at: Instant,
    /// How many publications, the first among them, and one more if ephemeral events were in transit.
    pub count: usize,
}

/// What is known so far.
#[derive(Debug)]
pub struct Suspicion {
    case: Case,
    /// How long a suspect is held back on a new connection.
    hold_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    None,
    /// A connection broke while this one was the first in flight.
    Open(PublishId),
    /// It was alone in flight on this many connections that closed.
    Strikes(PublishId, u32),
}

impl Default for Suspicion {
    fn default() -> Self {
        Suspicion { case: Case::None, hold_ms: 0 }
    }
}

impl Suspicion {
    /// When a suspect may be sent on a connection that opened at `opened_at`.
    pub fn send_at(&self, opened_at: Instant) -> Instant {
        opened_at.after_ms(self.hold_ms)
    }

    /// The server has answered this one.
    pub fn cleared(&mut self, id: PublishId) {
        if matches!(self.case, Case::Open(suspect) | Case::Strikes(suspect, _) if suspect == id) {
            self.case = Case::None;
        }
    }

    /// Whether no connection has broken with publications in flight, or they were answered since.
    pub fn is_clear(&self) -> bool {
        matches!(self.case, Case::None)
    }

    /// A connection that opened at `opened_at` is lost. `isolating`: publications were sent one at a time.
    pub fn closed(
        &mut self,
        close: &Close,
        opened_at: Instant,
        in_flight: Option<InFlight>,
        isolating: bool,
    ) -> Verdict {
        let Some(InFlight { id: first, sent_at, count }) = in_flight else {
            return self.closed_idle(close.blame);
        };
        match close.blame {
            Blame::None => Verdict::SendAgain,
            Blame::TooBig if count == 1 => Verdict::TooBig,
            Blame::Certain if count == 1 => self.strike(first),
            Blame::TooBig | Blame::Certain => {
                self.hold_ms = 0;
                Verdict::Isolate
            }
            Blame::Possible if isolating => self.closed_without_code(first, opened_at, sent_at, close.now),
            Blame::Possible if matches!(self.case, Case::Open(suspect) if suspect == first) => {
                self.hold_ms = HOLD_MS_MIN;
                Verdict::Isolate
            }
            Blame::Possible => {
                self.case = Case::Open(first);
                Verdict::SendAgain
            }
        }
    }

    /// A connection closed with nothing in flight: if it broke, connections break by themselves.
    fn closed_idle(&mut self, blame: Blame) -> Verdict {
        if blame != Blame::Possible {
            return Verdict::SendAgain;
        }
        *self = Suspicion::default();
        Verdict::Clear
    }

    /// A connection broke with one publication in flight. Decides whether to blame it or the network.
    fn closed_without_code(
        &mut self,
        first: PublishId,
        opened_at: Instant,
        sent_at: Instant,
        now: Instant,
    ) -> Verdict {
        let needed_ms = (now.ms_since(sent_at).min(u64::MAX / RATIO) * RATIO).max(HOLD_MS_MIN);
        if sent_at.ms_since(opened_at) >= needed_ms {
            return self.strike(first);
        }
        // A close that takes longer is not an answer to a frame. The machine may have slept meanwhile.
        if needed_ms <= HOLD_MS_MAX {
            self.hold_ms = needed_ms;
        }
        Verdict::SendAgain
    }

    fn strike(&mut self, id: PublishId) -> Verdict {
        let strikes = match self.case {
            Case::Strikes(suspect, strikes) if suspect == id => strikes + 1,
            _ => 1,
        };
        if strikes < STRIKES_MAX {
            self.case = Case::Strikes(id, strikes);
            return Verdict::Isolate;
        }
        self.case = Case::None;
        Verdict::Undeliverable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A connection that opens at 0 and closes `after_ms` after a publication was sent at `sent_ms`.
    fn connection(suspicion: &mut Suspicion, sent_ms: u64, after_ms: u64, blame: Blame) -> Verdict {
        let in_flight = InFlight { id: 7, sent_at: Instant(sent_ms), count: 1 };
        suspicion.closed(&close(sent_ms + after_ms, blame), Instant(0), Some(in_flight), true)
    }

    fn close(now_ms: u64, blame: Blame) -> Close {
        Close { now: Instant(now_ms), opened_at: Some(Instant(0)), blame, casts: false }
    }

    #[test]
    fn a_publication_rejected_three_times_fails() {
        let mut suspicion = Suspicion::default();
        let mut close = |blame| connection(&mut suspicion, 1, 5, blame);
        assert_eq!(close(Blame::Certain), Verdict::Isolate);
        assert_eq!(close(Blame::Certain), Verdict::Isolate);
        assert_eq!(close(Blame::Certain), Verdict::Undeliverable);
        assert_eq!(close(Blame::TooBig), Verdict::TooBig);
    }

    #[test]
    fn only_a_healthy_connection_yields_a_strike() {
        let mut suspicion = Suspicion::default();
        for _ in 0..20 {
            let verdict = connection(&mut suspicion, 1_000, 40, Blame::Possible);
            assert_eq!(verdict, Verdict::SendAgain, "too soon");
        }
        assert_eq!(suspicion.send_at(Instant(0)), Instant(1_200), "held back for 30 times 40 ms");
        for _ in 0..2 {
            assert_eq!(connection(&mut suspicion, 1_200, 40, Blame::Possible), Verdict::Isolate);
        }
        let third = connection(&mut suspicion, 1_200, 40, Blame::Possible);
        assert_eq!(third, Verdict::Undeliverable);
    }

    #[test]
    fn an_idle_break_clears_the_suspect() {
        let mut suspicion = Suspicion::default();
        for _ in 0..20 {
            connection(&mut suspicion, 1_200, 40, Blame::Possible);
            connection(&mut suspicion, 1_200, 40, Blame::Possible);
            let idle = suspicion.closed(&close(9_000, Blame::Possible), Instant(0), None, true);
            assert_eq!(idle, Verdict::Clear);
        }
    }
}
