//! One publication, and its place among others.

use crate::core::sum::sum;
use crate::core::{Instant, PublishId};
use crate::wire::{ClientFrame, Text};

#[derive(Debug)]
pub(super) struct Publication<D> {
    pub id: PublishId,
    /// Its place in the order of publishing.
    pub number: u64,
    pub ch: Text,
    pub key: Text,
    pub data: D,
    /// The size of its frame.
    pub bytes: u64,
    /// When it was sent on this connection.
    pub sent_at: Instant,
    /// The server asked for a pause until this moment.
    pub paused_until: Option<Instant>,
    /// It was in flight when a connection closed, possibly because of it.
    pub suspect: bool,
}

impl<D: Clone> Publication<D> {
    pub fn frame(&self) -> ClientFrame<D> {
        ClientFrame::Pub { ch: self.ch.clone(), key: self.key.clone(), data: self.data.clone() }
    }
}

/// Publications, the oldest last: that is the next one. Boxed: moving a pointer is less code than moving a
/// publication.
pub(super) type Queue<D> = Vec<Box<Publication<D>>>;

/// Inserts a publication at its place, which is near the end: few others are older.
pub(super) fn insert<D>(queue: &mut Queue<D>, p: Box<Publication<D>>) {
    let at = queue.iter().rposition(|other| other.number > p.number).map_or(0, |at| at + 1);
    queue.insert(at, p);
}

/// An upper bound of the size of a publication's frame: an escaped control character has six bytes. `names` is the length of
/// its channel's name and its key.
pub(in crate::core) fn frame_bytes(names: usize, bytes: u64) -> u64 {
    sum(bytes, 6 * names as u64 + 40)
}
