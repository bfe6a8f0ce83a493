//! `cargo xtask bench instructions`: callgrind counts, which do not depend on what else the machine does.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use super::browser;
use crate::tools::requirements::{self, Part};
use crate::tools::{apt, paths, run, shell};

/// Options of `bench instructions`.
#[derive(clap::Args)]
pub struct Args {
    /// Store the new counts in bench/instructions.json
    #[arg(long)]
    write: bool,

    /// The seamline-server binary [default: builds this checkout's]
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
}

/// Counts, and fails if something costs more than before.
pub fn command(args: &Args) -> Result<ExitCode> {
    requirements::ensure(&[Part::Node, Part::NpmPackages])?;
    if paths::on_path("valgrind").is_none() {
        apt::install("valgrind", &["valgrind"])?;
    }
    let [built, _] = browser::build(args.server.is_none())?;
    let mut node = shell::command("node");
    node.arg(paths::root().join("bench/runner/instructions.mjs"));
    node.arg("--core").arg(paths::built("release", "seamline-instructions"));
    node.arg("--server").arg(args.server.as_ref().unwrap_or(&built));
    if args.write {
        node.arg("--write");
    }
    run::to_exit_code(&mut node)
}
