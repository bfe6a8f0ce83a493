//! Builds the reference server.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::tools::{paths, run, shell};

/// Builds the server and returns its binary. The debug profile saves minutes, and demo and tests need no optimizer.
pub fn build() -> Result<PathBuf> {
    build_with(&[])
}

/// Builds the server with the faults that tests inject. The binary replaces that of [`build`], and the other way round.
pub fn build_with_faults() -> Result<PathBuf> {
    build_with(&["--features", "fault-injection"])
}

fn build_with(features: &[&str]) -> Result<PathBuf> {
    let mut cargo = shell::cargo();
    cargo.args(["build", "-p", "seamline-server"]).args(features);
    run::step("build seamline-server", &mut cargo, "Fix the errors in server/.")?;
    let binary = paths::built("debug", "seamline-server");
    if !binary.is_file() {
        bail!("cargo built no {}", paths::shown(&binary));
    }
    Ok(binary)
}
