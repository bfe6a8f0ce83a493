//! What tells messages apart: numbers, ids that can be compared, and ids that cannot.

use super::*;

/// Whether the server numbers its messages: told by its first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbering {
    /// No message has come yet.
    Unknown,
    /// It does not: ids are remembered, and offsets are counted here.
    Ids,
    /// It does: offsets are its numbers.
    Numbers,
}

impl Numbering {
    /// Two epochs, because the offsets of the two say nothing about each other.
    pub fn epoch(self) -> Option<&'static str> {
        match self {
            Numbering::Unknown => None,
            Numbering::Ids => Some("plain"),
            Numbering::Numbers => Some("plain-numbered"),
        }
    }
}

/// A message's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// One that can be compared.
    Ordered(MessageId),
    /// Any other.
    Text(String),
}

impl Key {
    pub fn of(text: String) -> Self {
        text.parse().map_or_else(|_| Key::Text(text), Key::Ordered)
    }

    pub fn ordered(&self) -> Option<MessageId> {
        match self {
            Key::Ordered(id) => Some(*id),
            Key::Text(_) => None,
        }
    }
}

/// A message that may have to wait.
#[derive(Debug)]
pub(super) struct Item<M> {
    pub key: Key,
    pub object: M,
}

impl<M> Plain<M> {
    pub(super) fn seen(&self, key: &Key) -> bool {
        match key {
            Key::Ordered(id) => self.window.has(*id),
            Key::Text(text) => self.recent.has(text),
        }
    }

    pub(super) fn remember(&mut self, key: Key) {
        match key {
            Key::Ordered(id) => self.window.add(id),
            Key::Text(text) => self.recent.add(&text),
        }
    }
}
