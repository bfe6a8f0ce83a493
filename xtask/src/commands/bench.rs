//! `cargo xtask bench`: measures the client and the server beside others.

mod browser;
mod instructions;
mod page;
mod peers;
mod redis;
mod server;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::tools::paths;
use crate::tools::progress::{say, seconds};

/// Options of `bench`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

/// What to measure.
#[derive(clap::Subcommand)]
enum What {
    /// A replay into a page: messages per second and CPU of the main thread, at several round trip times
    Client(browser::PageArgs),
    /// A reconnect: from the open socket to the first and the last missed message
    Recovery(browser::PageArgs),
    /// A page that was never loaded: from its navigation to the first message
    Cold(browser::PageArgs),
    /// From a publication to the handler, at 100 and at 1,000 messages per second
    Latency(browser::PageArgs),
    /// Publications from one page: how many per second are answered, and how long a queue holds up the page
    Publish(browser::PageArgs),
    /// The server: durable appends, deliveries, memory, idle connections, and a reconnect storm
    Server(server::Args),
    /// The Redis log with up to 100,000 followed channels: what a message costs, and no message, and a subscription
    Redis(redis::Args),
    /// Count the instructions of what runs for each message, and compare them with bench/instructions.json
    Instructions(instructions::Args),
    /// All but the instructions, in about half an hour on an idle machine
    All(AllArgs),
    /// Write docs/BENCHMARKS.md and its charts from the results of the last runs
    Page,
}

/// Options of `bench all`.
#[derive(clap::Args)]
struct AllArgs {
    #[command(flatten)]
    common: browser::Common,

    /// Then write docs/BENCHMARKS.md and its charts
    #[arg(long)]
    write: bool,
}

/// `cargo xtask bench`.
pub fn command(args: Args) -> Result<ExitCode> {
    match args.what {
        What::Client(args) => browser::command("client", &args),
        What::Recovery(args) => browser::command("recovery", &args),
        What::Cold(args) => browser::command("cold", &args),
        What::Latency(args) => browser::command("latency", &args),
        What::Publish(args) => browser::command("publish", &args),
        What::Server(args) => server::command(&args),
        What::Redis(args) => redis::command(&args),
        What::Instructions(args) => instructions::command(&args),
        What::All(args) => all(&args),
        What::Page => page::write(),
    }
}

/// Runs every part. One that fails does not end the others, and what it has measured counts.
fn all(args: &AllArgs) -> Result<ExitCode> {
    let started = Instant::now();
    let results = dir().join("results");
    if results.exists() {
        fs::remove_dir_all(&results).context("cannot remove the results of earlier runs")?;
    }
    let mut failed = Vec::new();
    for part in ["client", "recovery", "cold", "latency", "publish", "server", "redis"] {
        say!("\n## {part} ({} after the start)", seconds(started.elapsed()));
        let done = match part {
            "server" => server::command(&server::Args::of(args.common.clone())),
            "redis" => redis::command(&redis::Args::of(&args.common)),
            part => browser::run_part(part, &args.common, &[]),
        };
        match done {
            Ok(code) if code == ExitCode::SUCCESS => {}
            Ok(_) => failed.push(part),
            Err(error) => {
                say!("{part}: {error:#}");
                failed.push(part);
            }
        }
    }
    say!("\nall took {}", seconds(started.elapsed()));
    let written = if args.write { page::write()? } else { ExitCode::SUCCESS };
    if !failed.is_empty() {
        bail!("these parts failed: {}", failed.join(", "));
    }
    Ok(written)
}

/// Where the parts are installed, and write their results.
fn dir() -> PathBuf {
    paths::target().join("bench")
}
