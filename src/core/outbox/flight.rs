//! The publications that are sent and unanswered on this connection, and how many there may be.
//!
//! Enough must be in flight to keep the path and the log busy: what the server answers in the time that one answer takes.
//! More would only delay everything behind it, and the detection of a dead connection.

use super::publication::Publication;
use super::suspicion::InFlight;
use crate::core::Instant;
use crate::core::sum::sum;
use crate::core::window::Window;
use crate::wire::TextRef;

/// How many bytes of frames may be unanswered until more is known about the path …
const BYTES_FIRST: u64 = 64 * 1024;
/// … and at most. One publication more may be, so that any size can be sent.
const BYTES_MAX: u64 = 1024 * 1024;
/// How many publications may be unanswered. A server remembers as many, to keep their order while it rejects some.
const COUNT_MAX: usize = 1_024;

#[derive(Debug)]
pub(super) struct Flight<D> {
    /// In the order of sending. There are few enough to move them all by one.
    #[allow(clippy::vec_box)]
    sent: Vec<Box<Publication<D>>>,
    /// The size of their frames.
    bytes: u64,
    window: Window,
    /// The shortest time that an answer took.
    answer_ms: u64,
}

impl<D> Flight<D> {
    pub fn new() -> Self {
        Flight { sent: Vec::new(), bytes: 0, window: Window::default(), answer_ms: u64::MAX }
    }

    pub fn len(&self) -> usize {
        self.sent.len()
    }

    pub fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether one more may be sent.
    pub fn has_room(&self) -> bool {
        self.bytes < self.window.size(BYTES_FIRST, BYTES_MAX) && self.sent.len() < COUNT_MAX
    }

    /// A publication is sent.
    pub fn add(&mut self, p: Box<Publication<D>>) {
        if self.sent.is_empty() {
            self.window.measure_from(None);
        }
        self.bytes = sum(self.bytes, p.bytes);
        self.sent.push(p);
    }

    /// The server has answered a publication.
    pub fn take(&mut self, ch: &TextRef, key: &TextRef, now: Instant) -> Option<Box<Publication<D>>> {
        let at = self.sent.iter().position(|p| p.key == *key && p.ch == *ch)?;
        let p = self.sent.remove(at);
        self.bytes = self.bytes.saturating_sub(p.bytes);
        self.answer_ms = self.answer_ms.min(now.ms_since(p.sent_at));
        self.window.pass(p.bytes, now, self.answer_ms, BYTES_FIRST, BYTES_MAX);
        Some(p)
    }

    /// The server has asked for a pause.
    pub fn slow_down(&mut self) {
        self.window.reset();
    }

    /// The first publication, and how much was in flight with it.
    pub fn first(&self, casts: bool) -> Option<InFlight> {
        let first = self.oldest()?;
        Some(InFlight { id: first.id, sent_at: first.sent_at, count: self.sent.len() + usize::from(casts) })
    }

    /// The publication that was sent first.
    pub fn oldest(&self) -> Option<&Publication<D>> {
        Some(self.sent.first()?)
    }

    /// All of them are suspects.
    pub fn suspect(&mut self) {
        self.sent.iter_mut().for_each(|p| p.suspect = true);
    }

    /// The last one sent.
    pub fn pop(&mut self) -> Option<Box<Publication<D>>> {
        self.sent.pop()
    }
}
