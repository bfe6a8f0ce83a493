//! The verdict: what every client was told, and what was acknowledged, against the log: what it is in the end, and
//! what it was.

use std::collections::HashSet;

use seamline::core::{Gap, GapReason};
use seamline::wire::Position;

use crate::aof::Stored;
use crate::history::{Emptied, History};
use crate::record::{Acknowledged, Record, Told};
use crate::world::{ChannelLog, channel_name};

/// How many mistakes are told.
const TOLD_MAX: usize = 10;

/// What happened, and what the rules were.
pub struct Run<'a> {
    pub records: &'a [Record],
    /// In the end.
    pub logs: &'a [ChannelLog],
    /// All that Redis has stored; nothing, if the log was not there.
    pub stored: &'a [Stored],
    /// How many messages a channel keeps.
    pub retain: u64,
    /// When Redis lost everything.
    pub emptied: &'a Emptied,
    /// Clients that did not catch up.
    pub behind: usize,
}

/// How often each promise was broken, and what there was to keep.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Neither dispatched nor told to be missing.
    pub lost: u64,
    pub duplicated: u64,
    pub out_of_order: u64,
    /// Two messages at one place, or another one than was acknowledged.
    pub different: u64,
    /// Acknowledged, and not in a log that should have it.
    pub missing: u64,
    pub stored_twice: u64,
    /// The log had what was told to be missing; or it was dispatched, or told to be missing before.
    pub false_gaps: u64,
    pub refused: u64,
    pub unanswered: u64,
    pub behind: u64,
    pub trimmed_gaps: u64,
    pub epoch_gaps: u64,
    /// Messages that were told to be missing, where the number is known.
    pub told_missing: u64,
    pub dispatched: u64,
    pub acknowledged: u64,
    pub examples: Vec<String>,
}

impl Verdict {
    pub fn of(run: &Run<'_>) -> Verdict {
        let mut verdict = Verdict { behind: run.behind as u64, ..Verdict::default() };
        for (ch, log) in run.logs.iter().enumerate() {
            let ch = ch as u64;
            let told = run.records.iter().filter_map(|record| record.told.get(&ch)).map(Vec::as_slice);
            let stored = run.stored.iter().filter(|stored| stored.is_in(ch));
            let history = History::of(log, stored, told);
            for conflict in &history.conflicts {
                verdict.different += 1;
                verdict.example(|| format!("{}: {conflict}", channel_name(ch)));
            }
            for key in history.stored_twice() {
                verdict.stored_twice += 1;
                verdict.example(|| format!("{}: {key} was stored twice", channel_name(ch)));
            }
            for (client, record) in run.records.iter().enumerate() {
                if let Some(told) = record.told.get(&ch) {
                    Reading {
                        run,
                        history: &history,
                        log,
                        name: format!("client {client}, {}", channel_name(ch)),
                    }
                    .judge(told, &mut verdict);
                }
                let acknowledged = record.acknowledged.iter().filter(|acknowledged| acknowledged.ch == ch);
                acknowledged.for_each(|it| verdict.acknowledgement(run, &history, log, it));
            }
        }
        for record in run.records {
            verdict.refused += record.refused.len() as u64;
            verdict.unanswered += record.unanswered as u64;
            record
                .refused
                .iter()
                .for_each(|why| verdict.example(|| format!("a publication was refused: {why}")));
        }
        verdict
    }

    fn acknowledgement(&mut self, run: &Run<'_>, history: &History<'_>, log: &ChannelLog, it: &Acknowledged) {
        self.acknowledged += 1;
        let text =
            || format!("{}: {} was acknowledged as {} at {}", channel_name(it.ch), it.key, it.id, it.offset);
        match history.by_id(it.id) {
            Some(known) if known == (it.offset, it.key) => {}
            Some((offset, key)) => {
                self.different += 1;
                self.example(|| format!("{}, and is {key} at {offset}", text()));
            }
            // Trimmed, before anyone saw it. Redis would tell.
            None if run.stored.is_empty() && it.offset < log.first => {}
            None => {
                self.missing += 1;
                self.example(|| format!("{}, and is not there", text()));
            }
        }
    }

    fn example(&mut self, text: impl FnOnce() -> String) {
        if self.examples.len() < TOLD_MAX {
            self.examples.push(text());
        }
    }

    /// What must not have happened.
    fn rows(&self) -> [(&'static str, u64); 10] {
        [
            ("lost", self.lost),
            ("duplicated", self.duplicated),
            ("out of order", self.out_of_order),
            ("not what the log has", self.different),
            ("acknowledged and missing", self.missing),
            ("stored twice", self.stored_twice),
            ("gaps that are none", self.false_gaps),
            ("publications refused", self.refused),
            ("publications unanswered", self.unanswered),
            ("clients not caught up", self.behind),
        ]
    }

    /// Whether all promises were kept, and there was something to keep.
    pub fn is_good(&self) -> bool {
        let busy = self.dispatched > 0 && self.acknowledged > 0;
        busy && self.rows().iter().all(|(_, count)| *count == 0)
    }

    pub fn print(&self, run: &Run<'_>) {
        let connects: u64 = run.records.iter().map(|record| record.stats.connects).sum();
        let overlap: u64 = run.records.iter().map(|record| record.stats.duplicates).sum();
        let heads: u64 = run.logs.iter().map(|log| log.head).sum();
        let stored = heads.max(run.stored.len() as u64);
        println!(
            "{} clients, {connects} connections, {stored} messages in {} channels, {} dispatched, \
             {overlap} repeated by the server and dropped, {} acknowledged",
            run.records.len(),
            run.logs.len(),
            self.dispatched,
            self.acknowledged,
        );
        println!(
            "gaps told and real: {} of trimmed messages ({} messages, {} kept per channel), {} of a log that was lost",
            self.trimmed_gaps, self.told_missing, run.retain, self.epoch_gaps,
        );
        self.rows().iter().for_each(|(what, count)| println!("  {what:<26} {count:>6}"));
        self.examples.iter().for_each(|example| println!("  e.g. {example}"));
    }
}

/// One client's record of one channel. Dispatched messages and gaps must lie side by side, from where the client
/// began to where the log ends: so each message is in one of them, and in one only.
struct Reading<'a> {
    run: &'a Run<'a>,
    history: &'a History<'a>,
    log: &'a ChannelLog,
    name: String,
}

impl Reading<'_> {
    fn judge(&self, told: &[Told], verdict: &mut Verdict) {
        let mut place: Option<Position> = None;
        let mut dispatched = HashSet::new();
        for told in told {
            match (told, &mut place) {
                (Told::Attached(position, at_ms), place @ None) => {
                    let begins = self.begins_at(position, *at_ms);
                    verdict.lost += u64::from(!begins);
                    self.unless(begins, verdict, || format!("begins at {position:?}"));
                    *place = Some(position.clone());
                }
                (Told::Attached(position, _), Some(known)) => {
                    let same = position.epoch == known.epoch && position.offset == known.offset;
                    verdict.lost += u64::from(!same);
                    self.unless(same, verdict, || {
                        format!("was at {known:?} and begins again at {position:?}")
                    });
                    *known = position.clone();
                }
                (Told::Gap(gap, position, at_ms), place) => {
                    let real = place.as_ref().is_some_and(|at| self.is_real(gap, at, position, *at_ms));
                    self.count(gap, real, verdict);
                    self.unless(real, verdict, || format!("was at {place:?}: {gap:?} to {position:?}"));
                    *place = Some(position.clone());
                }
                (Told::Message(offset, ..), place) => {
                    verdict.dispatched += 1;
                    let last = place.as_ref().map_or(0, |at| at.offset);
                    let epoch = place.as_ref().map(|at| at.epoch.clone()).unwrap_or_default();
                    match *offset {
                        offset if !dispatched.insert((epoch, offset)) => verdict.duplicated += 1,
                        offset if offset > last => verdict.lost += offset - last - 1,
                        _ => verdict.out_of_order += 1,
                    }
                    self.unless(*offset == last + 1, verdict, || {
                        format!("{offset} was dispatched after {last}")
                    });
                    if let Some(at) = place {
                        at.offset = at.offset.max(*offset);
                    }
                }
            }
        }
        let end = place.as_ref().map_or(("", 0), |at| (at.epoch.as_str(), at.offset));
        let (epoch, head) = (self.log.epoch.as_str(), self.log.head);
        if end.0 != epoch {
            verdict.lost += head.max(1);
        } else {
            verdict.lost += head.saturating_sub(end.1);
        }
        self.unless(end == (epoch, head), verdict, || {
            format!("ends at {end:?}, and the log at {epoch} {head}")
        });
    }

    fn unless(&self, good: bool, verdict: &mut Verdict, text: impl FnOnce() -> String) {
        if !good {
            verdict.example(|| format!("{}: {}", self.name, text()));
        }
    }

    /// Whether a log's first message was after this position then.
    fn begins_at(&self, position: &Position, at_ms: u64) -> bool {
        let Position { epoch, offset, .. } = position;
        *offset == 0 || self.history.was_trimmed(epoch, *offset, at_ms, self.run.retain)
    }

    /// Whether the log did not have the messages any more that a gap tells of, and they had not been told of before.
    fn is_real(&self, gap: &Gap, at: &Position, position: &Position, at_ms: u64) -> bool {
        let goes_on = gap.from == at.offset + 1 && self.begins_at(position, at_ms);
        goes_on
            && match gap.reason {
                GapReason::EpochChanged => {
                    let (old, new) = (&at.epoch, &position.epoch);
                    gap.to.is_none() && self.history.was_emptied(old, new, at_ms, self.run.emptied)
                }
                // A replay may be trimmed twice while it is asked for; the messages are as gone.
                GapReason::Trimmed | GapReason::Hole => {
                    gap.to == Some(position.offset)
                        && position.offset >= gap.from
                        && position.epoch == at.epoch
                }
                // Redis keeps what it acknowledged, or loses all: no log falls back.
                GapReason::Rewound => false,
            }
    }

    fn count(&self, gap: &Gap, real: bool, verdict: &mut Verdict) {
        match gap.reason {
            _ if !real => verdict.false_gaps += 1,
            GapReason::EpochChanged => verdict.epoch_gaps += 1,
            _ => {
                verdict.trimmed_gaps += 1;
                verdict.told_missing += gap.to.map_or(0, |to| (to + 1).saturating_sub(gap.from));
            }
        }
    }
}

#[cfg(test)]
mod tests;
