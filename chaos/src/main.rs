//! `cargo xtask chaos`: real server processes, a real Redis, and the native client, with injected faults. Nodes and Redis
//! are killed, Redis is paused, fails over or loses its data, links are cut and stalled. Afterwards every client must have
//! dispatched the whole log, once and in order, and the log must have every acknowledged publication.
//!
//! Channels keep only a few messages, so clients miss some while they are suspended. A gap that a client reports must
//! be messages that the log no longer has.
//!
//! `cluster` has the processes and the links, `balancer` selects a node for each connection, `faults` injects faults,
//! `client` is an application that makes a `record` of what it observes, `history` is everything that a log ever had (from
//! Redis itself: `aof`), and `check` reaches the verdict.

mod aof;
mod balancer;
mod check;
mod client;
mod clients;
mod cluster;
mod faults;
mod history;
mod random;
mod record;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use check::{Run, Verdict};
use cluster::Cluster;
use random::Random;

/// After the last fault, all clients must catch up within this time.
const HEAL_TIMEOUT: Duration = Duration::from_secs(60);

/// A run of this length must have gaps. A shorter one may have none on a slow machine.
const GAPS_FROM_SECONDS: u64 = 60;

/// Where messages are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Store {
    /// One node with an embedded log
    Embedded,
    /// Three nodes that share one Redis
    Redis,
    /// Three nodes that share a Redis with a replica, which three Sentinels fail over
    RedisSentinel,
    /// Three nodes that share a Redis Cluster of three shards, each with a replica
    RedisCluster,
}

/// Run real servers and clients, inject faults, and check that no message is lost, repeated or out of order
#[derive(Debug, Parser)]
#[command(name = "seamline-chaos")]
struct Args {
    /// Where messages are kept
    #[arg(long, value_enum)]
    log: Store,
    /// Inject faults for this many seconds
    #[arg(long, value_name = "S", default_value_t = 20)]
    seconds: u64,
    /// Number of clients
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=200))]
    clients: u64,
    /// Number of channels; each client subscribes to a quarter of them
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=100))]
    channels: u64,
    /// Determines which faults are injected, and in which order
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The seamline-server binary
    #[arg(long, value_name = "FILE")]
    server: PathBuf,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let limit = Duration::from_secs(args.seconds) + 3 * HEAL_TIMEOUT;
    let run = async { tokio::time::timeout(limit, run(&args)).await.context("the run did not end in time")? };
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
    let sleep_time = Duration::from_millis((args.seconds * 1000 / 4).clamp(1_000, 20_000));
    let retain = retain(args, sleep_time);
    let mut cluster = Cluster::start(args.log, &args.server, retain).await?;
    println!("chaos: {:?} log, {} clients, {} s, seed {}", args.log, args.clients, args.seconds, args.seed);
    let server = balancer::start(cluster.addresses(), Random::new(rng.next())).await?;
    let clients = clients::start_all(args.clients, args.channels, sleep_time, server, &mut rng)?;
    let counts =
        faults::inject(&mut cluster, args.channels, Duration::from_secs(args.seconds), &mut rng).await?;
    clients.stop_publishing();
    cluster.heal().await?;
    let heads = || cluster.heads(args.channels);
    let behind = clients.caught_up(heads, HEAL_TIMEOUT).await?;
    let records = clients.end().await?;
    cluster.kill_and_restart_all().await?;
    let logs = cluster.logs(args.channels).await?;
    println!("{counts}");
    let (stored, emptied) = (&cluster.stored[..], &cluster.emptied[..]);
    let run = Run { records: &records, logs: &logs, stored, retain, emptied, behind };
    let verdict = Verdict::of(&run);
    verdict.print(&run);
    let has_gaps = verdict.trimmed_gaps > 0 && (run.emptied.is_empty() || verdict.epoch_gaps > 0);
    if !has_gaps {
        println!("no client missed a message, so gaps are not checked; increase --seconds");
    }
    Ok(verdict.is_good() && (has_gaps || args.seconds < GAPS_FROM_SECONDS))
}

/// How many messages a channel keeps: so few that a suspended client misses some on a busy channel, and so many that a
/// client which is disconnected for some seconds rarely misses any.
fn retain(args: &Args, sleep_time: Duration) -> u64 {
    let each_ms = (client::PUBLISH_MS.start + client::PUBLISH_MS.end) / 2;
    let busy = args.channels.div_ceil(client::BUSY_OF);
    let per_busy_channel = args.clients * sleep_time.as_millis() as u64 / each_ms / 2 / busy;
    (per_busy_channel / 2).max(10)
}
