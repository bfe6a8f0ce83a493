//! Injects faults into a cluster, one after another.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use anyhow::Result;
use seamline_test_support::redis;
use tokio::time::{Instant, sleep};

use crate::cluster::{Cluster, Node};
use crate::random::Random;

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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NodeFault {
    Killed,
    ClientLinksCut,
    ClientLinksStalled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RedisFault {
    Killed,
    /// SIGSTOP, for this many seconds.
    Paused(u64),
    LinksCut,
    LinksStalled,
    /// The pub/sub connections are closed, and no others.
    WakeupsCut,
    /// Killed, and restarted without its data.
    Emptied,
}

/// A node is killed twice as often as anything else.
const NODE_FAULTS: [NodeFault; 4] =
    [NodeFault::Killed, NodeFault::Killed, NodeFault::ClientLinksCut, NodeFault::ClientLinksStalled];
const REDIS_FAULTS: [RedisFault; 7] = [
    RedisFault::Killed,
    RedisFault::Paused(2),
    RedisFault::Paused(10),
    RedisFault::LinksCut,
    RedisFault::LinksStalled,
    RedisFault::WakeupsCut,
    RedisFault::Emptied,
];

/// How often in a row.
const WAKEUPS_CUT: u32 = 5;

/// Injects faults for this long. Each ends before the next begins, so that everything is up now and then. All of them
/// occur before one occurs again, in an order that the seed determines.
pub async fn inject(cluster: &mut Cluster, time: Duration, rng: &mut Random) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut deck = Vec::new();
    let start = Instant::now();
    while start.elapsed() < time {
        if deck.is_empty() {
            deck.extend(NODE_FAULTS.map(Fault::Node));
            deck.extend(REDIS_FAULTS.map(Fault::Redis).iter().filter(|_| cluster.redis.is_some()));
        }
        let fault = deck.swap_remove(rng.between(0, deck.len() as u64) as usize);
        pause(rng, 150, 900).await;
        let index = rng.between(0, cluster.nodes.len() as u64) as usize;
        let name = match fault {
            Fault::Node(fault) => node_fault(&mut cluster.nodes[index], fault, rng).await?,
            Fault::Redis(fault) => redis_fault(cluster, index, fault, rng).await?,
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

/// `index` is the node whose link to Redis fails.
async fn redis_fault(
    cluster: &mut Cluster,
    index: usize,
    fault: RedisFault,
    rng: &mut Random,
) -> Result<&'static str> {
    let (Some(process), Some(link)) = (&mut cluster.redis, &cluster.nodes[index].redis_link) else {
        return Ok("none");
    };
    Ok(match fault {
        RedisFault::Killed => {
            process.kill().await?;
            pause(rng, 50, 1_500).await;
            process.restart().await?;
            "Redis killed"
        }
        RedisFault::Paused(seconds) => {
            process.pause()?;
            sleep(Duration::from_secs(seconds)).await;
            process.resume()?;
            if seconds < 10 { "Redis paused" } else { "Redis paused for 10 s" }
        }
        RedisFault::LinksCut => {
            link.cut();
            "Redis links cut"
        }
        RedisFault::LinksStalled => {
            link.stall(true);
            pause(rng, 200, 4_000).await;
            link.stall(false);
            "Redis links stalled"
        }
        RedisFault::WakeupsCut => {
            for _ in 0..WAKEUPS_CUT {
                redis::close_pub_sub(process.port)?;
                pause(rng, 0, 300).await;
            }
            "wake-ups cut"
        }
        RedisFault::Emptied => {
            cluster.empty_redis().await?;
            "Redis emptied"
        }
    })
}
