//! `cargo xtask setup`: installs what is missing.

use std::process::ExitCode;

use anyhow::Result;

use crate::tools::progress::{self, say};
use crate::tools::requirements::{ALL, State};

/// `cargo xtask setup`.
pub fn command() -> Result<ExitCode> {
    for part in ALL {
        match part.state() {
            State::Ready(version) => progress::already(part.name(), &version),
            State::Missing(_) => part.install()?,
        }
    }
    say!("\nEverything is installed. Next: cargo xtask demo, cargo xtask test");
    Ok(ExitCode::SUCCESS)
}
