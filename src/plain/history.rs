//! What is known about the channel's history: which messages were delivered, and the resume point.

use super::config::PlainConfig;
use super::id::{Key, Numbering};
use super::settle::Settle;
use super::window::{Recent, Window};
use crate::core::Instant;
use crate::wire::{MessageId, Position};

/// The history from a start point on.
#[derive(Debug)]
pub(super) struct History {
    /// The application's start point.
    start: Option<Position>,
    pub numbering: Numbering,
    /// The session's position.
    pub offset: u64,
    window: Window,
    recent: Recent,
    settle: Settle,
    settle_ms: u64,
    /// The id of the last numbered message that was delivered.
    last_id: Option<MessageId>,
}

impl History {
    pub fn new(start: Option<Position>, config: &PlainConfig) -> Self {
        let id = start.as_ref().and_then(|start| start.id);
        let window_max = config.window_max();
        History {
            start,
            numbering: Numbering::Unknown,
            offset: 0,
            window: Window::new(id, window_max),
            recent: Recent::new(window_max),
            settle: Settle::new(id, config.settle_ms),
            settle_ms: config.settle_ms,
            last_id: None,
        }
    }

    /// Whether it ends where a channel begins. In another channel the same offset may be another position:
    /// without numbers, messages are counted here.
    pub fn ends_at(&self, position: Option<&Position>, same_channel: bool) -> bool {
        match (self.numbering.epoch(), position) {
            (None, position) => self.start.as_ref() == position,
            (Some(epoch), Some(position)) => {
                same_channel && position.epoch == epoch && position.offset == self.offset
            }
            (Some(_), None) => false,
        }
    }

    /// Whether the application passed a start point that numbers refer to.
    pub fn starts_at_number(&self) -> bool {
        self.start.as_ref().is_some_and(|start| Some(start.epoch.as_str()) == Numbering::Numbers.epoch())
    }

    /// The epoch, and whether the position in it is known; otherwise it is `base`.
    pub fn begin(&mut self, base: u64) -> Option<(&'static str, bool)> {
        let epoch = self.numbering.epoch()?;
        let start = self.start.as_ref().filter(|start| start.epoch == epoch);
        let known = self.offset > 0 || start.is_some();
        self.offset = self.offset.max(start.map_or(base, |start| start.offset));
        Some((epoch, known))
    }

    /// A new connection.
    pub fn connected(&mut self, now: Instant) {
        self.settle.connected(now);
    }

    /// A message without a number arrived, new or not.
    pub fn arrived(&mut self, now: Instant, id: MessageId) {
        self.settle.arrived(now, id, &self.window);
    }

    pub fn has(&self, key: Key<'_>) -> bool {
        match key {
            Key::Ordered(id) => self.window.has(id),
            Key::Text(text) => self.recent.has(text),
        }
    }

    pub fn add(&mut self, key: Key<'_>) {
        match key {
            Key::Ordered(id) => self.window.add(id),
            Key::Text(text) => self.recent.add(text),
        }
    }

    /// A message is delivered. Only now it counts as seen. Returns the id of the position after it.
    pub fn delivered(&mut self, offset: u64, key: Key<'_>) -> Option<MessageId> {
        self.offset = offset;
        self.add(key);
        if self.numbering == Numbering::Numbers {
            self.last_id = key.ordered().or(self.last_id);
            key.ordered()
        } else {
            self.resume()
        }
    }

    /// The message after which the server must replay.
    pub fn resume(&self) -> Option<MessageId> {
        let floor = self.window.floor();
        let Some(last) = self.last_id else { return self.settle.resume().max(floor) };
        // Ids are not necessarily in the order of the numbers: request a little more.
        let settled = MessageId { ms: last.ms.saturating_sub(self.settle_ms), seq: 0 };
        // If no message is that old, use the moment itself: the server compares ids.
        self.window.highest_below(settled).or(floor).or((settled.ms > 0).then_some(settled))
    }
}
