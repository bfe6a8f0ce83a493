//! Builds the reference server.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::tools::{paths, run, shell};

/// Builds the server and returns its binary. Without the optimizer: the demo and the tests do not need it, the server's
/// own tests build the same, and it saves minutes.
pub fn build() -> Result<PathBuf> {
    let mut cargo = shell::cargo();
    cargo.args(["build", "-p", "seamline-server"]);
    run::step("build seamline-server", &mut cargo, "Fix the errors in server/.")?;
    let binary = paths::target().join(format!("debug/seamline-server{}", std::env::consts::EXE_SUFFIX));
    if !binary.is_file() {
        bail!("cargo built no {}", paths::shown(&binary));
    }
    Ok(binary)
}
