//! `cargo xtask bench page`: docs/BENCHMARKS.md and its charts.

use std::process::ExitCode;

use anyhow::Result;

use super::peers;
use crate::tools::requirements::{self, Part};
use crate::tools::{paths, run, shell};

/// Writes the page from the results in `target/bench/results`.
pub fn write() -> Result<ExitCode> {
    requirements::ensure(&[Part::Node])?;
    let mut node = shell::command("node");
    node.arg(paths::root().join("bench/runner/report/page.mjs"));
    node.arg("--dir").arg(super::dir());
    node.arg("--peers").arg(peers::install()?).arg("--nats").arg(peers::nats()?);
    run::to_exit_code(&mut node)
}
