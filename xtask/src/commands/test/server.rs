//! The group `server`: the server over the wire, and as it ships.

use anyhow::Result;

use super::runner::{count, verdict, waiting_threads};
use crate::tools::progress::say;
use crate::tools::requirements::{self, Part};
use crate::tools::tally::Tally;
use crate::tools::{server, shell};

/// Runs the group.
pub fn tests() -> Result<Tally> {
    requirements::ensure(&[Part::Redis, Part::Deploy])?;
    let mut tests = shell::cargo();
    tests.args(["test", "--quiet", "-p", "seamline-server", "--", "--test-threads", &waiting_threads()]);
    let mut tally = count(&mut tests)?;
    tally += shipped()?;
    Ok(tally)
}

/// Options of the features that the server's own tests have, and a build that is shipped has not.
const FEATURES: [(&str, &[&str]); 2] = [
    ("shipped_server_cannot_inject_faults", &["--unsafe-replay-before-subscribe"]),
    ("shipped_server_has_no_traces", &["--otlp-endpoint", "http://127.0.0.1:4318"]),
];

/// The server's own tests build it with the features `fault-injection` and `otel`. A build without them, such as one
/// that is shipped, has no warnings, and does not know their options. Clippy does not look at that build: it would check
/// all dependencies once more, which takes minutes.
fn shipped() -> Result<Tally> {
    let server = server::build()?;
    let warnings = server::warnings()?;
    if let Some(warnings) = &warnings {
        say!("{warnings}");
    }
    let mut tally = verdict("shipped_server_has_no_warnings", warnings.is_none());
    for (test, options) in FEATURES {
        let output = shell::command(&server).arg("--print-config").args(options).output()?;
        let is_unknown = String::from_utf8_lossy(&output.stderr).contains("unexpected argument");
        tally += verdict(test, is_unknown && output.status.code() == Some(2));
    }
    Ok(tally)
}
