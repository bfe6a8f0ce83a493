//! `cargo xtask bench redis`: the Redis log with many followed channels. It needs no browser and no package.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use super::browser::{self, Common};
use crate::tools::requirements::{self, Part};
use crate::tools::{paths, run, shell};

/// Options of `bench redis`.
#[derive(clap::Args)]
pub struct Args {
    /// Number of rounds, of some two minutes each
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=99))]
    rounds: u64,

    /// Measure up to 10,000 channels, in about a minute
    #[arg(long)]
    quick: bool,

    /// The seamline-server binary [default: builds this checkout's]
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,

    /// Measure this seamline-server, too, as `before`
    #[arg(long, value_name = "FILE")]
    before_server: Option<PathBuf>,
}

impl Args {
    /// One round, with these options of every part.
    pub fn of(common: &Common) -> Args {
        let (server, before_server) = (common.builds.server.clone(), common.builds.before_server.clone());
        Args { rounds: 1, quick: common.quick, server, before_server }
    }
}

/// `cargo xtask bench redis`.
pub fn command(args: &Args) -> Result<ExitCode> {
    requirements::ensure(&[Part::Node, Part::NpmPackages, Part::Redis])?;
    let mut node = shell::command("node");
    node.arg(paths::root().join("bench/runner/run.mjs")).arg("redis").current_dir(paths::root());
    node.args(["--rounds", &args.rounds.to_string()]).arg("--dir").arg(super::dir());
    if args.quick {
        node.arg("--quick");
    }
    match &args.server {
        Some(server) => node.arg("--server").arg(browser::absolute(server)?),
        None => {
            browser::name_commit(&mut node);
            node.arg("--server").arg(&browser::build(true)?[0])
        }
    };
    if let Some(before) = &args.before_server {
        node.arg("--before-server").arg(browser::absolute(before)?);
    }
    run::to_exit_code(&mut node)
}
