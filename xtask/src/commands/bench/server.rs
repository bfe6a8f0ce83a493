//! `cargo xtask bench server`: the server under load, beside socket.io.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use crate::tools::requirements::{self, Part};
use crate::tools::stamp::Stamp;
use crate::tools::{npm, paths, run, shell};

/// Options of `bench server`.
#[derive(clap::Args)]
pub struct Args {
    /// Number of idle connections, and of clients that reconnect at once [default: 10000]
    #[arg(long, value_name = "N")]
    connections: Option<u64>,

    /// Number of sockets that receive one channel [default: 5000]
    #[arg(long, value_name = "N")]
    sockets: Option<u64>,

    /// Number of messages that each reconnecting client has missed [default: 100]
    #[arg(long, value_name = "N")]
    messages: Option<u64>,

    /// Number of times to measure everything [default: 3]
    #[arg(long, value_name = "N")]
    repeats: Option<u64>,

    /// Measure a tenth of everything, once, in half a minute
    #[arg(long)]
    quick: bool,
}

impl Args {
    /// The options of the load generator.
    fn options(&self) -> Vec<String> {
        let quick = |value: u64| self.quick.then_some(value);
        let options = [
            ("--connections", self.connections.or(quick(1000))),
            ("--sockets", self.sockets.or(quick(500))),
            ("--messages", self.messages.or(quick(20))),
            ("--repeats", self.repeats.or(quick(1))),
            ("--seconds", quick(2)),
        ];
        options.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?))).collect()
    }
}

/// `cargo xtask bench server`.
pub fn command(args: &Args) -> Result<ExitCode> {
    requirements::ensure(&[Part::Node])?;
    let socketio = install_socketio()?;
    let [server, bench] = build()?;
    let mut run = shell::command(bench);
    run.arg("--seamline").arg(server).arg("--socketio").arg(socketio.join("server.mjs")).args(args.options());
    run::to_exit_code(&mut run)
}

/// Builds the server with the optimizer, and the load generator.
fn build() -> Result<[PathBuf; 2]> {
    let mut cargo = shell::cargo();
    cargo.args(["build", "--release", "-p", "seamline-server", "-p", "seamline-bench"]);
    run::step(
        "build seamline-server and seamline-bench",
        &mut cargo,
        "Fix the errors in server/ or bench/.",
    )?;
    Ok(["seamline-server", "seamline-bench"].map(|name| paths::built("release", name)))
}

/// Installs socket.io as in the lock file, and returns its directory.
fn install_socketio() -> Result<PathBuf> {
    let directory = paths::root().join("bench/socketio");
    let lock = directory.join("package-lock.json");
    let installed = directory.join("node_modules/socket.io/package.json");
    let mut npm = npm::command()?;
    npm.current_dir(&directory).args(["ci", "--no-audit", "--no-fund"]);
    let stamp = Stamp::new("bench-socketio", "npm ci", vec![lock], vec![installed]);
    let install =
        || run::step("npm ci in bench/socketio/", &mut npm, "Check that the npm registry is reachable.");
    stamp.renew(install)?;
    Ok(directory)
}
