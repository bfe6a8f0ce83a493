//! `seamline-server` and socket.io under the same load, side by side: memory of idle connections, one channel to
//! many sockets, and everyone coming back at once.
//!
//! `run` has the order of things, `idle`, `fanout` and `storm` a measurement each; `seamline` and `socketio` are
//! what the load generator speaks, `socket` one connection of it, `crowd` many; `process` the server's process and
//! what the kernel says of it; `report` the table.

mod crowd;
mod fanout;
mod idle;
mod peer;
mod process;
mod report;
mod run;
mod seamline;
mod socket;
mod socketio;
mod stats;
mod storm;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Parser;

/// What a process needs beside its sockets.
const OTHER_FILES: u64 = 200;

/// The options.
#[derive(Debug, Parser)]
#[command(name = "seamline-bench")]
struct Args {
    /// Idle connections, and clients of the storm
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    connections: u64,
    /// Sockets of the fan-out
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..))]
    sockets: u64,
    /// Messages that each client of the storm has missed
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1000))]
    messages: u64,
    /// How long the fan-out is measured, at saturation and at the moderate rate
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// The moderate rate, in messages published per second
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=1000))]
    rate: u64,
    /// At saturation, so many messages at most are published and not yet received
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=500))]
    in_flight: u64,
    /// Bytes of a message's JSON
    #[arg(long, value_name = "N", default_value_t = 270, value_parser = clap::value_parser!(u64).range(64..=16_384))]
    bytes: u64,
    /// How often everything is measured, in turns
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=99))]
    repeats: u64,
    /// The binary of seamline-server
    #[arg(long, value_name = "FILE")]
    seamline: PathBuf,
    /// The script of the socket.io server
    #[arg(long, value_name = "FILE")]
    socketio: PathBuf,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let done = raise_file_limit(&args).and_then(|()| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(run::all(&args))
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::FAILURE
        }
    }
}

/// A socket is a file, here and in the server, which inherits the limit.
fn raise_file_limit(args: &Args) -> Result<()> {
    let needed = args.connections.max(args.sockets) + OTHER_FILES;
    let limit = rlimit::increase_nofile_limit(u64::MAX)?;
    if limit < needed {
        bail!(
            "{needed} open files are needed and {limit} allowed: raise `ulimit -Hn`, or give fewer --connections"
        );
    }
    Ok(())
}
