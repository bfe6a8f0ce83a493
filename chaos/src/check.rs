//! Checks a run: what every client observed, and what was acknowledged, against the logs at the end and their history.

mod client;
mod report;

use crate::aof::Stored;
use crate::cluster::{ChannelLog, channel_name};
use crate::history::{Emptied, History};
use crate::record::{Acknowledged, Record};
use client::ClientCheck;

/// How many mistakes are shown.
const EXAMPLES_MAX: usize = 10;

/// What happened in a run, and how it was configured.
pub struct Run<'a> {
    pub records: &'a [Record],
    /// The logs at the end.
    pub logs: &'a [ChannelLog],
    /// All that a single Redis has stored; nothing with other stores.
    pub stored: &'a [Stored],
    /// How many messages a channel keeps.
    pub retain: u64,
    /// When Redis lost everything.
    pub emptied: &'a Emptied,
    /// How many clients did not catch up.
    pub behind: usize,
}

/// How often each promise was broken, and how much there was to check.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Neither dispatched nor reported as missing.
    pub lost: u64,
    pub duplicated: u64,
    pub out_of_order: u64,
    /// Two messages at one offset, or another message than was acknowledged.
    pub different: u64,
    /// Acknowledged, and not in a log that should have it.
    pub missing: u64,
    pub stored_twice: u64,
    /// The log had the message that was reported as missing, or it had been dispatched or reported before.
    pub false_gaps: u64,
    pub refused: u64,
    pub unanswered: u64,
    pub behind: u64,
    pub trimmed_gaps: u64,
    pub epoch_gaps: u64,
    /// How many messages were reported as missing, where the number is known.
    pub reported_missing: u64,
    pub dispatched: u64,
    pub acknowledged: u64,
    pub examples: Vec<String>,
}

impl Verdict {
    pub fn of(run: &Run<'_>) -> Verdict {
        let mut verdict = Verdict { behind: run.behind as u64, ..Verdict::default() };
        for (ch, log) in run.logs.iter().enumerate() {
            verdict.channel(run, ch as u64, log);
        }
        for record in run.records {
            verdict.refused += record.refused.len() as u64;
            verdict.unanswered += record.unanswered as u64;
            for reason in &record.refused {
                verdict.example(|| format!("a publication was refused: {reason}"));
            }
        }
        verdict
    }

    fn channel(&mut self, run: &Run<'_>, ch: u64, log: &ChannelLog) {
        let name = channel_name(ch);
        let observed = run.records.iter().filter_map(|record| record.observed.get(&ch)).map(Vec::as_slice);
        let mut history = History::of(log, run.stored.iter().filter(|stored| stored.is_in(ch)), observed);
        if run.emptied.is_empty() {
            let acknowledged = run.records.iter().flat_map(|record| &record.acknowledged);
            history.add_acknowledged(acknowledged.filter(|it| it.ch == ch));
        }
        for conflict in &history.conflicts {
            self.different += 1;
            self.example(|| format!("{name}: {conflict}"));
        }
        for key in history.stored_twice() {
            self.stored_twice += 1;
            self.example(|| format!("{name}: {key} was stored twice"));
        }
        for (client, record) in run.records.iter().enumerate() {
            if let Some(observed) = record.observed.get(&ch) {
                let name = format!("client {client}, {name}");
                ClientCheck::new(run, &history, log, name, self).check(observed);
            }
            let acknowledged = record.acknowledged.iter().filter(|acknowledged| acknowledged.ch == ch);
            acknowledged.for_each(|it| self.acknowledgment(run, &history, log, it));
        }
    }

    fn acknowledgment(&mut self, run: &Run<'_>, history: &History<'_>, log: &ChannelLog, it: &Acknowledged) {
        self.acknowledged += 1;
        let text = || {
            let Acknowledged { ch, key, id, offset } = it;
            format!("{}: {key} was acknowledged as {id} at {offset}", channel_name(*ch))
        };
        match history.by_id(it.id) {
            Some(known) if known == (it.offset, it.key) => {}
            Some((offset, key)) => {
                self.different += 1;
                self.example(|| format!("{}, and is {key} at {offset}", text()));
            }
            // It was trimmed before a client saw it, which only the files of Redis show. But a log that was never emptied
            // has no other message in its place.
            None if run.stored.is_empty()
                && it.offset < log.first
                && !(run.emptied.is_empty() && history.has(&log.epoch, it.offset)) => {}
            None => {
                self.missing += 1;
                self.example(|| format!("{}, and is missing", text()));
            }
        }
    }

    fn example(&mut self, text: impl FnOnce() -> String) {
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(text());
        }
    }
}

#[cfg(test)]
mod tests;
