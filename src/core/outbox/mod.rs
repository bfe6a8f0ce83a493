//! Publications that the log does not have yet.
//!
//! A publication stays here until the server reports that the log has it (`puback`) or never will
//! (`pubnack`). Publications that were in flight when a connection broke are sent again on the next one, in
//! the same order and with the same idempotency keys, and the log stores one message per key. The
//! publications of one channel keep their order: while the server delays one of them, later ones of that
//! channel wait too.

mod suspicion;

pub(super) use self::suspicion::Blame;
use self::suspicion::{InFlight, Suspicion, Verdict};
use super::error::Error;
use super::event::PublishId;
use super::timer::Instant;
use crate::wire::{ClientFrame, code};

/// How many publications may be unanswered at once. This bounds the data in the socket's buffer.
const IN_FLIGHT_MAX: usize = 64;

const TOO_BIG: &str = "the payload is larger than the server or a proxy accepts (close code 1009); split it";
const UNDELIVERABLE: &str = "the server or a proxy closed the connection each time it was sent; see its logs";

#[derive(Debug)]
pub(super) struct Publication<D> {
    pub id: PublishId,
    pub ch: String,
    pub key: String,
    pub data: D,
    /// The payload's size as JSON.
    pub bytes: u64,
    progress: Progress,
    /// It was in flight when a connection closed, possibly because of it.
    suspect: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Waiting,
    /// It is in flight since this moment.
    Sent(Instant),
    /// The server asked for a pause until this moment.
    Paused(Instant),
}

/// The end of an open connection.
pub(super) struct Close {
    pub now: Instant,
    pub opened_at: Instant,
    pub blame: Blame,
    /// Whether ephemeral events were in transit.
    pub casts: bool,
}

/// The publications, oldest first.
#[derive(Debug)]
pub(super) struct Outbox<D> {
    /// Boxed: moving a pointer is less code than moving a publication.
    #[allow(clippy::vec_box)]
    publications: Vec<Box<Publication<D>>>,
    suspicion: Suspicion,
}

impl<D: Clone> Outbox<D> {
    pub fn new() -> Self {
        Outbox { publications: Vec::new(), suspicion: Suspicion::default() }
    }

    pub fn len(&self) -> usize {
        self.publications.len()
    }

    pub fn push(&mut self, id: PublishId, ch: String, key: String, data: D, bytes: u64) {
        let progress = Progress::Waiting;
        self.publications.push(Box::new(Publication { id, ch, key, data, bytes, progress, suspect: false }));
    }

    /// The next frame to send on the connection that opened at `opened_at`, if one may be sent now.
    pub fn next(&mut self, now: Instant, opened_at: Instant) -> Option<ClientFrame<D>> {
        let alone = self.is_isolating();
        let in_flight_max = if alone { 1 } else { IN_FLIGHT_MAX };
        if self.in_flight().count() >= in_flight_max || alone && now < self.suspicion.send_at(opened_at) {
            return None;
        }
        let at = self.next_due(now)?;
        let p = self.publications.get_mut(at)?;
        p.progress = Progress::Sent(now);
        Some(ClientFrame::Pub { ch: p.ch.clone(), key: p.key.clone(), data: p.data.clone() })
    }

    /// The first one that may be sent now and does not wait for an earlier one of its channel.
    fn next_due(&self, now: Instant) -> Option<usize> {
        let is_paused = |p: &Publication<D>| matches!(p.progress, Progress::Paused(at) if at > now);
        let is_behind = |at: usize, ch: &str| {
            self.publications.iter().take(at).any(|earlier| is_paused(earlier) && earlier.ch == ch)
        };
        self.publications
            .iter()
            .enumerate()
            .position(|(at, p)| !p.is_in_flight() && !is_paused(p) && !is_behind(at, &p.ch))
    }

    /// When there may be something to send even if nothing else happens. A pause may be over while too many
    /// publications are unanswered. Then the next answer triggers the sending.
    pub fn next_at(&self, now: Instant, opened_at: Instant) -> Option<Instant> {
        let wait = |p: &Publication<D>| match p.progress {
            Progress::Paused(at) => Some(at),
            Progress::Waiting if p.suspect => Some(self.suspicion.send_at(opened_at)),
            Progress::Waiting | Progress::Sent(_) => None,
        };
        self.publications.iter().filter_map(|p| wait(p)).filter(|&at| at > now).min()
    }

    /// How many bytes of publications are in flight and unanswered.
    pub fn in_flight_bytes(&self) -> u64 {
        self.in_flight().map(|p| p.bytes).fold(0, u64::saturating_add)
    }

    /// The open connection is lost. Publications in flight are sent again, except for one that has closed
    /// several connections in a row.
    pub fn closed(&mut self, close: Close) -> Option<(PublishId, Error)> {
        let first = self.first_in_flight(close.casts);
        let verdict = self.suspicion.closed(&close, first, self.is_isolating());
        for p in &mut self.publications {
            if p.is_in_flight() {
                p.progress = Progress::Waiting;
                p.suspect |= verdict == Verdict::Isolate;
            }
            p.suspect &= verdict != Verdict::Clear;
        }
        let error = match verdict {
            Verdict::TooBig => Error::new(code::TOO_LARGE, TOO_BIG),
            Verdict::Undeliverable => Error::new(code::UNDELIVERABLE, UNDELIVERABLE),
            Verdict::SendAgain | Verdict::Isolate | Verdict::Clear => return None,
        };
        let at = self.publications.iter().position(|p| first.is_some_and(|first| first.id == p.id))?;
        Some((self.publications.remove(at).id, error))
    }

    /// Removes the publication that an answer is about. If there is none, the answer belongs to an earlier
    /// connection.
    pub fn answered(&mut self, ch: &str, key: &str) -> Option<PublishId> {
        let at = self.sent(ch, key)?;
        let id = self.publications.remove(at).id;
        self.suspicion.cleared(id);
        Some(id)
    }

    /// The server asks for a pause before this one is sent again.
    pub fn pause(&mut self, ch: &str, key: &str, until: Instant) {
        if let Some(p) = self.sent(ch, key).and_then(|at| self.publications.get_mut(at)) {
            p.progress = Progress::Paused(until);
            p.suspect = false; // an answer like any other
            self.suspicion.cleared(p.id);
        }
    }

    /// Removes the publications that are larger than the server accepts.
    pub fn too_large(&mut self, bytes_max: u64) -> Vec<PublishId> {
        let ids = self.publications.iter().filter(|p| p.frame_bytes() > bytes_max).map(|p| p.id).collect();
        self.publications.retain(|p| p.frame_bytes() <= bytes_max);
        ids
    }

    /// Removes all: the session is over.
    pub fn drain(&mut self) -> Vec<PublishId> {
        std::mem::take(&mut self.publications).into_iter().map(|p| p.id).collect()
    }

    fn in_flight(&self) -> impl Iterator<Item = &Publication<D>> {
        self.publications.iter().map(|p| &**p).filter(|p| p.is_in_flight())
    }

    /// The first publication in flight, and how much was in flight with it.
    fn first_in_flight(&self, casts: bool) -> Option<InFlight> {
        let first = self.in_flight().next()?;
        let Progress::Sent(sent_at) = first.progress else { return None };
        Some(InFlight { id: first.id, sent_at, count: self.in_flight().count() + usize::from(casts) })
    }

    /// Whether publications are sent one at a time, to find the one that closes the connection.
    pub fn is_isolating(&self) -> bool {
        self.publications.iter().any(|p| p.suspect)
    }

    fn sent(&self, ch: &str, key: &str) -> Option<usize> {
        let sent = |p: &Publication<D>| p.is_in_flight() && p.key == key && p.ch == ch;
        self.publications.iter().position(|p| sent(p))
    }
}

impl<D> Publication<D> {
    fn is_in_flight(&self) -> bool {
        matches!(self.progress, Progress::Sent(_))
    }

    fn frame_bytes(&self) -> u64 {
        frame_bytes(&self.ch, &self.key, self.bytes)
    }
}

/// An upper bound of the size of a publication's frame: an escaped control character has six bytes.
pub(super) fn frame_bytes(ch: &str, key: &str, bytes: u64) -> u64 {
    bytes.saturating_add(6 * (ch.len() + key.len()) as u64 + 40)
}
