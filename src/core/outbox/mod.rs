//! Publications that the log does not have yet.
//!
//! A publication stays here until the server reports that the log has it (`puback`) or never will
//! (`pubnack`). Publications that were in flight when a connection broke are sent again on the next one, in
//! the same order and with the same idempotency keys, and the log stores one message per key. The
//! publications of one channel keep their order: while the server delays one of them, later ones of that
//! channel wait too.
//!
//! Thousands may wait, so nothing is searched among all of them. An answer is looked for from the front of what is in
//! flight: answers arrive in the order of sending, with few exceptions.

mod flight;
mod publication;
mod suspicion;

use self::flight::Flight;
pub(super) use self::publication::frame_bytes;
use self::publication::{Publication, Queue, insert};
pub(super) use self::suspicion::Blame;
use self::suspicion::{Suspicion, Verdict};
use super::error::Error;
use super::event::PublishId;
use super::output::refill;
use super::timer::Instant;
use crate::wire::{ClientFrame, Known, Text, TextRef, code, known};

/// How many publications may wait behind paused ones of their channels. Then those of other channels wait as well.
const HELD_MAX: usize = 1_024;

const TOO_BIG: Known =
    known!("the payload is larger than the server or a proxy accepts (close code 1009); split it");
const UNDELIVERABLE: Known =
    known!("the server or a proxy closed the connection each time it was sent; see its logs");

/// The connection that publications are sent on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// When the server sent `welcome`. `None` before that: it may never do so.
    pub opened_at: Option<Instant>,
    /// The largest frame that the server accepts; before `welcome`, what it last sent.
    pub frame_bytes_max: u64,
}

/// What to do with the next publication.
#[derive(Debug)]
pub(super) enum Next<D> {
    Send(ClientFrame<D>),
    /// It fails: the server does not accept frames of its size.
    TooLarge(PublishId),
}

/// The end of a connection on which `hello` was sent.
pub(super) struct Close {
    pub now: Instant,
    /// When the server sent `welcome`, if it did.
    pub opened_at: Option<Instant>,
    pub blame: Blame,
    /// Whether ephemeral events were in transit.
    pub casts: bool,
}

/// The publications.
#[derive(Debug)]
pub(super) struct Outbox<D> {
    /// Those to be sent next.
    next: Queue<D>,
    /// Those to be sent after them, the newest last.
    later: Queue<D>,
    flight: Flight<D>,
    /// The channels in which the server delays a publication: that one, and behind it the later ones that were due.
    held: Vec<Queue<D>>,
    suspicion: Suspicion,
    /// An attempt to connect has failed after publications were sent behind `hello`: the next one waits for `welcome`.
    awaits_welcome: bool,
    /// The number of the last publication.
    last_number: u64,
}

impl<D: Clone> Outbox<D> {
    pub fn new() -> Self {
        Outbox {
            next: Vec::new(),
            later: Vec::new(),
            flight: Flight::new(),
            held: Vec::new(),
            suspicion: Suspicion::default(),
            awaits_welcome: false,
            last_number: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.next.len() + self.later.len() + self.flight.len() + self.held_count()
    }

    fn held_count(&self) -> usize {
        self.held.iter().map(Vec::len).sum()
    }

    pub fn push(&mut self, id: PublishId, ch: Text, key: Text, data: D, bytes: u64) {
        self.last_number += 1;
        let number = self.last_number;
        self.later.push(Box::new(Publication {
            id,
            number,
            ch,
            key,
            data,
            bytes,
            sent_at: Instant(0),
            paused_until: None,
            suspect: false,
        }));
    }

    /// The server has sent `welcome`.
    pub fn welcomed(&mut self) {
        self.awaits_welcome = false;
    }

    /// The next publication that may be sent now, or that fails in its turn.
    pub fn next(&mut self, now: Instant, line: Line) -> Option<Next<D>> {
        if !self.may_send(now, line) {
            return None;
        }
        self.release(now);
        while self.held_count() < HELD_MAX {
            refill(&mut self.next, &mut self.later);
            // Before `welcome`, the server may accept a larger frame again: what follows waits too.
            if line.opened_at.is_none() && self.next.last()?.bytes > line.frame_bytes_max {
                return None;
            }
            let mut p = self.next.pop()?;
            if let Some(channel) = self.held_in(&p) {
                insert(channel, p);
            } else if p.paused_until.is_some_and(|until| until > now) {
                self.held.push(vec![p]);
            } else if p.bytes > line.frame_bytes_max {
                return Some(Next::TooLarge(p.id));
            } else {
                p.paused_until = None;
                p.sent_at = now;
                let frame = p.frame();
                self.flight.add(p);
                return Some(Next::Send(frame));
            }
        }
        None
    }

    /// Whether anything may be sent now. A suspect must be alone in flight, on a connection that has proved healthy.
    fn may_send(&self, now: Instant, line: Line) -> bool {
        match line.opened_at {
            None if self.awaits_welcome || self.is_isolating() || !self.suspicion.is_clear() => false,
            Some(opened_at) if self.is_isolating() => {
                self.flight.is_empty() && now >= self.suspicion.send_at(opened_at)
            }
            _ => self.flight.has_room(),
        }
    }

    /// What is held in a publication's channel, if anything is.
    fn held_in(&mut self, p: &Publication<D>) -> Option<&mut Queue<D>> {
        self.held.iter_mut().find(|channel| channel.last().is_some_and(|first| first.ch == p.ch))
    }

    /// The channels whose pause is over wait for their turn again.
    fn release(&mut self, now: Instant) {
        while let Some(at) = self.held.iter().position(|channel| paused_until(channel) <= now) {
            for p in self.held.swap_remove(at) {
                insert(&mut self.next, p);
            }
        }
    }

    /// When there may be something to send even if nothing else happens. A pause may be over while too many
    /// publications are unanswered. Then the next answer triggers the sending.
    pub fn next_at(&self, now: Instant, opened_at: Option<Instant>) -> Option<Instant> {
        let suspect = opened_at.filter(|_| self.is_isolating()).map(|at| self.suspicion.send_at(at));
        let mut next_at = suspect.filter(|&at| at > now);
        for channel in &self.held {
            let until = paused_until(channel);
            if until > now && next_at.is_none_or(|at| until < at) {
                next_at = Some(until);
            }
        }
        next_at
    }

    /// How many bytes of publications are in flight and unanswered.
    pub fn in_flight_bytes(&self) -> u64 {
        self.flight.bytes()
    }

    /// The connection is lost. Publications in flight are sent again, except for one that has closed several
    /// connections in a row.
    pub fn closed(&mut self, close: Close) -> Option<(PublishId, Error)> {
        let first = self.flight.first(close.casts);
        let verdict = match close.opened_at {
            Some(opened_at) => self.suspicion.closed(&close, opened_at, first, self.is_isolating()),
            // What has not been welcomed reveals nothing.
            None => {
                self.awaits_welcome |= first.is_some();
                Verdict::SendAgain
            }
        };
        let error = match verdict {
            Verdict::TooBig => Some(Error::new(known!(code::TOO_LARGE), TOO_BIG)),
            Verdict::Undeliverable => Some(Error::new(known!(code::UNDELIVERABLE), UNDELIVERABLE)),
            Verdict::SendAgain | Verdict::Isolate | Verdict::Clear => None,
        };
        if verdict == Verdict::Isolate {
            self.flight.suspect();
        }
        let failed = error.and_then(|error| Some((self.flight.pop()?.id, error)));
        self.gather();
        if verdict == Verdict::Clear {
            self.next.iter_mut().for_each(|p| p.suspect = false); // the later ones were never sent
        }
        failed
    }

    /// Everything waits to be sent, in the order of publishing.
    fn gather(&mut self) {
        self.release(Instant(u64::MAX));
        while let Some(p) = self.flight.pop() {
            insert(&mut self.next, p);
        }
        self.flight = Flight::new();
    }

    /// Removes the publication that an answer is about. If there is none, the answer belongs to an earlier
    /// connection.
    pub fn answered(&mut self, ch: &TextRef, key: &TextRef, now: Instant) -> Option<PublishId> {
        Some(self.take(ch, key, now)?.id)
    }

    /// The server asks for a pause before this one is sent again.
    pub fn pause(&mut self, ch: &TextRef, key: &TextRef, now: Instant, until: Instant) {
        let Some(mut p) = self.take(ch, key, now) else { return };
        self.flight.slow_down();
        p.paused_until = Some(until);
        p.suspect = false; // an answer like any other
        match self.held_in(&p) {
            Some(channel) => insert(channel, p),
            None => self.held.push(vec![p]),
        }
    }

    /// Removes the oldest one: the session is over.
    pub fn pop(&mut self) -> Option<PublishId> {
        self.gather();
        refill(&mut self.next, &mut self.later);
        Some(self.next.pop()?.id)
    }

    /// Whether publications are sent one at a time, to find the one that closes the connection.
    pub fn is_isolating(&self) -> bool {
        // Until they are answered, nothing overtakes them: the next one is a suspect if any is.
        self.next.last().is_some_and(|p| p.suspect) || self.flight.oldest().is_some_and(|p| p.suspect)
    }

    /// The server has answered this one.
    fn take(&mut self, ch: &TextRef, key: &TextRef, now: Instant) -> Option<Box<Publication<D>>> {
        let p = self.flight.take(ch, key, now)?;
        self.suspicion.cleared(p.id);
        Some(p)
    }
}

/// When the pause of a channel is over. It has at least the publication that was rejected.
fn paused_until<D>(channel: &Queue<D>) -> Instant {
    channel.last().and_then(|first| first.paused_until).unwrap_or(Instant(0))
}
