//! Where a subscription starts.

use seamline::wire::{MessageId, Position, StartAt};

use crate::log::ChannelInfo;

/// Where a client wants to start.
#[derive(Clone, Debug)]
pub(in crate::ws) enum RequestedStart {
    /// After its position.
    After(Position),
    /// After the message with this id.
    AfterId(MessageId),
    /// At one of the log's ends.
    At(StartAt),
    /// At the position that is stored for it; without one, at one of the ends.
    Stored { otherwise: StartAt },
}

/// The same, after asking the store.
#[derive(Clone, Debug)]
pub(super) enum ResolvedStart {
    /// After its own position.
    Position(Position),
    /// At one of the log's ends.
    End(StartAt),
    /// After the position that was stored for it.
    Stored(Position),
    /// After the end of the log at which it starts, because no position was stored for it.
    StartPoint(Position),
}

impl ResolvedStart {
    pub fn position(&self) -> Option<&Position> {
        match self {
            ResolvedStart::Position(at) | ResolvedStart::Stored(at) | ResolvedStart::StartPoint(at) => {
                Some(at)
            }
            ResolvedStart::End(_) => None,
        }
    }
}

/// The decision: what to tell the client, and where the replay begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// Where the client was, as far as the server knows.
    pub at: u64,
    /// The epoch of that, if it is not the log's.
    pub at_epoch: Option<String>,
    /// The replay begins after this offset.
    pub after: u64,
    /// Whether that is what the client requested.
    pub resumed: bool,
}

/// Decides. A client without a position of its own gets the stored one unchanged, so that it can see from `epoch`,
/// `first` and `head` what it has missed.
pub(super) fn decide(resolved: &ResolvedStart, log: &ChannelInfo) -> Start {
    // `first` is at least 1: offsets begin there.
    let oldest = log.first - 1;
    let at = |after| Start { at: after, at_epoch: None, after, resumed: false };
    match resolved {
        ResolvedStart::End(StartAt::Start) => at(oldest),
        ResolvedStart::End(StartAt::Tail) => at(log.head),
        ResolvedStart::Position(position) => {
            let (after, resumed) = after(position, log);
            Start { resumed, ..at(after) }
        }
        ResolvedStart::Stored(position) | ResolvedStart::StartPoint(position) => {
            let (after, fits) = after(position, log);
            let at_epoch = (position.epoch != log.epoch).then(|| position.epoch.clone());
            let resumed = fits && matches!(resolved, ResolvedStart::Stored(_));
            Start { at: position.offset, at_epoch, after, resumed }
        }
    }
}

/// The offset after which a log goes on from a position, and whether nothing lies between.
fn after(position: &Position, log: &ChannelInfo) -> (u64, bool) {
    let oldest = log.first - 1;
    match position.offset {
        _ if position.epoch != log.epoch => (oldest, false),
        offset if offset > log.head => (log.head, false),
        offset if offset < oldest => (oldest, false),
        offset => (offset, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(epoch: &str, offset: u64) -> Position {
        Position { epoch: epoch.into(), offset, id: None }
    }

    #[test]
    fn a_subscription_starts_where_the_table_says() {
        use ResolvedStart::{End, Position as P, StartPoint as B, Stored as S};
        // The log has 11..=20; then it is empty after 20; then it never had a message.
        let log = |first, head| ChannelInfo { epoch: "e".into(), first, head };
        // What was resolved, and the log; then `at`, where the replay begins, and whether the client resumed.
        let table = [
            (P(at("e", 15)), log(11, 20), 15, 15, true),
            (P(at("e", 20)), log(11, 20), 20, 20, true),
            (P(at("e", 10)), log(11, 20), 10, 10, true),
            (P(at("e", 9)), log(11, 20), 10, 10, false),
            (P(at("e", 21)), log(11, 20), 20, 20, false),
            (P(at("x", 15)), log(11, 20), 10, 10, false),
            (S(at("e", 15)), log(11, 20), 15, 15, true),
            (S(at("e", 9)), log(11, 20), 9, 10, false),
            (S(at("e", 21)), log(11, 20), 21, 20, false),
            (S(at("x", 15)), log(11, 20), 15, 10, false),
            (B(at("e", 18)), log(11, 20), 18, 18, false),
            (B(at("e", 9)), log(11, 20), 9, 10, false),
            (End(StartAt::Start), log(11, 20), 10, 10, false),
            (End(StartAt::Tail), log(11, 20), 20, 20, false),
            (P(at("e", 20)), log(21, 20), 20, 20, true),
            (P(at("e", 19)), log(21, 20), 20, 20, false),
            (End(StartAt::Start), log(21, 20), 20, 20, false),
            (P(at("e", 0)), log(1, 0), 0, 0, true),
            (P(at("e", u64::MAX)), log(1, 0), 0, 0, false),
        ];
        for (resolved, log, at, after, resumed) in table {
            let at_epoch = matches!(&resolved, S(position) if position.epoch == "x").then(|| "x".to_owned());
            assert_eq!(
                decide(&resolved, &log),
                Start { at, at_epoch, after, resumed },
                "{resolved:?} in {log:?}"
            );
        }
    }
}
