//! Checks what one client observed on one channel.

use std::collections::HashSet;

use seamline::core::{Gap, GapReason};
use seamline::wire::Position;

use super::{Run, Verdict};
use crate::cluster::ChannelLog;
use crate::history::History;
use crate::record::Observed;

/// The check of one client and one channel. Dispatched messages and gaps must follow one another without an overlap,
/// from where the client began to where the log ends: then each message is in one of them, and in one only.
pub struct ClientCheck<'a> {
    run: &'a Run<'a>,
    history: &'a History<'a>,
    log: &'a ChannelLog,
    name: String,
    verdict: &'a mut Verdict,
    /// Where the client is.
    position: Option<Position>,
    /// Epochs and offsets.
    dispatched: HashSet<(String, u64)>,
}

impl<'a> ClientCheck<'a> {
    pub fn new(
        run: &'a Run<'a>,
        history: &'a History<'a>,
        log: &'a ChannelLog,
        name: String,
        verdict: &'a mut Verdict,
    ) -> Self {
        ClientCheck { run, history, log, name, verdict, position: None, dispatched: HashSet::new() }
    }

    pub fn check(mut self, observed: &[Observed]) {
        for observed in observed {
            match observed {
                Observed::Attached(position, at_ms) => self.attached(position, *at_ms),
                Observed::Gap(gap, position, at_ms) => self.gap(gap, position, *at_ms),
                Observed::Message(offset, ..) => self.message(*offset),
            }
        }
        self.end();
    }

    fn attached(&mut self, position: &Position, at_ms: u64) {
        let (good, text) = match &self.position {
            None => (self.may_begin_at(position, at_ms), format!("begins at {position:?}")),
            Some(known) => {
                let same = position.epoch == known.epoch && position.offset == known.offset;
                (same, format!("was at {known:?} and begins again at {position:?}"))
            }
        };
        self.verdict.lost += u64::from(!good);
        self.expect(good, || text);
        self.position = Some(position.clone());
    }

    fn gap(&mut self, gap: &Gap, position: &Position, at_ms: u64) {
        let real = self.position.as_ref().is_some_and(|at| self.is_real(gap, at, position, at_ms));
        match gap.reason {
            _ if !real => self.verdict.false_gaps += 1,
            GapReason::EpochChanged => self.verdict.epoch_gaps += 1,
            _ => {
                self.verdict.trimmed_gaps += 1;
                self.verdict.reported_missing += gap.to.map_or(0, |to| (to + 1).saturating_sub(gap.from));
            }
        }
        let known = self.position.replace(position.clone());
        self.expect(real, || format!("was at {known:?}: {gap:?} to {position:?}"));
    }

    fn message(&mut self, offset: u64) {
        self.verdict.dispatched += 1;
        let (epoch, last) = self.position.as_ref().map_or(("", 0), |at| (at.epoch.as_str(), at.offset));
        if !self.dispatched.insert((epoch.to_owned(), offset)) {
            self.verdict.duplicated += 1;
        } else if offset > last {
            self.verdict.lost += offset - last - 1;
        } else {
            self.verdict.out_of_order += 1;
        }
        self.expect(offset == last + 1, || format!("{offset} was dispatched after {last}"));
        if let Some(at) = &mut self.position {
            at.offset = at.offset.max(offset);
        }
    }

    /// The client must be where the log ends.
    fn end(mut self) {
        let (epoch, head) = (self.log.epoch.as_str(), self.log.head);
        let position = self.position.take();
        let end = position.as_ref().map_or(("", 0), |at| (at.epoch.as_str(), at.offset));
        self.verdict.lost += if end.0 == epoch { head.saturating_sub(end.1) } else { head.max(1) };
        self.expect(end == (epoch, head), || format!("ends at {end:?}, and the log at {epoch} {head}"));
    }

    fn expect(&mut self, good: bool, text: impl FnOnce() -> String) {
        if !good {
            self.verdict.example(|| format!("{}: {}", self.name, text()));
        }
    }

    /// Whether the log's first message was after this position at this time.
    fn may_begin_at(&self, position: &Position, at_ms: u64) -> bool {
        let Position { epoch, offset, .. } = position;
        *offset == 0 || self.history.was_trimmed(epoch, *offset, at_ms, self.run.retain)
    }

    /// Whether the log no longer had the messages of a gap, and none of them had been observed before.
    fn is_real(&self, gap: &Gap, at: &Position, position: &Position, at_ms: u64) -> bool {
        let continues = gap.from == at.offset + 1 && self.may_begin_at(position, at_ms);
        continues
            && match gap.reason {
                GapReason::EpochChanged => {
                    let (old, new) = (&at.epoch, &position.epoch);
                    gap.to.is_none() && self.history.was_emptied(old, new, at_ms, self.run.emptied)
                }
                // A replay may be trimmed a second time while it is requested; the messages are missing all the same.
                GapReason::Trimmed | GapReason::Hole => {
                    gap.to == Some(position.offset)
                        && position.offset >= gap.from
                        && position.epoch == at.epoch
                }
                // Redis keeps what it acknowledged, or loses everything: no log goes back (`Rewound`).
                _ => false,
            }
    }
}
