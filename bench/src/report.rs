//! Collects the results and prints one table.

use std::fmt::Write;

use serde_json::json;

use crate::Args;
use crate::fanout::Fanout;
use crate::idle::Idle;
use crate::peer::Kind;
use crate::reconnect_storm::Storm;
use crate::stats::Series;

/// The goals: delivered messages per second, and memory per connection.
const DELIVERED_RATIO_MIN: f64 = 5.0;
const MEMORY_RATIO_MAX: f64 = 1.0 / 3.0;

const MEMORY: &str = "memory per idle connection, KB";
const IN_USE: &str = "after a garbage collection, KB";
const DELIVERED: &str = "fan-out: delivered per second";
const PER_CPU: &str = "fan-out: delivered per second of the server's CPU";
const PER_FRAME: &str = "fan-out: messages per frame";
const P50: &str = "moderate: latency p50, ms";
const P99: &str = "moderate: latency p99, ms";
const MODERATE: &str = "moderate: delivered per second of the server's CPU";
const STORM: &str = "storm: time until all have caught up, s";
const STORM_CPU: &str = "storm: the server's CPU, s";
const RETRIES: &str = "storm: connections reset and made again";
const PEAK: &str = "storm: peak memory, MB";

/// The rows, and the number of decimals of each.
const ROWS: [(&str, usize); 12] = [
    (MEMORY, 1),
    (IN_USE, 1),
    (DELIVERED, 0),
    (PER_CPU, 0),
    (PER_FRAME, 1),
    (P50, 1),
    (P99, 1),
    (MODERATE, 0),
    (STORM, 2),
    (STORM_CPU, 2),
    (PEAK, 0),
    (RETRIES, 0),
];

/// All results so far.
#[derive(Default)]
pub struct Results {
    rows: Vec<(Kind, &'static str, f64)>,
}

impl Results {
    pub fn idle(&mut self, kind: Kind, idle: &Idle) {
        self.add(kind, MEMORY, idle.resident / 1000.0);
        self.add(kind, IN_USE, idle.in_use / 1000.0);
    }

    pub fn fanout(&mut self, kind: Kind, fanout: &Fanout) {
        self.add(kind, DELIVERED, fanout.delivered_per_second);
        self.add(kind, PER_CPU, fanout.delivered_per_cpu_second);
        self.add(kind, PER_FRAME, fanout.messages_per_frame);
        self.add(kind, P50, fanout.p50_ms);
        self.add(kind, P99, fanout.p99_ms);
        self.add(kind, MODERATE, fanout.moderate_per_cpu_second);
    }

    pub fn storm(&mut self, kind: Kind, storm: &Storm) {
        self.add(kind, STORM, storm.seconds);
        self.add(kind, STORM_CPU, storm.cpu_seconds);
        self.add(kind, PEAK, storm.peak_bytes / 1e6);
        self.add(kind, RETRIES, storm.retries as f64);
    }

    fn add(&mut self, kind: Kind, row: &'static str, value: f64) {
        println!("  {:<9}  {row:<50}  {value:>12.2}", kind.to_string());
        self.rows.push((kind, row, value));
    }

    fn series(&self, kind: Kind, row: &str) -> Series {
        let values = self.rows.iter().filter(|(of, name, _)| *of == kind && *name == row);
        Series(values.map(|(_, _, value)| *value).collect())
    }

    fn ratio(&self, row: &str) -> f64 {
        self.series(Kind::Seamline, row).median() / self.series(Kind::SocketIo, row).median()
    }

    /// The results as the other parts of the benchmark write theirs.
    pub fn json(&self, args: &Args) -> String {
        let sample = |(kind, row, value): &(Kind, &str, f64)| json!({ "measure": row, "of": kind.to_string(), "at": "", "value": value });
        let samples: Vec<_> =
            self.rows.iter().filter(|(_, _, value)| value.is_finite()).map(sample).collect();
        json!({ "part": "load", "rounds": args.repeats, "samples": samples }).to_string()
    }

    /// A table with the medians, the range in parentheses, and the ratio of the medians.
    pub fn table(&self, args: &Args) -> String {
        let Args { connections, sockets, messages, rate, in_flight, bytes, repeats, seconds, .. } = args;
        let mut text = format!(
            "{connections} connections; fan-out to {sockets} sockets for {seconds} s, {in_flight} messages in \
             flight, then {rate} messages per second;\nstorm of {connections} clients that each missed {messages} \
             messages; {bytes} bytes a message; medians of {repeats} (minimum to maximum)\n\n\
             | | seamline | socket.io | ratio |\n|---|---|---|---|\n"
        );
        for (row, decimals) in ROWS {
            let [ours, theirs] = [Kind::Seamline, Kind::SocketIo].map(|kind| {
                let series = self.series(kind, row);
                let (min, max) = series.spread();
                format!("{:.decimals$} ({min:.decimals$} to {max:.decimals$})", series.median())
            });
            let ratio = Some(self.ratio(row)).filter(|ratio| ratio.is_finite());
            let ratio = ratio.map_or("–".into(), |ratio| format!("{ratio:.2}"));
            let _ = writeln!(text, "| {row} | {ours} | {theirs} | {ratio} |");
        }
        let (delivered, memory) = (self.ratio(DELIVERED), self.ratio(MEMORY));
        let verdict = |reached| if reached { "reached" } else { "missed" };
        let _ = write!(
            text,
            "\ngoal: delivered per second ≥ {DELIVERED_RATIO_MIN} × socket.io's: {} ({delivered:.1})\n\
             goal: memory per connection ≤ 1/3 of socket.io's: {} ({memory:.2})",
            verdict(delivered >= DELIVERED_RATIO_MIN),
            verdict(memory <= MEMORY_RATIO_MAX),
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn the_table_has_medians_ranges_ratios_and_goals() {
        let args = Args::parse_from(["bench", "--seamline", "a", "--socketio", "b"]);
        let mut results = Results::default();
        for bytes in [10_000.0, 12_000.0, 11_000.0] {
            results.idle(Kind::Seamline, &Idle { resident: bytes, in_use: bytes });
            results.idle(Kind::SocketIo, &Idle { resident: 2.0 * bytes, in_use: bytes });
        }
        let table = results.table(&args);
        let row = "| memory per idle connection, KB | 11.0 (10.0 to 12.0) | 22.0 (20.0 to 24.0) | 0.50 |";
        assert!(table.contains(row), "{table}");
        assert!(table.contains("of socket.io's: missed (0.50)"), "{table}");
    }
}
