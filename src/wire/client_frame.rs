//! Frames from the client to the server.

use serde::{Deserialize, Serialize};

use super::{MessageId, Position, Text};

/// A frame from the client to the server.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientFrame<D> {
    /// The first frame on every connection.
    Hello {
        /// [`VERSION`](super::VERSION).
        v: u32,
        /// Identifies this client across its connections.
        client_id: Text,
        /// The names of this page load and of the earlier ones that it continues, newest first, separated by
        /// spaces. They distinguish copies of a page that share a client id.
        lineage: Option<Text>,
        /// A JWT, if the server requires one.
        token: Option<Text>,
        /// The client sends rejected publications again later and wants to keep their order: until then, the
        /// server rejects later ones in the same channel too.
        ordered: bool,
    },
    /// Subscribe, or resume a subscription.
    Sub {
        /// The channel.
        ch: Text,
        /// Replay what comes after this position …
        position: Option<Position>,
        /// … or, without one, begin here. Without both, begin at the position that the server stores for this
        /// client id, else at the tail.
        from: Option<StartAt>,
        /// How many replayed messages the client accepts before it grants `more`.
        credit: u64,
        /// How far the replay may go without credit.
        ahead: Option<Ahead>,
        /// `ref` on the wire. Each answer to this `sub` carries it.
        reference: Option<u64>,
    },
    /// Grant more credit for replayed messages.
    More {
        /// The channel.
        ch: Text,
        /// Added to the remaining credit.
        credit: u64,
    },
    /// End a subscription.
    Unsub {
        /// The channel.
        ch: Text,
    },
    /// Publish a message.
    Pub {
        /// The channel.
        ch: Text,
        /// The idempotency key: the log stores one message per channel and key.
        key: Text,
        /// The payload.
        data: D,
    },
    /// Send an ephemeral event to the channel's current subscribers. It is never stored or replayed.
    Cast {
        /// The channel.
        ch: Text,
        /// The payload.
        data: D,
    },
    /// The position up to which the application has *processed* the channel.
    Ack {
        /// The channel.
        ch: Text,
        /// The epoch of the processed position.
        epoch: Text,
        /// Its offset.
        offset: u64,
        /// Its id.
        id: Option<MessageId>,
    },
    /// A fresh token for the open connection.
    Token {
        /// The JWT.
        token: Text,
    },
    /// Check that the server is alive.
    Ping,
}

/// How far a replay may go without credit: the client may not know yet how large the messages are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ahead {
    /// Up to so many messages may be replayed before the first `live`, whatever the credit …
    pub messages: u64,
    /// … while their frames have fewer bytes than this.
    pub bytes: u64,
}

/// Where a subscription without a position begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StartAt {
    /// After the newest message: only new messages.
    Tail,
    /// At the oldest message that the log still has.
    Start,
}

impl<D> ClientFrame<D> {
    /// The payload.
    pub fn data(&self) -> Option<&D> {
        match self {
            ClientFrame::Pub { data, .. } | ClientFrame::Cast { data, .. } => Some(data),
            _ => None,
        }
    }
}
