//! A link with a round trip time, for `cargo xtask bench`: forwards TCP connections, and delays each byte by half of the
//! round trip in each direction. Lines on standard input steer it: `refuse` ends all connections and refuses new ones,
//! `accept` accepts them again.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Parser;
use seamline_test_support::link::Link;
use tokio::io::{AsyncBufReadExt, BufReader};

/// Forward TCP connections with a round trip time
#[derive(Debug, Parser)]
#[command(name = "seamline-link")]
struct Args {
    /// Where to forward to
    #[arg(long, value_name = "ADDR:PORT")]
    to: SocketAddr,
    /// The round trip time
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(..=10_000))]
    round_trip_ms: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args = Args::parse();
    let link = Link::delayed(args.to, Duration::from_millis(args.round_trip_ms) / 2)?;
    println!("listening on {}", link.address);
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        match line.as_str() {
            "refuse" => link.refuse(true),
            "accept" => link.refuse(false),
            other => bail!("unknown line `{other}`: write `refuse` or `accept`"),
        }
    }
    Ok(())
}
