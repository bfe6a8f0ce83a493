//! What a session reports to the application.

#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
use std::fmt;

use super::error::Error;
use super::state::State;
use super::sum::sum;
use crate::wire::{Known, MessageId, Position, known};

/// Identifies a subscription of a session; two subscriptions to the same channel, one after the other, differ.
pub type ChannelId = u32;
/// Identifies a publication of a session.
pub type PublishId = u32;

/// Something to report to the application. The events of one channel are in the channel's order.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<B, D> {
    /// The connection's state changed.
    State(State),
    /// The server accepted a subscription, and the channel has its first position.
    Attached {
        /// The channel.
        channel: ChannelId,
        /// Where it begins.
        position: Position,
    },
    /// New messages.
    Deliver {
        /// The channel.
        channel: ChannelId,
        /// The batch as it arrived.
        batch: Batch<B>,
        /// How many messages at its beginning were delivered before.
        skip: u64,
    },
    /// Messages were lost. Later messages of the channel follow the gap.
    Gap {
        /// The channel.
        channel: ChannelId,
        /// What is missing.
        gap: Gap,
        /// Where the channel continues.
        position: Position,
    },
    /// The replay has reached the live stream: the channel is up to date.
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
        /// The id that the log assigned.
        id: MessageId,
        /// The offset that the log assigned.
        offset: u64,
    },
    /// A publication failed for good.
    PublishFailed {
        /// The publication.
        publish: PublishId,
        /// Why.
        error: Error,
    },
    /// An error that does not end the session.
    Error {
        /// The channel that the error is about, if any.
        channel: Option<ChannelId>,
        /// The error.
        error: Error,
    },
}

/// A contiguous run of messages from one frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<B> {
    /// The first message's offset.
    pub n: u64,
    /// How many there are.
    pub count: u64,
    /// The last message's id.
    pub last_id: MessageId,
    /// Whether they are from the replay.
    pub replay: bool,
    /// The size of their frame: its length as text.
    pub bytes: u64,
    /// The messages themselves. The core does not inspect them.
    pub payload: B,
}

impl<B> Batch<B> {
    /// The last message's offset. A batch has at least one message.
    pub fn end(&self) -> u64 {
        sum(self.n, self.count.saturating_sub(1))
    }
}

/// A loss of messages in a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(all(target_arch = "wasm32", feature = "js-texts")), derive(serde::Serialize))]
pub struct Gap {
    /// The first offset that is missing.
    pub from: u64,
    /// The last missing offset; unknown if the log was replaced.
    pub to: Option<u64>,
    /// Why they are missing.
    pub reason: GapReason,
}

/// Why messages are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(all(target_arch = "wasm32", feature = "js-texts")),
    derive(serde::Serialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum GapReason {
    /// The log no longer has them: its retention was shorter than the absence.
    Trimmed,
    /// The log was replaced by another one. How far the old one went is unknown.
    EpochChanged,
    /// The log fell back behind this client (an older snapshot was restored). The messages of these offsets
    /// were delivered, but the log has lost them and will reuse the offsets.
    Rewound,
    /// The server skipped the messages, and skipped them again when asked.
    Hole,
}

impl GapReason {
    /// The reason as a word.
    #[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
    pub fn as_str(self) -> &'static str {
        self.word()
    }

    pub(crate) fn word(self) -> Known {
        match self {
            GapReason::Trimmed => known!("trimmed"),
            GapReason::EpochChanged => known!("epoch_changed"),
            GapReason::Rewound => known!("rewound"),
            GapReason::Hole => known!("hole"),
        }
    }
}

#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Gap { from, to, reason } = self;
        match to {
            Some(to) if to == from => write!(f, "message {from} is lost: {reason}"),
            Some(to) => write!(f, "messages {from} to {to} are lost: {reason}"),
            None => write!(f, "messages from {from} on are lost: {reason}"),
        }
    }
}

#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
impl fmt::Display for GapReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_sentences() {
        let gap = |to, reason| Gap { from: 7, to, reason }.to_string();
        assert_eq!(gap(Some(9), GapReason::Trimmed), "messages 7 to 9 are lost: trimmed");
        assert_eq!(gap(Some(7), GapReason::Hole), "message 7 is lost: hole");
        assert_eq!(gap(None, GapReason::EpochChanged), "messages from 7 on are lost: epoch_changed");
    }
}
