//! `cargo xtask crates`: checks what crates.io gets, and what a dependent sees of it.

mod api;
mod files;
mod manifest;
mod rust_version;

use std::process::ExitCode;

use anyhow::Result;

use crate::tools::checks::{Check, report};
use crate::tools::tally::Tally;

/// What crates.io gets, in the order in which they depend on each other.
pub const PACKAGES: [&str; 2] = ["seamline", "seamline-server"];

/// Options of `crates`.
#[derive(clap::Args)]
pub struct Args {
    /// Write the lists in tests/crates/ instead of comparing with them
    #[arg(long)]
    write: bool,
}

/// `cargo xtask crates`.
pub fn command(args: Args) -> Result<ExitCode> {
    if args.write {
        files::write()?;
        api::write()?;
    }
    let tally = tests()?;
    Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The checks, as part of `cargo xtask test`.
pub fn tests() -> Result<Tally> {
    Ok(report(&checks()))
}

/// The checks.
pub fn checks() -> Vec<Check> {
    vec![
        ("the crates contain exactly the listed files", files::are_listed()),
        ("the public API is the listed one", api::is_listed()),
        ("the crates leave versions to their dependents", manifest::pins_nothing()),
        ("the dependencies require no newer Rust than the crates", rust_version::fits()),
        ("the crates are linked into their dependents only", manifest::are_rust_only()),
    ]
}
