//! `cargo xtask doctor`: shows what is installed, what is missing, and what setup would do. Changes nothing.

use std::process::ExitCode;

use anyhow::Result;

use crate::tools::progress::say;
use crate::tools::requirements::{ALL, MORE_BROWSERS, State};
use crate::tools::{cargo, paths, shell};

/// `cargo xtask doctor`; fails if something is missing.
pub fn command() -> Result<ExitCode> {
    let cargo = shell::version("cargo").unwrap_or_else(|| "cargo".into());
    say!("✓ {:<15} {cargo}", "cargo");
    let mut missing = 0;
    for part in ALL {
        match part.state() {
            State::Ready(version) => say!("✓ {:<15} {version}", part.name()),
            State::Missing(plan) => {
                missing += 1;
                say!("✗ {:<15} missing; setup would {plan}", part.name());
            }
        }
    }
    for part in MORE_BROWSERS {
        match part.state() {
            State::Ready(version) => say!("✓ {:<15} {version}", part.name()),
            State::Missing(_) => {
                say!("- {:<15} missing; `cargo xtask test --browser all` installs it", part.name())
            }
        }
    }
    for component in ["fmt", "clippy"] {
        match cargo::component_version(component) {
            Some(version) => say!("✓ {component:<15} {version}"),
            None => say!("- {component:<15} missing; the tests skip this lint"),
        }
    }
    say!(
        "\nTools are installed in {}, builds go to {}.",
        paths::cache().display(),
        paths::target().display()
    );
    match missing {
        0 => say!("Nothing is missing."),
        n => say!("{n} missing. Run cargo xtask setup."),
    }
    Ok(if missing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
