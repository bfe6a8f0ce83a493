//! The phases of a subscription.

use crate::core::sum::sum;
use crate::core::{Batch, Instant};

/// The phases. Each carries the data that is valid only in it.
#[derive(Debug)]
pub(super) enum Phase<B> {
    /// No connection, or the server refused the channel on this one.
    Detached,
    /// The server has a subscription for this channel, or is about to.
    Attached(Subscription<B>),
    /// The application cannot keep up: unsubscribed until it has.
    Lagging,
    /// The server asked for a pause until this moment.
    Suspended { until: Instant },
    /// The server allows no further channel on this connection.
    OverLimit,
}

/// A subscription on the server's side.
#[derive(Debug)]
pub(super) struct Subscription<B> {
    /// The reference of the `sub` that began it. An answer to an earlier `sub` does not affect it.
    pub reference: u64,
    /// How many replayed messages were granted to the server.
    pub granted: u64,
    /// How many it has sent. That may be more: it may go ahead of the credit.
    pub used: u64,
    pub stage: Stage<B>,
}

/// The stage of a subscription.
#[derive(Debug)]
pub(super) enum Stage<B> {
    /// `sub` is sent. Frames that arrive before `subd` belong to an earlier `sub`, whose replay this one
    /// repeats. They are dropped.
    Requested,
    /// The replay runs. Live frames ahead of it are buffered until it has reached them.
    Replaying(Buffer<B>),
    /// Frames follow each other without a hole. If the server has still not sent what was requested again, it is
    /// asked once more at `ask_at`.
    Live { ask_at: Option<Instant> },
}

impl<B> Phase<B> {
    /// `sub` is sent.
    pub fn requested(reference: u64, granted: u64) -> Self {
        Phase::Attached(Subscription { reference, granted, used: 0, stage: Stage::Requested })
    }

    pub fn subscription(&self) -> Option<&Subscription<B>> {
        match self {
            Phase::Attached(subscription) => Some(subscription),
            Phase::Detached | Phase::Lagging | Phase::Suspended { .. } | Phase::OverLimit => None,
        }
    }

    pub fn subscription_mut(&mut self) -> Option<&mut Subscription<B>> {
        match self {
            Phase::Attached(subscription) => Some(subscription),
            Phase::Detached | Phase::Lagging | Phase::Suspended { .. } | Phase::OverLimit => None,
        }
    }

    /// Whether messages may arrive: the server has answered `sub`.
    pub fn is_streaming(&self) -> bool {
        matches!(self, Phase::Attached(it) if !matches!(it.stage, Stage::Requested))
    }

    pub fn is_live(&self) -> bool {
        matches!(self, Phase::Attached(Subscription { stage: Stage::Live { .. }, .. }))
    }

    /// The live frames that wait for the replay, if one runs.
    pub fn buffer(&mut self) -> Option<&mut Buffer<B>> {
        match self {
            Phase::Attached(Subscription { stage: Stage::Replaying(buffer), .. }) => Some(buffer),
            _ => None,
        }
    }

    /// When to subscribe again.
    pub fn subscribe_at(&self) -> Option<Instant> {
        match self {
            Phase::Suspended { until } => Some(*until),
            Phase::Attached(Subscription { stage: Stage::Live { ask_at }, .. }) => *ask_at,
            _ => None,
        }
    }
}

impl<B> Subscription<B> {
    /// The replay is over. Returns the buffered frames: none if the channel was already live (the server fell
    /// back to the log for a while). `None` if there is no replay.
    pub fn go_live(&mut self) -> Option<Buffer<B>> {
        match &mut self.stage {
            Stage::Requested => None,
            Stage::Replaying(buffer) => {
                let buffer = std::mem::take(buffer);
                self.stage = Stage::Live { ask_at: None };
                Some(buffer)
            }
            Stage::Live { .. } => Some(Buffer::default()),
        }
    }
}

/// Live frames that arrived ahead of a replay.
#[derive(Debug)]
pub(super) struct Buffer<B> {
    batches: Vec<Batch<B>>,
    /// The highest offset that arrived, whether or not there was room for it.
    end: Option<u64>,
    /// The lowest offset for which there was no room.
    dropped_from: Option<u64>,
}

impl<B> Default for Buffer<B> {
    fn default() -> Self {
        Buffer { batches: Vec::new(), end: None, dropped_from: None }
    }
}

impl<B> Buffer<B> {
    /// How many messages are buffered.
    pub fn count(&self) -> u64 {
        self.batches.iter().map(|batch| batch.count).sum()
    }

    /// Buffers a frame, unless that exceeds the maximum of messages or bytes. Returns whether it did.
    pub fn push(&mut self, batch: Batch<B>, messages_max: u64, bytes_max: u64) -> bool {
        self.end = self.end.max(Some(batch.end()));
        let bytes: u64 = self.batches.iter().map(|batch| batch.bytes).sum();
        let fits = sum(self.count(), batch.count) <= messages_max
            && (self.batches.is_empty() || sum(bytes, batch.bytes) <= bytes_max);
        if fits {
            self.batches.push(batch);
        } else {
            self.dropped_from = Some(self.dropped_from.map_or(batch.n, |from| from.min(batch.n)));
        }
        fits
    }

    /// The frames in order, the highest offset that arrived, and the lowest for which there was no room.
    pub fn into_parts(self) -> (Vec<Batch<B>>, Option<u64>, Option<u64>) {
        (self.batches, self.end, self.dropped_from)
    }
}
