//! The counts, which show that the faults really occur.

use std::fmt;

use seamline::core::Stats;

#[derive(Clone, Copy, Default)]
pub struct Totals {
    pub events: u64,
    pub simulated_ms: u64,
    pub delivered: u64,
    pub duplicates: u64,
    pub gaps: u64,
    pub repairs: u64,
    pub reconnects: u64,
    pub published: u64,
    /// The longest time from the end of all faults until every client had caught up.
    pub recovery_ms_max: u64,
}

impl Totals {
    /// Adds one page's counts.
    pub fn add_page(&mut self, stats: &Stats) {
        self.delivered += stats.delivered;
        self.duplicates += stats.duplicates;
        self.gaps += stats.gaps;
        self.repairs += stats.repairs;
        self.reconnects += stats.connects.saturating_sub(1);
        self.published += stats.published;
    }

    /// Adds another run.
    pub fn add(&mut self, run: &Totals) {
        self.events += run.events;
        self.simulated_ms += run.simulated_ms;
        self.delivered += run.delivered;
        self.duplicates += run.duplicates;
        self.gaps += run.gaps;
        self.repairs += run.repairs;
        self.reconnects += run.reconnects;
        self.published += run.published;
        self.recovery_ms_max = self.recovery_ms_max.max(run.recovery_ms_max);
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = self.simulated_ms / 3_600_000;
        write!(f, "{hours} h simulated, {} events; ", self.events)?;
        write!(f, "{} messages delivered, {} duplicates dropped, ", self.delivered, self.duplicates)?;
        write!(f, "{} gaps reported, {} holes repaired, ", self.gaps, self.repairs)?;
        write!(f, "{} reconnects, {} published; ", self.reconnects, self.published)?;
        write!(f, "slowest recovery {} s", self.recovery_ms_max / 1_000)
    }
}
