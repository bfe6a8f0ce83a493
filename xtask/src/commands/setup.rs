//! `cargo xtask setup`: installs what is missing.

use std::process::ExitCode;

use anyhow::Result;

use crate::tools::requirements::{ALL, State};
use crate::tools::shell::{self, say};

/// `cargo xtask setup`.
pub fn command() -> Result<ExitCode> {
    for part in ALL {
        match part.state() {
            State::Ready(version) => shell::already(part.name(), &version),
            State::Missing(_) => part.install()?,
        }
    }
    say!("\nEverything is there: cargo xtask demo, cargo xtask test");
    Ok(ExitCode::SUCCESS)
}
