//! Publications that the log does not have yet.
//!
//! A publication stays here until the server says that the log has it (`puback`) or that it never
//! will (`pubnack`). Whatever was in flight when a connection broke is sent again on the next one,
//! in the same order and with the same idempotency key: the log stores one. Publications of one channel
//! keep their order: while the server has one of them wait, those behind it in that channel wait too.

mod suspicion;

pub(super) use self::suspicion::Blame;
use self::suspicion::{Suspicion, Verdict};
use super::error::Error;
use super::event::PublishId;
use super::timer::Instant;
use crate::wire::ClientFrame;

/// How many publications may be unanswered at once. This bounds what lies in the socket's buffer.
const IN_FLIGHT_MAX: usize = 64;

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
    Sent,
    /// The server asked for a pause.
    NotBefore(Instant),
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

    /// A connection is open.
    pub fn opened(&mut self, now: Instant) {
        self.suspicion.opened(now);
    }

    /// The next frame to send, if one may be sent now.
    pub fn next(&mut self, now: Instant) -> Option<ClientFrame<D>> {
        let alone = self.is_isolating();
        let in_flight_max = if alone { 1 } else { IN_FLIGHT_MAX };
        if self.in_flight().count() >= in_flight_max || alone && now < self.suspicion.send_at() {
            return None;
        }
        let at = self.next_due(now)?;
        let p = self.publications.get_mut(at)?;
        p.progress = Progress::Sent;
        self.suspicion.sent(now);
        Some(ClientFrame::Pub { ch: p.ch.clone(), key: p.key.clone(), data: p.data.clone() })
    }

    /// The first one that waits for nothing, and for no earlier one of its channel.
    fn next_due(&self, now: Instant) -> Option<usize> {
        let is_paused = |p: &Publication<D>| matches!(p.progress, Progress::NotBefore(at) if at > now);
        let is_behind = |at: usize, ch: &str| {
            self.publications.iter().take(at).any(|earlier| is_paused(earlier) && earlier.ch == ch)
        };
        self.publications
            .iter()
            .enumerate()
            .position(|(at, p)| p.progress != Progress::Sent && !is_paused(p) && !is_behind(at, &p.ch))
    }

    /// When there may be something to send although nothing else happens. A pause that is over, of a
    /// publication that still waits because too many are unanswered, ends with the next answer.
    pub fn next_at(&self, now: Instant) -> Option<Instant> {
        let wait = |p: &Publication<D>| match p.progress {
            Progress::NotBefore(at) => Some(at),
            Progress::Waiting if p.suspect => Some(self.suspicion.send_at()),
            Progress::Waiting | Progress::Sent => None,
        };
        self.publications.iter().filter_map(|p| wait(p)).filter(|&at| at > now).min()
    }

    /// How many bytes of publications are on their way and unanswered.
    pub fn in_flight_bytes(&self) -> u64 {
        self.in_flight().map(|p| p.bytes).fold(0, u64::saturating_add)
    }

    /// The open connection is gone: what was in flight is to be sent again, except for a publication that has
    /// closed one connection after the other. `casts`: ephemeral events were on their way as well.
    pub fn closed(&mut self, now: Instant, blame: Blame, casts: bool) -> Option<(PublishId, Error)> {
        let (first, count) = (self.in_flight().next().map(|p| p.id), self.in_flight().count());
        let verdict = self.suspicion.closed(now, blame, first, count == 1 && !casts, self.is_isolating());
        for p in &mut self.publications {
            if p.progress == Progress::Sent {
                p.progress = Progress::Waiting;
                p.suspect |= verdict == Verdict::Isolate;
            }
            p.suspect &= verdict != Verdict::Clear;
        }
        let Verdict::Fail(code, message) = verdict else { return None };
        let at = self.publications.iter().position(|p| Some(p.id) == first)?;
        Some((self.publications.remove(at).id, Error::new(code, message)))
    }

    /// Takes out the publication that an answer is about. Without one, the answer is an echo of an
    /// earlier connection.
    pub fn answered(&mut self, ch: &str, key: &str) -> Option<PublishId> {
        let at = self.sent(ch, key)?;
        let id = self.publications.remove(at).id;
        self.suspicion.cleared(id);
        Some(id)
    }

    /// The server asks for a pause before this one is sent again.
    pub fn pause(&mut self, ch: &str, key: &str, until: Instant) {
        if let Some(p) = self.sent(ch, key).and_then(|at| self.publications.get_mut(at)) {
            p.progress = Progress::NotBefore(until);
            p.suspect = false; // an answer like any other
            self.suspicion.cleared(p.id);
        }
    }

    /// Takes out the publications that are too large for a server that takes so many bytes.
    pub fn too_large(&mut self, bytes_max: u64) -> Vec<PublishId> {
        let ids = self.publications.iter().filter(|p| p.frame_bytes() > bytes_max).map(|p| p.id).collect();
        self.publications.retain(|p| p.frame_bytes() <= bytes_max);
        ids
    }

    /// Takes out all: the session is over.
    pub fn drain(&mut self) -> Vec<PublishId> {
        std::mem::take(&mut self.publications).into_iter().map(|p| p.id).collect()
    }

    fn in_flight(&self) -> impl Iterator<Item = &Publication<D>> {
        self.publications.iter().map(|p| &**p).filter(|p| p.progress == Progress::Sent)
    }

    /// Whether publications are sent one at a time, to find out which one a connection does not bear.
    fn is_isolating(&self) -> bool {
        self.publications.iter().any(|p| p.suspect)
    }

    fn sent(&self, ch: &str, key: &str) -> Option<usize> {
        let sent = |p: &Publication<D>| p.progress == Progress::Sent && p.key == key && p.ch == ch;
        self.publications.iter().position(|p| sent(p))
    }
}

impl<D> Publication<D> {
    fn frame_bytes(&self) -> u64 {
        frame_bytes(&self.ch, &self.key, self.bytes)
    }
}

/// No less than the size of a publication's frame: escaped, a control character has six bytes.
pub(super) fn frame_bytes(ch: &str, key: &str, bytes: u64) -> u64 {
    bytes.saturating_add(6 * (ch.len() + key.len()) as u64 + 40)
}
