//! Prints the verdict.

use super::{Run, Verdict};

impl Verdict {
    /// What must be zero.
    fn rows(&self) -> [(&'static str, u64); 10] {
        [
            ("lost", self.lost),
            ("duplicated", self.duplicated),
            ("out of order", self.out_of_order),
            ("not what the log has", self.different),
            ("acknowledged, but missing", self.missing),
            ("stored twice", self.stored_twice),
            ("false gaps", self.false_gaps),
            ("publications refused", self.refused),
            ("publications unanswered", self.unanswered),
            ("clients not caught up", self.behind),
        ]
    }

    /// Whether all promises were kept, and there was something to check.
    pub fn is_good(&self) -> bool {
        let busy = self.dispatched > 0 && self.acknowledged > 0;
        busy && self.rows().iter().all(|(_, count)| *count == 0)
    }

    /// Prints what there was to check, and how often each promise was broken.
    pub fn print(&self, run: &Run<'_>) {
        let connects: u64 = run.records.iter().map(|record| record.stats.connects).sum();
        let duplicates: u64 = run.records.iter().map(|record| record.stats.duplicates).sum();
        let heads: u64 = run.logs.iter().map(|log| log.head).sum();
        let stored = heads.max(run.stored.len() as u64);
        println!(
            "{} clients, {connects} connections, {stored} messages in {} channels, {} dispatched, \
             {duplicates} repeated by the server and dropped, {} acknowledged",
            run.records.len(),
            run.logs.len(),
            self.dispatched,
            self.acknowledged,
        );
        println!(
            "real gaps: {} of trimmed messages ({} messages; a channel keeps {}), {} of a log that was lost",
            self.trimmed_gaps, self.reported_missing, run.retain, self.epoch_gaps,
        );
        self.rows().iter().for_each(|(what, count)| println!("  {what:<26} {count:>6}"));
        self.examples.iter().for_each(|example| println!("  for example: {example}"));
    }
}
