//! Where a subscription stands in its life.

use crate::core::{Batch, Instant};

/// The phases. Each carries what is true only in it.
#[derive(Debug)]
pub(super) enum Phase<B> {
    /// No connection, or the server refused the channel on this one.
    Detached,
    /// `sub` is sent under this reference. Frames that come before `subd` belong to an earlier `sub`,
    /// whose replay this one repeats: they are dropped.
    Subscribing { reference: u64 },
    /// The replay runs. Live frames that lie ahead of it are buffered until it has met them.
    Replaying { reference: u64, buffered: Buffered<B> },
    /// Frames follow each other without a hole. Where the server has still not sent what was asked for
    /// again, it is asked once more at a moment.
    Live { reference: u64, ask_at: Option<Instant> },
    /// The application cannot keep up: unsubscribed until it has.
    Lagging,
    /// The server asked for a pause until this moment.
    Suspended { until: Instant },
    /// The server allows no further channel on this connection.
    OverLimit,
}

impl<B> Phase<B> {
    pub fn replaying(reference: u64) -> Self {
        Phase::Replaying { reference, buffered: Buffered::default() }
    }

    /// The replay is over: what was buffered meanwhile, which is nothing where the channel was live already
    /// (the server fell back to the log for a while). `None` where there is no replay.
    pub fn go_live(&mut self) -> Option<Buffered<B>> {
        let reference = self.reference()?;
        match self {
            Phase::Replaying { buffered, .. } => {
                let buffered = std::mem::take(buffered);
                *self = Phase::Live { reference, ask_at: None };
                Some(buffered)
            }
            Phase::Live { .. } => Some(Buffered::default()),
            _ => None,
        }
    }

    /// Subscribe again at this moment, if the channel is still live by then.
    pub fn ask_at(&mut self, at: Instant) {
        if let Phase::Live { ask_at, .. } = self {
            *ask_at = Some(at);
        }
    }

    /// When to subscribe again.
    pub fn subscribe_at(&self) -> Option<Instant> {
        match *self {
            Phase::Suspended { until } => Some(until),
            Phase::Live { ask_at, .. } => ask_at,
            _ => None,
        }
    }

    /// Whether the server has a subscription for this channel, or is about to.
    pub fn is_attached(&self) -> bool {
        self.reference().is_some()
    }

    /// Which `sub` was the last, if it still counts; an answer to an earlier one says nothing of it.
    pub fn reference(&self) -> Option<u64> {
        match *self {
            Phase::Subscribing { reference }
            | Phase::Replaying { reference, .. }
            | Phase::Live { reference, .. } => Some(reference),
            Phase::Detached | Phase::Lagging | Phase::Suspended { .. } | Phase::OverLimit => None,
        }
    }
}

/// Live frames that came ahead of a replay.
#[derive(Debug)]
pub(super) struct Buffered<B> {
    batches: Vec<Batch<B>>,
    /// The highest offset that came, buffered or not.
    end: u64,
    /// The lowest offset that found no room.
    dropped_from: Option<u64>,
}

impl<B> Default for Buffered<B> {
    fn default() -> Self {
        Buffered { batches: Vec::new(), end: 0, dropped_from: None }
    }
}

impl<B> Buffered<B> {
    /// How many messages are buffered.
    pub fn count(&self) -> u64 {
        self.batches.iter().map(|batch| batch.count).sum()
    }

    /// Keeps a frame, unless that makes it more than so many messages or bytes. Returns whether it did.
    pub fn push(&mut self, batch: Batch<B>, messages_max: u64, bytes_max: u64) -> bool {
        self.end = self.end.max(batch.end());
        let bytes: u64 = self.batches.iter().map(|batch| batch.bytes).sum();
        let fits = self.count().saturating_add(batch.count) <= messages_max
            && (self.batches.is_empty() || bytes.saturating_add(batch.bytes) <= bytes_max);
        if fits {
            self.batches.push(batch);
        } else {
            self.dropped_from = Some(self.dropped_from.map_or(batch.n, |from| from.min(batch.n)));
        }
        fits
    }

    /// The frames in their order, the highest offset that came, and the lowest that found no room.
    pub fn into_parts(self) -> (Vec<Batch<B>>, u64, Option<u64>) {
        (self.batches, self.end, self.dropped_from)
    }
}
