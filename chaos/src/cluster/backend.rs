//! Where the nodes keep messages: in files of the node, in one Redis, in one that Sentinel fails over, or in a Redis
//! Cluster.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::Result;
use seamline_test_support::link::Link;
use seamline_test_support::process::Process;
use seamline_test_support::redis::sentinel::Sentinels;
use seamline_test_support::redis::{self, cluster};

use crate::Store;

/// How many nodes share a Redis.
const NODES: usize = 3;
/// How many replicas there are, and how many must confirm. With fewer, Sentinel may promote one that lags.
const REPLICAS: usize = 1;

/// See the module.
pub enum Backend {
    Embedded,
    Redis(Box<Process>),
    Sentinel(Sentinels),
    Shards(cluster::Cluster),
}

impl Backend {
    pub async fn start(store: Store, directory: &Path) -> Result<Backend> {
        Ok(match store {
            Store::Embedded => Backend::Embedded,
            Store::Redis => Backend::Redis(Box::new(start_redis(directory).await?)),
            Store::RedisSentinel => Backend::Sentinel(Sentinels::start(REPLICAS, directory).await?),
            Store::RedisCluster => Backend::Shards(cluster::Cluster::start(directory).await?),
        })
    }

    /// How many nodes share it.
    pub fn nodes(&self) -> usize {
        match self {
            Backend::Embedded => 1,
            Backend::Redis(_) | Backend::Sentinel(_) | Backend::Shards(_) => NODES,
        }
    }

    /// A link for one node, if there is one address to connect to.
    pub fn link(&self) -> io::Result<Option<Link>> {
        match self {
            Backend::Redis(redis) => Link::to(local(redis.port)).map(Some),
            Backend::Embedded | Backend::Sentinel(_) | Backend::Shards(_) => Ok(None),
        }
    }

    /// The value of `--log` for a node with this link.
    pub fn log(&self, link: Option<&Link>) -> String {
        match (self, link) {
            (Backend::Sentinel(set), _) => format!("{}?replicas={REPLICAS}", set.url()),
            (Backend::Shards(shards), _) => format!("{}?replicas={REPLICAS}", shards.url()),
            (_, Some(link)) => format!("redis://{}/0", link.address),
            (_, None) => "embedded".into(),
        }
    }

    /// Makes everything run.
    pub async fn heal(&mut self) -> Result<()> {
        match self {
            Backend::Embedded => Ok(()),
            Backend::Redis(redis) => {
                redis.resume()?;
                redis.restart().await
            }
            Backend::Sentinel(set) => set.heal().await,
            Backend::Shards(shards) => {
                for index in 0..shards.nodes.len() {
                    shards.rejoin(index).await?;
                }
                shards.settled().await
            }
        }
    }

    /// Kills every Redis.
    pub async fn kill(&mut self) -> Result<()> {
        match self {
            Backend::Embedded => {}
            Backend::Redis(redis) => redis.kill().await?,
            Backend::Sentinel(set) => {
                for redis in &mut set.redis {
                    redis.kill().await?;
                }
            }
            Backend::Shards(shards) => {
                for redis in &mut shards.nodes {
                    redis.kill().await?;
                }
            }
        }
        Ok(())
    }
}

pub fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// Its append-only file is never rewritten, so it has everything that was ever stored.
async fn start_redis(directory: &Path) -> Result<Process> {
    let mut args = redis::durable("{port}", directory);
    args.extend(["--auto-aof-rewrite-percentage".into(), "0".into()]);
    Process::start(Path::new(redis::PROGRAM), &args, directory.join("redis.log")).await
}
