//! What identifies messages: numbers, ids that have an order, and ids that do not.

use crate::wire::MessageId;

/// Whether the server numbers its messages; the first one decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbering {
    /// No message has arrived yet.
    Unknown,
    /// No: the client remembers ids and counts offsets.
    Ids,
    /// Yes: its numbers are the offsets.
    Numbers,
}

impl Numbering {
    /// Two epochs, because the two kinds of offsets cannot be compared.
    pub fn epoch(self) -> Option<&'static str> {
        match self {
            Numbering::Unknown => None,
            Numbering::Ids => Some("plain"),
            Numbering::Numbers => Some("plain-numbered"),
        }
    }
}

/// How a message's id is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key<'a> {
    /// The id has an order.
    Ordered(MessageId),
    /// The id can only be compared for equality.
    Text(&'a str),
}

impl<'a> Key<'a> {
    pub fn of(id: &'a str) -> Self {
        id.parse().map_or(Key::Text(id), Key::Ordered)
    }

    pub fn ordered(self) -> Option<MessageId> {
        match self {
            Key::Ordered(id) => Some(id),
            Key::Text(_) => None,
        }
    }
}
