//! Where a handle begins in a subscription that it shares with others, and what it misses there. The subscription is a
//! stream of its own for each handle: a handle that is ahead of it drops what it has had. `js/src/start-point.ts` has
//! the same rules.

use crate::core::{Gap, GapReason};
use crate::wire::{Position, StartAt};

/// The start point of a channel's handle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StartFrom {
    /// Where the channel's other handles are, if some are open. Else where this client's last handle of it was, else
    /// the position that the server stores for this client id, else the tail.
    #[default]
    Stored,
    /// At the oldest message that the log still has.
    Start,
    /// After the newest message: only new messages.
    Tail,
    /// After a position.
    After(Position),
}

impl StartFrom {
    /// The position, if it is one.
    pub(super) fn position(&self) -> Option<&Position> {
        match self {
            StartFrom::After(position) => Some(position),
            _ => None,
        }
    }

    /// The start point in the terms of the core.
    pub(super) fn for_session(&self) -> (Option<StartAt>, Option<Position>) {
        match self {
            StartFrom::Stored => (None, None),
            StartFrom::Start => (Some(StartAt::Start), None),
            StartFrom::Tail => (Some(StartAt::Tail), None),
            StartFrom::After(position) => (None, Some(position.clone())),
        }
    }

    fn is_same(&self, other: &StartFrom) -> bool {
        match (self, other) {
            (StartFrom::After(a), StartFrom::After(b)) => (&a.epoch, a.offset) == (&b.epoch, b.offset),
            _ => self == other,
        }
    }
}

/// The messages of a channel that one subscription fetches, from its start point on.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    /// Identifies it among the streams of its channel.
    pub id: u64,
    pub from: StartFrom,
    /// Everything up to here has arrived. Unknown until the server answers, unless `from` is a position.
    pub position: Option<Position>,
    pub arrived: Count,
}

/// How much of a stream has arrived, or is processed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub messages: u64,
    /// Messages and gaps.
    pub steps: u64,
}

/// How a handle joins a stream.
#[derive(Debug, PartialEq)]
pub(super) enum Join {
    /// After what has arrived.
    Here,
    /// After its own position.
    Ahead,
    /// Later, because its start point cannot be compared yet.
    Wait,
    /// By beginning the stream again, at this start point.
    Again(StartFrom),
}

/// How a handle that requests a start point joins a stream that others follow.
pub(super) fn join(from: &StartFrom, stream: &Stream, is_live: bool) -> Join {
    if *from == StartFrom::Stored || (stream.arrived.steps == 0 && from.is_same(&stream.from)) {
        return Join::Here;
    }
    if *from == StartFrom::Tail {
        return if is_live { Join::Here } else { Join::Wait };
    }
    let Some(at) = &stream.position else {
        let is_ahead = stream.from == StartFrom::Start && from.position().is_some();
        return if is_ahead { Join::Ahead } else { Join::Wait };
    };
    match from.position() {
        // All of the log is new for a position of another epoch.
        None => Join::Again(StartFrom::Start),
        Some(from) if from.epoch != at.epoch => Join::Again(StartFrom::Start),
        Some(position) if position.offset < at.offset => Join::Again(from.clone()),
        Some(position) if position.offset == at.offset => Join::Here,
        // The server's answer shows whether the log has that position.
        Some(_) if is_live => Join::Again(StartFrom::After(at.clone())),
        Some(_) => Join::Ahead,
    }
}

/// What a handle that has had everything up to `had` misses when the stream continues after `position`, if anything.
/// `reason` is why the stream continues there.
pub(super) fn missed(had: &Position, position: &Position, reason: GapReason) -> Option<Gap> {
    let (next, end) = (had.offset.saturating_add(1), position.offset);
    if had.epoch != position.epoch {
        return Some(Gap { from: next, to: None, reason: GapReason::EpochChanged });
    }
    if end >= next {
        let reason = if reason == GapReason::EpochChanged { GapReason::Trimmed } else { reason };
        return Some(Gap { from: next, to: Some(end), reason });
    }
    let is_rewound = reason == GapReason::Rewound && end < had.offset;
    is_rewound.then_some(Gap { from: end + 1, to: Some(had.offset), reason })
}
