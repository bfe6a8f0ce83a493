//! Where a subscription begins.

use seamline::wire::{MessageId, Position, StartAt};

use crate::log::ChannelInfo;

/// Where a client wants to begin.
#[derive(Clone, Debug)]
pub(in crate::ws) enum Begin {
    /// After its position.
    After(Position),
    /// After a message of which it knows the id.
    AfterId(MessageId),
    /// At one of the log's ends.
    At(StartAt),
    /// Where it was the last time; if nobody knows, at one of the ends.
    Stored { otherwise: StartAt },
}

/// The same, when the log has been asked.
#[derive(Clone, Debug)]
pub(in crate::ws) enum Asked {
    /// After a position of its own.
    Position(Position),
    /// At one of the log's ends.
    End(StartAt),
    /// After the position that was stored for it the last time.
    Stored(Position),
    /// After the end of the log at which it starts, because no position was stored for it.
    StartPoint(Position),
}

/// What to tell the client, and where the replay begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ws) struct Start {
    /// Where the client was, as far as the server knows.
    pub at: u64,
    /// The epoch of that, where it is another than the log's.
    pub at_epoch: Option<String>,
    /// The replay begins after this offset.
    pub after: u64,
    /// Whether that is what was asked for.
    pub resumed: bool,
}

/// Decides. A client without a position learns where it had been just as it was stored, so that it can
/// tell by `epoch`, `first` and `head` what it has missed.
pub(in crate::ws) fn start(asked: &Asked, log: &ChannelInfo) -> Start {
    // `first` is at least 1: offsets begin there.
    let oldest = log.first - 1;
    let at = |after| Start { at: after, at_epoch: None, after, resumed: false };
    match asked {
        Asked::End(StartAt::Start) => at(oldest),
        Asked::End(StartAt::Tail) => at(log.head),
        Asked::Position(position) => {
            let (after, resumed) = after(position, log);
            Start { resumed, ..at(after) }
        }
        Asked::Stored(position) | Asked::StartPoint(position) => {
            let (after, fits) = after(position, log);
            let at_epoch = (position.epoch != log.epoch).then(|| position.epoch.clone());
            let resumed = fits && matches!(asked, Asked::Stored(_));
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
    fn a_subscription_begins_where_the_table_says() {
        use Asked::{End, Position as P, StartPoint as B, Stored as S};
        // The log has 11..=20; then it is empty after 20; then it never had a message.
        let log = |first, head| ChannelInfo { epoch: "e".into(), first, head };
        // What was asked, of which log; then `at`, where the replay begins, and whether that was it.
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
        for (asked, log, at, after, resumed) in table {
            let at_epoch = matches!(&asked, S(position) if position.epoch == "x").then(|| "x".to_owned());
            assert_eq!(start(&asked, &log), Start { at, at_epoch, after, resumed }, "{asked:?} in {log:?}");
        }
    }
}
