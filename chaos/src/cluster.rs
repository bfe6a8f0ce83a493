//! The nodes, their Redis, and the links between them and to the clients.

mod backend;
mod logs;

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Result;
use seamline_test_support::link::Link;
use seamline_test_support::process::Process;
use tempfile::TempDir;

use crate::Store;
use crate::aof::{self, Stored};
use crate::record::now_ms;
pub use backend::Backend;
use backend::local;
pub use logs::{ChannelLog, Payload};

const AOF_DIRECTORY: &str = "appendonlydir";

/// The servers and what they depend on.
pub struct Cluster {
    pub nodes: Vec<Node>,
    pub backend: Backend,
    /// When Redis lost everything: from, to, in ms.
    pub emptied: Vec<(u64, u64)>,
    /// All that a single Redis has stored, as far as its files have been read. Those of a primary and its replica have
    /// messages that were lost in a failover, and nobody received.
    pub stored: Vec<Stored>,
    directory: TempDir,
}

/// A server and the links around it.
pub struct Node {
    pub process: Process,
    /// Between the clients and the node.
    pub client_link: Link,
    /// Between the node and a single Redis.
    pub redis_link: Option<Link>,
}

/// The name of a channel.
pub fn channel_name(number: u64) -> String {
    format!("channel-{number}")
}

impl Cluster {
    /// Starts everything. Channels keep `retain` messages.
    pub async fn start(store: Store, server: &Path, retain: u64) -> Result<Cluster> {
        let directory = TempDir::new()?;
        let backend = Backend::start(store, directory.path()).await?;
        let mut nodes = Vec::new();
        for index in 0..backend.nodes() {
            nodes.push(Node::start(index, server, directory.path(), &backend, retain).await?);
        }
        Ok(Cluster { nodes, backend, emptied: Vec::new(), stored: Vec::new(), directory })
    }

    /// Where clients connect to.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(|node| node.client_link.address).collect()
    }

    /// Makes everything run and every link work.
    pub async fn heal(&mut self) -> Result<()> {
        self.backend.heal().await?;
        for node in &mut self.nodes {
            node.client_link.stall(false);
            if let Some(link) = &node.redis_link {
                link.stall(false);
            }
            node.process.restart().await?;
        }
        Ok(())
    }

    /// Kills Redis and restarts it without its data.
    pub async fn empty_redis(&mut self) -> Result<()> {
        let Backend::Redis(redis) = &mut self.backend else { return Ok(()) };
        let from = now_ms();
        redis.kill().await?;
        let files = self.directory.path().join(AOF_DIRECTORY);
        self.stored.extend(aof::read(&files)?);
        std::fs::remove_dir_all(files)?;
        self.emptied.push((from, now_ms()));
        redis.restart().await
    }

    /// Kills everything and restarts it. What is acknowledged must survive this, too.
    pub async fn kill_and_restart_all(&mut self) -> Result<()> {
        for node in &mut self.nodes {
            node.process.kill().await?;
        }
        self.backend.kill().await?;
        if let Backend::Redis(_) = self.backend {
            self.stored.extend(aof::read(&self.directory.path().join(AOF_DIRECTORY))?);
        }
        self.heal().await
    }
}

impl Node {
    async fn start(
        index: usize,
        server: &Path,
        directory: &Path,
        backend: &Backend,
        retain: u64,
    ) -> Result<Node> {
        let redis_link = backend.link()?;
        let log = backend.log(redis_link.as_ref());
        let (data, retain) = (directory.join("data").display().to_string(), retain.to_string());
        let args = ["--listen", "127.0.0.1:{port}", "--log", &log, "--data", &data, "--heartbeat-ms", "2000"];
        let args = [&args[..], &["--max-connections-per-ip", "0", "--retain-messages", &retain]].concat();
        let process = Process::start(server, &args, directory.join(format!("node-{index}.log"))).await?;
        let client_link = Link::to(local(process.port))?;
        Ok(Node { process, client_link, redis_link })
    }
}
