//! What crosses the wire: objects from the server, and the two kinds of frames that the client sends.

use super::id::Key;
use crate::wire::MessageId;

/// An object from the server, with its id and number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming<M> {
    /// The id, if it has one.
    pub id: Option<String>,
    /// The number, if it has one.
    pub number: Option<u64>,
    /// The whole object. Nothing inspects it.
    pub object: M,
}

/// A message of the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<M> {
    /// The id, as the server wrote it.
    pub id: String,
    /// The id of the position after this message, known when it is delivered. Without numbers it lags behind the
    /// message's own id.
    pub position_id: Option<MessageId>,
    /// The whole object.
    pub object: M,
}

impl<M> Message<M> {
    pub(super) fn key(&self) -> Key<'_> {
        Key::of(&self.id)
    }
}

/// A frame for the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame<M> {
    /// An acknowledgement, as JSON.
    Ack(String),
    /// The application's cast, unchanged.
    Cast(M),
}
