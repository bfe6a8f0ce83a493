//! Lines of progress, each with its time.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::Result;

/// `println!` that ignores a closed pipe, as in `cargo xtask doctor | head`.
macro_rules! say {
    ($($args:tt)*) => {{
        use std::io::Write as _;
        writeln!(std::io::stdout(), $($args)*).ok();
    }};
}
pub(crate) use say;

/// Prints that there is nothing to do for `what`.
pub fn already(what: &str, why: &str) {
    say!("✓ {what}: {why}");
}

/// Runs `work`, and prints a line with its name and its time.
pub fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    write!(std::io::stdout(), "▸ {what} … ").ok();
    std::io::stdout().flush().ok();
    let started = Instant::now();
    let done = work();
    match &done {
        Ok(_) => say!("({})", seconds(started.elapsed())),
        Err(_) => say!("failed ({})", seconds(started.elapsed())),
    }
    done
}

/// A duration in seconds, to be read by people.
pub fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
