//! What happens to the world, one thing after another.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use crate::random::Random;
use crate::world::{Node, World};

/// How often each thing has happened.
#[derive(Default)]
pub struct Counts(BTreeMap<&'static str, u64>);

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<_> = self.0.iter().map(|(what, count)| format!("{what} {count}")).collect();
        write!(f, "trouble: {}", shown.join(", "))
    }
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    NodeKilled,
    ClientLinksCut,
    ClientLinksStalled,
    RedisKilled,
    /// SIGSTOP, for so many seconds.
    RedisStopped(u64),
    RedisLinksCut,
    RedisLinksStalled,
    /// Killed, and without anything when it comes back.
    RedisEmptied,
}

use Trouble::*;

const OF_NODES: [Trouble; 4] = [NodeKilled, NodeKilled, ClientLinksCut, ClientLinksStalled];
const OF_REDIS: [Trouble; 6] =
    [RedisKilled, RedisStopped(2), RedisStopped(10), RedisLinksCut, RedisLinksStalled, RedisEmptied];

/// Goes on for so long. Each thing ends before the next begins, so that everything is up now and then. All of them
/// happen before one happens again, in an order that is drawn.
pub async fn stir(world: &mut World, time: Duration, rng: &mut Random) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut deck = Vec::new();
    let start = Instant::now();
    while start.elapsed() < time {
        if deck.is_empty() {
            deck.extend(OF_NODES);
            deck.extend(OF_REDIS.iter().filter(|_| world.redis.is_some()));
        }
        let trouble = deck.swap_remove(rng.between(0, deck.len() as u64) as usize);
        pause(rng, 150, 900).await;
        let what = happen(world, trouble, rng).await?;
        *counts.0.entry(what).or_default() += 1;
    }
    Ok(counts)
}

async fn pause(rng: &mut Random, from_ms: u64, to_ms: u64) {
    sleep(Duration::from_millis(rng.between(from_ms, to_ms))).await;
}

async fn happen(world: &mut World, trouble: Trouble, rng: &mut Random) -> Result<&'static str> {
    let index = rng.between(0, world.nodes.len() as u64) as usize;
    let node = &mut world.nodes[index];
    Ok(match trouble {
        NodeKilled => {
            node.process.kill().await?;
            pause(rng, 50, 800).await;
            node.process.restart().await?;
            "nodes killed"
        }
        ClientLinksCut => {
            node.front.cut();
            "client links cut"
        }
        ClientLinksStalled => {
            node.front.stall(true);
            pause(rng, 200, 5_000).await;
            node.front.stall(false);
            "client links stalled"
        }
        RedisEmptied => {
            world.empty_redis().await?;
            "Redis emptied"
        }
        RedisLinksCut | RedisLinksStalled => back(node, trouble, rng).await,
        RedisKilled | RedisStopped(_) => redis(world, trouble, rng).await?,
    })
}

async fn back(node: &Node, trouble: Trouble, rng: &mut Random) -> &'static str {
    let Some(back) = &node.back else { return "nothing" };
    if trouble == RedisLinksCut {
        back.cut();
        return "Redis links cut";
    }
    back.stall(true);
    pause(rng, 200, 4_000).await;
    back.stall(false);
    "Redis links stalled"
}

async fn redis(world: &mut World, trouble: Trouble, rng: &mut Random) -> Result<&'static str> {
    let Some(redis) = &mut world.redis else { return Ok("nothing") };
    if let RedisStopped(seconds) = trouble {
        redis.pause()?;
        sleep(Duration::from_secs(seconds)).await;
        redis.resume()?;
        return Ok(if seconds < 10 { "Redis stopped" } else { "Redis stopped for 10 s" });
    }
    redis.kill().await?;
    pause(rng, 50, 1_500).await;
    redis.restart().await?;
    Ok("Redis killed")
}
