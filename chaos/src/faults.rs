//! Injects faults into a cluster, one after another.

mod redis;
mod sentinel;
mod shards;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use crate::cluster::{Backend, Cluster, Node};
use crate::random::Random;
use redis::RedisFault;
use sentinel::SentinelFault;
use shards::ShardFault;

/// How often each fault was injected.
#[derive(Default)]
pub struct Counts(BTreeMap<&'static str, u64>);

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<_> = self.0.iter().map(|(fault, count)| format!("{fault} {count}")).collect();
        write!(f, "faults: {}", shown.join(", "))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Node(NodeFault),
    Redis(RedisFault),
    Sentinel(SentinelFault),
    Shard(ShardFault),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NodeFault {
    Killed,
    ClientLinksCut,
    ClientLinksStalled,
}

/// A node is killed twice as often as anything else.
const NODE_FAULTS: [NodeFault; 4] =
    [NodeFault::Killed, NodeFault::Killed, NodeFault::ClientLinksCut, NodeFault::ClientLinksStalled];

/// Injects faults for this long. Each ends before the next begins, so that everything is up now and then. All of them
/// occur before one occurs again, in an order that the seed determines.
pub async fn inject(
    cluster: &mut Cluster,
    channels: u64,
    time: Duration,
    rng: &mut Random,
) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut deck = Vec::new();
    let start = Instant::now();
    while start.elapsed() < time {
        if deck.is_empty() {
            deck.extend(NODE_FAULTS.map(Fault::Node));
            match cluster.backend {
                Backend::Embedded => {}
                Backend::Redis(_) => deck.extend(redis::FAULTS.map(Fault::Redis)),
                Backend::Shards(_) => deck.extend(shards::FAULTS.map(Fault::Shard)),
                Backend::Sentinel(_) => deck.extend(sentinel::FAULTS.map(Fault::Sentinel)),
            }
        }
        let fault = deck.swap_remove(rng.between(0, deck.len() as u64) as usize);
        pause(rng, 150, 900).await;
        let index = rng.between(0, cluster.nodes.len() as u64) as usize;
        let name = match fault {
            Fault::Node(fault) => node_fault(&mut cluster.nodes[index], fault, rng).await?,
            Fault::Redis(fault) => redis::inject(cluster, index, fault, rng).await?,
            Fault::Shard(fault) => shards::inject(&mut cluster.backend, channels, fault, rng).await?,
            Fault::Sentinel(fault) => sentinel::inject(&mut cluster.backend, fault, rng).await?,
        };
        *counts.0.entry(name).or_default() += 1;
    }
    Ok(counts)
}

async fn pause(rng: &mut Random, from_ms: u64, to_ms: u64) {
    sleep(Duration::from_millis(rng.between(from_ms, to_ms))).await;
}

async fn node_fault(node: &mut Node, fault: NodeFault, rng: &mut Random) -> Result<&'static str> {
    Ok(match fault {
        NodeFault::Killed => {
            node.process.kill().await?;
            pause(rng, 50, 800).await;
            node.process.restart().await?;
            "nodes killed"
        }
        NodeFault::ClientLinksCut => {
            node.client_link.cut();
            "client links cut"
        }
        NodeFault::ClientLinksStalled => {
            node.client_link.stall(true);
            pause(rng, 200, 5_000).await;
            node.client_link.stall(false);
            "client links stalled"
        }
    })
}
