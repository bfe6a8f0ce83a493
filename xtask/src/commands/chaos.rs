//! `cargo xtask chaos`: real servers, a real Redis and many clients, with injected faults.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::ValueEnum;

use crate::commands::test::runner::{count, succeeds};
use crate::tools::requirements::{self, Part};
use crate::tools::tally::Tally;
use crate::tools::{paths, run, server, shell};

/// How long faults are injected in the tests.
const TEST_SECONDS: u64 = 30;

/// Where messages are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Log {
    /// One node with an embedded log
    Embedded,
    /// Three nodes that share one Redis
    Redis,
    /// Three nodes that share a Redis with a replica, which three Sentinels fail over
    RedisSentinel,
    /// Three nodes that share a Redis Cluster of three shards, each with a replica
    RedisCluster,
}

/// Options of `chaos`.
#[derive(clap::Args)]
pub struct Args {
    /// Where messages are kept
    #[arg(long, value_enum, default_value_t = Log::Embedded)]
    log: Log,

    /// Inject faults for this many minutes
    #[arg(long, value_name = "M", default_value_t = 1.0)]
    minutes: f64,

    /// Number of clients, at most 200
    #[arg(long, value_name = "N", default_value_t = 60)]
    clients: u64,

    /// Determines which faults are injected, and in which order
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
}

/// `cargo xtask chaos`.
pub fn command(args: Args) -> Result<ExitCode> {
    let (server, chaos) = build()?;
    let seconds = (args.minutes * 60.0).clamp(1.0, 3600.0) as u64;
    let mut run = one(&chaos, &server, args.log, seconds)?;
    run.args(["--clients", &args.clients.to_string(), "--seed", &args.seed.to_string()]);
    run::to_exit_code(&mut run)
}

/// The group `chaos` of `cargo xtask test`: 30 seconds for each log.
pub fn tests() -> Result<Tally> {
    // First, the check must find planted mistakes.
    let mut tally = count(shell::cargo().args(["test", "--quiet", "-p", "seamline-chaos"]))?;
    let (server, chaos) = build()?;
    for log in Log::value_variants() {
        tally += succeeds(&mut one(&chaos, &server, *log, TEST_SECONDS)?)?;
    }
    Ok(tally)
}

fn build() -> Result<(PathBuf, PathBuf)> {
    let server = server::build()?;
    let mut cargo = shell::cargo();
    cargo.args(["build", "-p", "seamline-chaos"]);
    run::step("build seamline-chaos", &mut cargo, "Fix the errors in chaos/.")?;
    Ok((server, paths::built("debug", "seamline-chaos")))
}

fn one(chaos: &Path, server: &Path, log: Log, seconds: u64) -> Result<Command> {
    if log != Log::Embedded {
        requirements::ensure(&[Part::Redis])?;
    }
    let name = log.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
    let mut run = shell::command(chaos);
    run.args(["--log", &name, "--seconds", &seconds.to_string(), "--server"]).arg(server);
    Ok(run)
}
