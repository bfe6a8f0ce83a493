//! `cargo xtask fmt`: formats all source code, whatever its language.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::tools::{biome, run, shell};

/// Options of `fmt`.
#[derive(clap::Args)]
pub struct Args {
    /// Change nothing; fail if something is not formatted, or breaks a lint of the JavaScript
    #[arg(long)]
    check: bool,
}

/// `cargo xtask fmt`.
pub fn command(args: Args) -> Result<ExitCode> {
    let mut rustfmt = shell::cargo();
    rustfmt.args(["fmt", "--all"]);
    if args.check {
        rustfmt.arg("--check");
    }
    for mut tool in [rustfmt, biome::command(args.check)?] {
        let (status, _) = run::shown(&mut tool)?;
        if !status.success() {
            bail!("`{}` failed ({status})", shell::show(&tool));
        }
    }
    Ok(ExitCode::SUCCESS)
}
