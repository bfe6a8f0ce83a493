//! Missing messages are requested again; how often, and when the client gives up.
//!
//! A hole is requested once: a second `sub` from the same position replays what is missing. A frame that shows the same
//! hole again means that the server does not have the messages. They are a gap, and delivery continues after it.
//!
//! A server may also send `live` without having sent anything beyond the position, although it had sent later
//! messages before. It may be a node that lags. The client asks again, after growing pauses, until the server
//! has sent something or the pauses are used up. Then the messages are a gap too: whatever a server answers,
//! a channel continues.

use crate::core::Instant;

/// The first pause for a node that lags; each further one is twice as long. Together they take 1.75 s.
const PAUSE_MS: u64 = 250;
const PAUSES_MAX: u32 = 3;

/// Messages that were requested again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Repair {
    /// A message with this offset has arrived on this connection, so those before it are in the log.
    seen: Option<u64>,
    pauses: u32,
}

/// What to do when a replay has brought nothing of what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask again at this moment.
    AskAt(Instant),
    /// The messages up to this offset are lost.
    GiveUp(u64),
}

impl Repair {
    pub fn new(seen: u64) -> Self {
        Repair { seen: Some(seen), pauses: 0 }
    }

    /// The connection is lost. By the time of the next one, the log may have fallen back, and may no longer
    /// have the messages that arrived.
    pub fn detach(&mut self) {
        self.seen = None;
    }

    /// The server reports that the replay is over, and has sent nothing. `None` if it did not have to.
    pub fn nothing_came(&mut self, now: Instant) -> Option<Step> {
        let seen = self.seen?;
        if self.pauses == PAUSES_MAX {
            return Some(Step::GiveUp(seen));
        }
        self.pauses += 1;
        Some(Step::AskAt(now.after_ms(PAUSE_MS << (self.pauses - 1))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_node_is_asked_with_growing_pauses() {
        let mut repair = Repair::new(7);
        let steps: Vec<Step> = (0..4).filter_map(|_| repair.nothing_came(Instant(0))).collect();
        assert_eq!(steps[..3], [250, 500, 1_000].map(|ms| Step::AskAt(Instant(ms))));
        assert_eq!(steps[3], Step::GiveUp(7));
        repair.detach();
        assert_eq!(repair.nothing_came(Instant(0)), None);
    }
}
