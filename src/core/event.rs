//! What a session reports to the application.

use super::error::Error;
use super::state::State;
use crate::wire::{MessageId, Position};

/// Identifies a subscription of a session; two subscriptions to the same channel, one after the other, differ.
pub type ChannelId = u32;
/// Identifies a publication of a session.
pub type PublishId = u32;

/// Something for the application to know. What concerns one channel is in the channel's order.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<B, D> {
    /// The connection's state changed.
    State(State),
    /// A channel got its first position: the subscription stands, and this is where it begins.
    Attached {
        /// The channel.
        channel: ChannelId,
        /// Where it begins.
        position: Position,
    },
    /// Messages, new ones only.
    Deliver {
        /// The channel.
        channel: ChannelId,
        /// The batch as it came in.
        batch: Batch<B>,
        /// How many messages at its beginning were delivered before.
        skip: u64,
    },
    /// Messages were lost; what comes next in the channel comes after them.
    Gap {
        /// The channel.
        channel: ChannelId,
        /// What is missing.
        gap: Gap,
        /// Where the channel goes on.
        position: Position,
    },
    /// The replay has met the live stream: the channel is up to date.
    Live {
        /// The channel.
        channel: ChannelId,
    },
    /// An ephemeral event.
    Cast {
        /// The channel.
        channel: ChannelId,
        /// Its payload.
        data: D,
    },
    /// A publication is in the log.
    Published {
        /// The publication.
        publish: PublishId,
        /// The id that the log gave it.
        id: MessageId,
        /// The offset that the log gave it.
        offset: u64,
    },
    /// A publication was refused for good.
    PublishFailed {
        /// The publication.
        publish: PublishId,
        /// Why.
        error: Error,
    },
    /// Something went wrong; the session goes on.
    Error {
        /// The channel it concerns, if it concerns one.
        channel: Option<ChannelId>,
        /// What.
        error: Error,
    },
}

/// A contiguous run of messages, as one frame brought it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<B> {
    /// The first message's offset.
    pub n: u64,
    /// How many there are.
    pub count: u64,
    /// The last message's id.
    pub last_id: MessageId,
    /// Whether they come from the replay.
    pub replay: bool,
    /// The size of the frame that brought them: its length as text.
    pub bytes: u64,
    /// The messages themselves, which the core does not look at.
    pub payload: B,
}

impl<B> Batch<B> {
    /// The last message's offset. A batch has a message.
    pub fn end(&self) -> u64 {
        self.n.saturating_add(self.count.saturating_sub(1))
    }
}

/// A hole in what a channel delivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first offset that is missing.
    pub from: u64,
    /// The last one; unknown where the log was replaced.
    pub to: Option<u64>,
    /// Why they are missing.
    pub reason: GapReason,
}

/// Why messages are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapReason {
    /// The log no longer has them: its retention was shorter than the absence.
    Trimmed,
    /// The log was replaced by another one; what followed in the old one is not known.
    EpochChanged,
    /// The log has fallen back behind this client (an older snapshot was restored): the messages of
    /// these offsets were delivered, but the log has forgotten them and will use the offsets again.
    Rewound,
    /// The server skipped them, and skipped them again when asked.
    Hole,
}

impl GapReason {
    /// The reason as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            GapReason::Trimmed => "trimmed",
            GapReason::EpochChanged => "epoch_changed",
            GapReason::Rewound => "rewound",
            GapReason::Hole => "hole",
        }
    }
}
