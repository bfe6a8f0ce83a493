//! `cargo xtask release --dry-run`: packs and checks what a release publishes, and prints the commands that publish it.

mod crates;
mod jsr;
mod npm_package;
mod repository;

use std::process::ExitCode;

use anyhow::Result;

use crate::commands::{crates as published, pack};
use crate::tools::checks::report;
use crate::tools::paths;
use crate::tools::progress::say;
use crate::tools::tally::Tally;

/// Options of `release`.
#[derive(clap::Args)]
pub struct Args {
    /// Required, because this command never publishes anything: it prints the commands that do
    #[arg(long, required = true)]
    dry_run: bool,
}

/// `cargo xtask release --dry-run`.
pub fn command(_: Args) -> Result<ExitCode> {
    let version = env!("CARGO_PKG_VERSION");
    let tarball = pack::pack()?;
    let mut checks = vec![
        ("nothing is uncommitted", repository::is_clean()),
        ("every file has the version", repository::has_version(version)),
        ("the changelog has the version, with a date", repository::has_changelog(version)),
    ];
    checks.extend(npm_package::checks(&tarball));
    checks.extend(jsr::checks());
    checks.extend(crates::checks());
    if report(&checks).failed > 0 {
        say!("\nversion {version} cannot be published yet");
        return Ok(ExitCode::FAILURE);
    }
    say!(
        "\nversion {version} is ready. These commands publish it; docs/RELEASING.md has the steps around them:\n"
    );
    say!("npm publish {} --access public --provenance", paths::shown(&tarball));
    say!("cargo publish {}", published::PACKAGES.map(|name| format!("-p {name}")).join(" "));
    say!("(cd {} && npx jsr publish)", paths::shown(&jsr::folder()));
    Ok(ExitCode::SUCCESS)
}

/// The checks of the npm package that are part of `cargo xtask test`.
pub fn package_tests() -> Result<Tally> {
    Ok(report(&npm_package::checks(&pack::pack()?)))
}
