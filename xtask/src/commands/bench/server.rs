//! `cargo xtask bench server`: the load generator, which compares with socket.io, and then the runner's part.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use super::{browser, peers};
use crate::tools::requirements::{self, Part};
use crate::tools::{paths, run, shell};

/// Options of `bench server`.
#[derive(clap::Args, Clone, Default)]
pub struct Args {
    #[command(flatten)]
    pub common: browser::Common,

    /// Measure only these, such as `append,sweep`: append, sweep, sockets, channels, replays
    #[arg(long, value_name = "NAMES")]
    measure: Option<String>,

    /// Number of idle connections, and of clients that reconnect at once [default: 10000]
    #[arg(long, value_name = "N")]
    connections: Option<u64>,

    /// Number of sockets that receive one channel [default: 5000]
    #[arg(long, value_name = "N")]
    sockets: Option<u64>,

    /// Number of messages that each reconnecting client has missed [default: 100]
    #[arg(long, value_name = "N")]
    messages: Option<u64>,
}

/// A round takes minutes.
const LOAD_ROUNDS_MAX: u64 = 2;

impl Args {
    /// The defaults, with these options of every part.
    pub fn of(common: browser::Common) -> Args {
        Args { common, ..Args::default() }
    }

    /// The options of the load generator.
    fn options(&self) -> Vec<String> {
        let quick = |value: u64| self.common.quick.then_some(value);
        let options = [
            ("--connections", self.connections.or(quick(1000))),
            ("--sockets", self.sockets.or(quick(500))),
            ("--messages", self.messages.or(quick(20))),
            ("--repeats", quick(1).or(Some(self.common.rounds().min(LOAD_ROUNDS_MAX)))),
            ("--seconds", quick(2)),
        ];
        options.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?))).collect()
    }
}

/// `cargo xtask bench server`.
pub fn command(args: &Args) -> Result<ExitCode> {
    if args.common.only.is_none() && args.measure.is_none() {
        let load = load(args)?;
        if load != ExitCode::SUCCESS {
            return Ok(load);
        }
    }
    browser::run_part("server", &args.common, &[("--measure", args.measure.as_deref())])
}

/// Idle connections, one channel to many sockets, and all clients reconnecting at once.
fn load(args: &Args) -> Result<ExitCode> {
    requirements::ensure(&[Part::Node])?;
    let server = match &args.common.builds.server {
        Some(server) => server.clone(),
        None => browser::build(true)?[0].clone(),
    };
    browser::build(false)?;
    let mut run = shell::command(paths::built("release", "seamline-bench"));
    run.env("PEERS", peers::install()?).arg("--seamline").arg(server).arg("--socketio").arg(script());
    run.arg("--json").arg(super::dir().join("results/load.json")).args(args.options());
    run::to_exit_code(&mut run)
}

/// The socket.io server.
fn script() -> PathBuf {
    paths::root().join("bench/runner/servers/socketio.mjs")
}
