//! `cargo xtask bench server`: `seamline-server` and socket.io under the same load. It measures the memory of idle
//! connections, one channel to many sockets, and all clients reconnecting at once.
//!
//! `run` has the order, `idle`, `fanout` and `reconnect_storm` one measurement each. `process` is a server's process,
//! `peer` the client side of a protocol (`seamline`, `socketio`), `socket` one connection, `clients` many of them,
//! `publisher` the one that publishes. `report` prints the table.

mod clients;
mod fanout;
mod idle;
mod peer;
mod process;
mod publisher;
mod reconnect_storm;
mod report;
mod run;
mod seamline;
mod socket;
mod socketio;
mod stats;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Parser;

/// How many files a process opens besides its sockets.
const OTHER_FILES: u64 = 200;

/// Measure seamline-server and socket.io under the same load
#[derive(Debug, Parser)]
#[command(name = "seamline-bench")]
struct Args {
    /// Number of idle connections, and of clients in the reconnect storm
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    connections: u64,
    /// Number of sockets in the fan-out
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..))]
    sockets: u64,
    /// Number of messages that each client in the storm has missed
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1000))]
    messages: u64,
    /// Seconds to measure the fan-out, first at saturation and then at the moderate rate
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// The moderate rate, in publications per second
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=1000))]
    rate: u64,
    /// At saturation, the number of messages that may be published and not yet received
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=500))]
    in_flight: u64,
    /// Size of a message's JSON, in bytes
    #[arg(long, value_name = "N", default_value_t = 270, value_parser = clap::value_parser!(u64).range(64..=16_384))]
    bytes: u64,
    /// Number of times to measure everything
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=99))]
    repeats: u64,
    /// The seamline-server binary
    #[arg(long, value_name = "FILE")]
    seamline: PathBuf,
    /// The script of the socket.io server
    #[arg(long, value_name = "FILE")]
    socketio: PathBuf,
    /// Write the results to this file, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
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
            "the limit of open files is {limit}, but {needed} are needed: raise `ulimit -Hn`, or lower --connections and \
             --sockets"
        );
    }
    Ok(())
}
