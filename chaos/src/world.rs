//! The nodes, their Redis, and the links between them and to the clients.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use seamline::wire::MessageId;
use seamline_test_support::link::Link;
use seamline_test_support::process::Process;
use seamline_test_support::redis;
use serde::Deserialize;
use tempfile::TempDir;

use crate::Home;
use crate::aof::{self, Stored};
use crate::record::{Key, now_ms};

const NODES_OF_REDIS: usize = 3;
const AOF_DIRECTORY: &str = "appendonlydir";
/// How long the log may take to come back.
const PAGE_WAIT: Duration = Duration::from_secs(60);

/// See the module.
pub struct World {
    pub nodes: Vec<Node>,
    pub redis: Option<Process>,
    /// When Redis lost everything: from, to, in ms.
    pub emptied: Vec<(u64, u64)>,
    /// All that Redis has stored, as far as it was read from its files.
    pub stored: Vec<Stored>,
    directory: TempDir,
}

/// A server and the links around it.
pub struct Node {
    pub process: Process,
    /// From the clients.
    pub front: Link,
    /// To Redis.
    pub back: Option<Link>,
}

/// A channel's log as it is in the end.
#[derive(Debug, Default)]
pub struct ChannelLog {
    pub epoch: String,
    pub first: u64,
    pub head: u64,
    /// Offset, id and key, in log order.
    pub messages: Vec<(u64, MessageId, Key)>,
}

#[derive(Deserialize)]
struct Page {
    epoch: String,
    first: u64,
    head: u64,
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    offset: u64,
    id: MessageId,
    data: Payload,
}

/// What the clients publish.
#[derive(Deserialize)]
pub struct Payload {
    pub key: String,
}

/// The name of a channel.
pub fn channel_name(number: u64) -> String {
    format!("channel-{number}")
}

impl World {
    /// Channels keep `retain` messages.
    pub async fn start(home: Home, server: &Path, retain: u64) -> Result<World> {
        let directory = TempDir::new()?;
        let path = |name: &str| directory.path().join(name);
        let redis = match home {
            Home::Embedded => None,
            Home::Redis => Some(start_redis(directory.path()).await?),
        };
        let mut nodes = Vec::new();
        for index in 0..if redis.is_some() { NODES_OF_REDIS } else { 1 } {
            let back = redis.as_ref().map(|redis| Link::to(local(redis.port))).transpose()?;
            let log = back.as_ref().map_or("embedded".into(), |back| format!("redis://{}/0", back.address));
            let data = path("data").display().to_string();
            let args =
                ["--listen", "127.0.0.1:{port}", "--log", &log, "--data", &data, "--heartbeat-ms", "2000"];
            let retain = retain.to_string();
            let args = [&args[..], &["--max-connections-per-ip", "0", "--retain-messages", &retain]].concat();
            let process = Process::start(server, &args, path(&format!("node-{index}.log"))).await?;
            let front = Link::to(local(process.port))?;
            nodes.push(Node { process, front, back });
        }
        Ok(World { nodes, redis, emptied: Vec::new(), stored: Vec::new(), directory })
    }

    /// Where clients connect to.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(|node| format!("ws://{}/ws", node.front.address)).collect()
    }

    /// Everything runs and every link works.
    pub async fn heal(&mut self) -> Result<()> {
        if let Some(redis) = &mut self.redis {
            redis.resume()?;
            redis.restart().await?;
        }
        for node in &mut self.nodes {
            node.front.stall(false);
            if let Some(back) = &node.back {
                back.stall(false);
            }
            node.process.restart().await?;
        }
        Ok(())
    }

    /// Redis dies, and comes back without anything.
    pub async fn empty_redis(&mut self) -> Result<()> {
        let Some(redis) = &mut self.redis else { return Ok(()) };
        let from = now_ms();
        redis.kill().await?;
        let files = self.directory.path().join(AOF_DIRECTORY);
        self.stored.extend(aof::read(&files)?);
        std::fs::remove_dir_all(files)?;
        self.emptied.push((from, now_ms()));
        redis.restart().await
    }

    /// What is acknowledged must survive this, too.
    pub async fn kill_and_restart_all(&mut self) -> Result<()> {
        for node in &mut self.nodes {
            node.process.kill().await?;
        }
        if let Some(redis) = &mut self.redis {
            redis.kill().await?;
            self.stored.extend(aof::read(&self.directory.path().join(AOF_DIRECTORY))?);
        }
        self.heal().await
    }

    /// The epochs and heads of all channels.
    pub async fn heads(&self, channels: u64) -> Result<Vec<(String, u64)>> {
        let mut heads = Vec::new();
        for number in 0..channels {
            let page = self.page(number, u64::MAX - 1).await?;
            heads.push((page.epoch, page.head));
        }
        Ok(heads)
    }

    /// All channels.
    pub async fn logs(&self, channels: u64) -> Result<Vec<ChannelLog>> {
        let mut logs = Vec::new();
        for number in 0..channels {
            logs.push(self.log(number).await?);
        }
        Ok(logs)
    }

    async fn log(&self, number: u64) -> Result<ChannelLog> {
        let mut log = ChannelLog::default();
        let mut after = 0;
        loop {
            let page = self.page(number, after).await?;
            (log.epoch, log.first, log.head) = (page.epoch, page.first, page.head);
            for Message { offset, id, data } in page.messages {
                log.messages.push((offset, id, data.key.parse().map_err(anyhow::Error::msg)?));
            }
            let last = log.messages.last().map_or(0, |(offset, ..)| *offset);
            if last >= page.head {
                return Ok(log);
            }
            ensure!(last > after, "{}: nothing comes after offset {after}", channel_name(number));
            after = last;
        }
    }

    /// Asked of the first node, past the links.
    async fn page(&self, number: u64, after: u64) -> Result<Page> {
        let (port, ch) = (self.nodes[0].process.port, channel_name(number));
        let url = format!("http://127.0.0.1:{port}/channels/{ch}/messages?after={after}&limit=1000");
        let start = Instant::now();
        loop {
            let url = url.clone();
            let read =
                tokio::task::spawn_blocking(move || ureq::get(url).call()?.body_mut().read_json::<Page>());
            match read.await? {
                Ok(page) => return Ok(page),
                Err(e) if start.elapsed() > PAGE_WAIT => return Err(e).context("the log cannot be read"),
                Err(_) => {} // the log may just be coming back
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// Its append-only file is never rewritten, so it has everything that was ever stored.
async fn start_redis(directory: &Path) -> Result<Process> {
    let mut args = redis::durable("{port}", directory);
    args.extend(["--auto-aof-rewrite-percentage".into(), "0".into()]);
    Process::start(Path::new(redis::PROGRAM), &args, directory.join("redis.log")).await
}
