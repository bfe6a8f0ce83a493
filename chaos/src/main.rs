//! Real server processes, a real Redis, and clients that are the real core; nodes are killed, Redis is killed and
//! stopped, links are cut and stalled. Afterwards every client must have dispatched the log: all of it, once, in
//! order; and the log must have every publication that was acknowledged.
//!
//! Channels keep so few messages that some clients miss some while they are away, and Redis loses everything now and
//! then: what a client is told to be missing must be what the log does not have.
//!
//! `world` has the processes and the links, `trouble` what happens to them, `client` the driver of the core and
//! what is `record`ed of it, `history` what the log has had (`aof`: from Redis itself), `check` the verdict.

mod aof;
mod check;
mod client;
mod clients;
mod frames;
mod history;
mod random;
mod record;
mod socket;
mod trouble;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use check::{Run, Verdict};
use random::Random;
use world::World;

/// After the trouble, everyone must be up to date within this.
const HEAL_TIMEOUT: Duration = Duration::from_secs(60);

/// A run that is as long has gaps, or shows nothing of them; on a slow machine, a shorter one may have none.
const GAPS_FROM_SECONDS: u64 = 60;

/// Where the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Home {
    /// One node with a log of its own.
    Embedded,
    /// Three nodes on one Redis.
    Redis,
}

/// The options.
#[derive(Debug, Parser)]
#[command(name = "seamline-chaos")]
struct Args {
    /// Where the log is
    #[arg(long, value_enum)]
    log: Home,
    /// How long there is trouble, in seconds
    #[arg(long, value_name = "S", default_value_t = 20)]
    seconds: u64,
    /// How many clients there are
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=200))]
    clients: u64,
    /// How many channels there are; each client is subscribed to a quarter of them
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=100))]
    channels: u64,
    /// Draws what happens, and when
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The server's binary
    #[arg(long, value_name = "FILE")]
    server: PathBuf,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let limit = Duration::from_secs(args.seconds) + 3 * HEAL_TIMEOUT;
    let run = async { tokio::time::timeout(limit, run(&args)).await.context("it did not end in time")? };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(run)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether all promises were kept.
async fn run(args: &Args) -> Result<bool> {
    let mut rng = Random::new(args.seed);
    let nap = Duration::from_millis((args.seconds * 1000 / 4).clamp(1_000, 20_000));
    let retain = retain(args, nap);
    let mut world = World::start(args.log, &args.server, retain).await?;
    println!("chaos: {:?} log, {} clients, {} s, seed {}", args.log, args.clients, args.seconds, args.seed);
    let clients = clients::start_all(args.clients, args.channels, nap, &world.urls(), &mut rng);
    let counts = trouble::stir(&mut world, Duration::from_secs(args.seconds), &mut rng).await?;
    clients.stop_publishing();
    world.heal().await?;
    let heads = || world.heads(args.channels);
    let behind = clients.caught_up(heads, HEAL_TIMEOUT).await?;
    let records = clients.end().await;
    world.kill_and_restart_all().await?;
    let logs = world.logs(args.channels).await?;
    println!("{counts}");
    let (stored, emptied) = (&world.stored[..], &world.emptied[..]);
    let run = Run { records: &records, logs: &logs, stored, retain, emptied, behind };
    let verdict = Verdict::of(&run);
    verdict.print(&run);
    let gaps = verdict.trimmed_gaps > 0 && (run.emptied.is_empty() || verdict.epoch_gaps > 0);
    if !gaps {
        println!("nobody missed anything, so nothing is shown of gaps");
        if args.seconds >= GAPS_FROM_SECONDS {
            return Ok(false);
        }
    }
    Ok(verdict.is_good())
}

/// So many messages that a busy channel has lost some when a client wakes up, and that one which is only cut for
/// some seconds misses nothing as a rule.
fn retain(args: &Args, nap: Duration) -> u64 {
    let each_ms = (client::PUBLISH_MS.start + client::PUBLISH_MS.end) / 2;
    let busy = args.channels.div_ceil(client::BUSY_OF);
    let per_busy_channel = args.clients * nap.as_millis() as u64 / each_ms / 2 / busy;
    (per_busy_channel / 2).max(10)
}
