//! How far the application has processed the delivered messages, and what the server knows about it.

use super::queue::Queue;
use crate::wire::Position;

/// What the application has processed.
#[derive(Debug)]
pub(super) struct Progress {
    /// Everything up to here was processed by the application.
    processed: Option<Position>,
    acked: Option<Position>,
    /// Messages that are delivered and not yet processed.
    pub queue: Queue,
    /// The log was rewound, and the application has not yet processed a message from after that.
    rewind: Option<Rewind>,
}

#[derive(Debug)]
struct Rewind {
    /// Where the log was rewound to.
    end: Position,
    /// How many messages at the start of the queue are from before the rewind. Their offsets now identify
    /// other messages.
    outdated: u64,
}

impl Progress {
    /// The application begins after `position`, which the server knows.
    pub fn new(position: Option<Position>) -> Self {
        Progress { processed: position.clone(), acked: position, queue: Queue::default(), rewind: None }
    }

    /// The application has processed `count` more messages, and everything up to `position`.
    pub fn processed(&mut self, count: u64, position: Position) {
        match &mut self.rewind {
            Some(rewind) if count <= rewind.outdated => {
                rewind.outdated -= count;
                // A gap from before the rewind counts no messages. Only the next call shows which gap it is.
                if rewind.end == position {
                    self.processed = Some(position);
                }
            }
            _ => {
                self.rewind = None;
                self.processed = Some(position);
            }
        }
        self.queue.processed(count);
    }

    /// The log continues after `end`. It no longer has the later messages that the application received.
    pub fn rewound(&mut self, end: &Position) {
        self.rewind = Some(Rewind { end: end.clone(), outdated: self.queue.messages() });
        if let Some(processed) = &self.processed
            && processed.epoch == end.epoch // of another one, it says nothing about this log
            && processed.offset > end.offset
        {
            self.processed = Some(end.clone());
        }
    }

    /// The connection is lost, and the last ack may be lost with it.
    pub fn forget_acks(&mut self) {
        self.acked = None;
    }

    /// Whether there is something to acknowledge.
    pub fn unacked(&self) -> bool {
        self.processed != self.acked
    }

    /// What to acknowledge now, in a log that was delivered up to `delivered`. Positions of a replaced log
    /// are not acknowledged.
    pub fn next_ack(&mut self, delivered: &Position) -> Option<Position> {
        let processed = self.processed.as_ref()?;
        let ours = processed.epoch == delivered.epoch && processed.offset <= delivered.offset;
        if !ours || !self.unacked() {
            return None;
        }
        self.acked = self.processed.clone();
        self.acked.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(epoch: &str, offset: u64) -> Position {
        Position { epoch: epoch.into(), offset, id: None }
    }

    fn processed_to(position: Position) -> Progress {
        let mut progress = Progress::new(Some(at("e", 0)));
        progress.queue.delivered(10, 100);
        progress.processed(3, position);
        progress
    }

    #[test]
    fn positions_are_acknowledged_once_per_connection() {
        let mut progress = processed_to(at("e", 3));
        assert_eq!((progress.queue.messages(), progress.unacked()), (7, true));
        assert_eq!(progress.next_ack(&at("e", 10)), Some(at("e", 3)));
        assert_eq!((progress.unacked(), progress.next_ack(&at("e", 10))), (false, None));
        progress.forget_acks();
        assert_eq!(progress.next_ack(&at("e", 10)), Some(at("e", 3)));
    }

    #[test]
    fn positions_outside_the_log_are_not_acknowledged() {
        let mut progress = processed_to(at("e", 3));
        for delivered in [at("x", 10), at("e", 2)] {
            assert_eq!((progress.next_ack(&delivered), progress.unacked()), (None, true), "{delivered:?}");
        }
    }

    #[test]
    fn old_deliveries_do_not_count_after_a_rewind() {
        let mut progress = processed_to(at("e", 3));
        progress.rewound(&at("e", 2));
        assert_eq!(progress.next_ack(&at("e", 2)), Some(at("e", 2)));
        progress.queue.delivered(1, 10); // the new 3
        for before in 4..=10 {
            progress.processed(1, at("e", before));
            assert_eq!(progress.next_ack(&at("e", 3)), None, "the old {before}");
        }
        progress.processed(1, at("e", 3));
        assert_eq!((progress.next_ack(&at("e", 3)), progress.queue.messages()), (Some(at("e", 3)), 0));
    }

    #[test]
    fn a_rewind_ahead_of_the_processed_position_changes_nothing() {
        for (processed, end) in [(at("e", 3), at("e", 3)), (at("x", 9), at("e", 3))] {
            let mut progress = processed_to(processed.clone());
            progress.rewound(&end);
            assert_eq!(progress.processed, Some(processed));
        }
    }
}
