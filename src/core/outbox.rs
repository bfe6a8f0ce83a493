//! Publications that the log does not have yet.
//!
//! A publication stays here until the server says that the log has it (`puback`) or that it never
//! will (`pubnack`). Whatever was under way when a connection broke is sent again on the next one,
//! in the same order and with the same idempotency key: the log stores one.

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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Waiting,
    Sent,
    /// The server asked for a pause.
    NotBefore(Instant),
}

/// The publications, oldest first. Boxed: moving a pointer is less code than moving a publication.
#[derive(Debug)]
#[allow(clippy::vec_box)]
pub(super) struct Outbox<D>(Vec<Box<Publication<D>>>);

impl<D: Clone> Outbox<D> {
    pub fn new() -> Self {
        Outbox(Vec::new())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn push(&mut self, id: PublishId, ch: String, key: String, data: D, bytes: u64) {
        self.0.push(Box::new(Publication { id, ch, key, data, bytes, progress: Progress::Waiting }));
    }

    /// The next frame to send, if one may be sent now.
    pub fn next(&mut self, now: Instant) -> Option<ClientFrame<D>> {
        if self.0.iter().filter(|p| p.progress == Progress::Sent).count() >= IN_FLIGHT_MAX {
            return None;
        }
        let due = |progress| match progress {
            Progress::Waiting => true,
            Progress::Sent => false,
            Progress::NotBefore(at) => at <= now,
        };
        let p = self.0.iter_mut().find(|p| due(p.progress))?;
        p.progress = Progress::Sent;
        Some(ClientFrame::Pub { ch: p.ch.clone(), key: p.key.clone(), data: p.data.clone() })
    }

    /// When the next pause that the server asked for will be over. One that is over, and still waits
    /// because too many are unanswered, goes with the next answer.
    pub fn pause_until(&self, now: Instant) -> Option<Instant> {
        let pause = |progress| match progress {
            Progress::NotBefore(at) => Some(at).filter(|&at| at > now),
            Progress::Waiting | Progress::Sent => None,
        };
        self.0.iter().filter_map(|p| pause(p.progress)).min()
    }

    /// The connection is gone: what was under way is to be sent again.
    pub fn requeue(&mut self) {
        for p in &mut self.0 {
            if p.progress == Progress::Sent {
                p.progress = Progress::Waiting;
            }
        }
    }

    /// Takes out the publication that an answer is about. Without one, the answer is an echo of an
    /// earlier connection.
    pub fn answered(&mut self, ch: &str, key: &str) -> Option<PublishId> {
        let at = self.sent(ch, key)?;
        Some(self.0.remove(at).id)
    }

    /// The server asks for a pause before this one is sent again.
    pub fn pause(&mut self, ch: &str, key: &str, until: Instant) {
        if let Some(p) = self.sent(ch, key).and_then(|at| self.0.get_mut(at)) {
            p.progress = Progress::NotBefore(until);
        }
    }

    /// Takes out the publications that are too large for a server that takes so many bytes.
    pub fn too_large(&mut self, bytes_max: u64) -> Vec<PublishId> {
        let ids = self.0.iter().filter(|p| p.frame_bytes() > bytes_max).map(|p| p.id).collect();
        self.0.retain(|p| p.frame_bytes() <= bytes_max);
        ids
    }

    /// Takes out all: the session is over.
    pub fn drain(&mut self) -> Vec<PublishId> {
        std::mem::take(&mut self.0).into_iter().map(|p| p.id).collect()
    }

    fn sent(&self, ch: &str, key: &str) -> Option<usize> {
        self.0.iter().position(|p| p.progress == Progress::Sent && p.key == key && p.ch == ch)
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
