//! Builds the reference server.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::tools::{paths, run, shell};

/// Builds the server and returns its binary. The debug profile saves minutes, and demo and tests need no optimizer.
pub fn build() -> Result<PathBuf> {
    build_with(&[])
}

/// Builds the server with the faults that tests inject. The binary replaces that of [`build`], and the other way round.
pub fn build_with_faults() -> Result<PathBuf> {
    build_with(&["--features", "fault-injection"])
}

/// The warnings about a server that [`build`] has built already: cargo repeats them.
pub fn warnings() -> Result<Option<String>> {
    let output = build_command(&[]).output().context("cannot start cargo")?;
    let text = String::from_utf8_lossy(&output.stderr);
    Ok(text.contains("warning").then(|| text.into_owned()))
}

fn build_command(features: &[&str]) -> Command {
    let mut cargo = shell::cargo();
    cargo.args(["build", "-p", "seamline-server"]).args(features);
    cargo
}

fn build_with(features: &[&str]) -> Result<PathBuf> {
    run::step("build seamline-server", &mut build_command(features), "Fix the errors in server/.")?;
    let binary = paths::built("debug", "seamline-server");
    if !binary.is_file() {
        bail!("cargo built no {}", paths::shown(&binary));
    }
    Ok(binary)
}
