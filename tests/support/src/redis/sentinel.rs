//! A primary, its replicas, and three Sentinels that fail over to one of them.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail, ensure};

use super::{PROGRAM, cli, durable, until};
use crate::process::Process;

/// The name of the primary.
pub const NAME: &str = "chat";
const SENTINELS: usize = 3;
/// After this time, a Redis that does not answer counts as down.
const DOWN_AFTER_MS: u64 = 1_000;
/// Sentinel begins no other failover within twice this time.
const FAILOVER_TIMEOUT_MS: u64 = 3_000;

/// See the module. All of them end with it.
pub struct Sentinels {
    /// Any of them may be the primary.
    pub redis: Vec<Process>,
    /// The Sentinels.
    pub sentinels: Vec<Process>,
}

impl Sentinels {
    /// Starts a primary with this many replicas, and waits until they are connected to it and known to all Sentinels.
    pub async fn start(replicas: usize, directory: &Path) -> Result<Sentinels> {
        let mut redis: Vec<Process> = Vec::new();
        for index in 0..=replicas {
            let directory = directory.join(format!("redis-{index}"));
            let primary = redis.first().map(|primary| primary.port);
            redis.push(start_redis(&directory, primary).await?);
        }
        let mut sentinels = Vec::new();
        for index in 0..SENTINELS {
            let file = directory.join(format!("sentinel-{index}.conf"));
            fs::write(&file, configuration(redis[0].port))?;
            let args = [&file.display().to_string(), "--sentinel", "--port", "{port}"];
            let output = directory.join(format!("sentinel-{index}.log"));
            sentinels.push(Process::start(Path::new(PROGRAM), &args, output).await?);
        }
        let all = Sentinels { redis, sentinels };
        all.settled().await?;
        Ok(all)
    }

    /// The value for `--log`.
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self.sentinels.iter().map(|it| format!("127.0.0.1:{}", it.port)).collect();
        format!("redis+sentinel://{}/{NAME}", hosts.join(","))
    }

    /// The index of the present primary, by the first Sentinel.
    pub fn primary(&self) -> Result<usize> {
        let answer = cli(self.sentinels[0].port, &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME])?;
        let port = answer.lines().nth(1).and_then(|port| port.parse::<u16>().ok());
        match self.redis.iter().position(|redis| Some(redis.port) == port) {
            Some(index) => Ok(index),
            None => bail!("Sentinel names no Redis of ours: {answer}"),
        }
    }

    /// Lets a Redis that was killed or paused go on. If it is no longer the primary, it becomes a replica at once;
    /// Sentinel would take ten seconds.
    pub async fn rejoin(&mut self, index: usize) -> Result<()> {
        self.redis[index].resume()?;
        self.redis[index].restart().await?;
        until("a Redis that was restarted", || {
            let (port, primary) = (self.redis[index].port, self.redis[self.primary()?].port);
            // It may still read its data.
            Ok(primary == port || cli(port, &["REPLICAOF", "127.0.0.1", &primary.to_string()]).is_ok())
        })
        .await
    }

    /// Lets everything go on that was killed or paused, and waits until it is a set again. A Redis that is no longer the
    /// primary becomes a replica at once, as in [`rejoin`](Self::rejoin).
    pub async fn heal(&mut self) -> Result<()> {
        for process in self.redis.iter_mut().chain(&mut self.sentinels) {
            process.resume()?;
            process.restart().await?;
        }
        until("the replicas and the Sentinels", || {
            self.demote_former_primaries()?;
            self.is_settled()
        })
        .await
    }

    fn demote_former_primaries(&self) -> Result<()> {
        let primary = self.agreed_primary()?.to_string();
        for redis in &self.redis {
            let is_former =
                redis.port.to_string() != primary && cli(redis.port, &["ROLE"])?.starts_with("master");
            if is_former {
                cli(redis.port, &["REPLICAOF", "127.0.0.1", &primary])?;
            }
        }
        Ok(())
    }

    /// Has the Sentinels fail over, although the primary is well.
    pub async fn fail_over(&self) -> Result<()> {
        let command = ["SENTINEL", "FAILOVER", NAME];
        until("a failover to be possible", || cli(self.sentinels[0].port, &command).map(|_| true)).await
    }

    /// Waits until another Redis than this one is the primary.
    pub async fn replaced(&self, primary: usize) -> Result<()> {
        until("another primary", || Ok(self.primary()? != primary)).await
    }

    /// Waits until every Redis runs, the replicas have what the primary has, and all Sentinels agree.
    pub async fn settled(&self) -> Result<()> {
        until("the replicas and the Sentinels", || self.is_settled()).await
    }

    fn is_settled(&self) -> Result<bool> {
        let primary = self.agreed_primary()?;
        let replicas = (self.redis.len() - 1).to_string();
        let replication = cli(primary, &["INFO", "replication"])?;
        let is_primary = replication.lines().any(|line| line == "role:master");
        // WAIT returns how many replicas have all that was written.
        let _ = cli(primary, &["SET", "settled", "1"])?;
        let caught_up = cli(primary, &["WAIT", &replicas, "1000"])?;
        let knows_all = |sentinel: &Process| {
            let known = Known::by(sentinel)?;
            Ok(known.replicas == replicas && known.others == (SENTINELS - 1).to_string())
        };
        let known = self.sentinels.iter().map(knows_all).collect::<Result<Vec<_>>>()?;
        Ok(is_primary && caught_up == replicas && !known.contains(&false))
    }

    /// The port of the primary, if all Sentinels name the same one, and none is failing over.
    fn agreed_primary(&self) -> Result<u16> {
        let known = self.sentinels.iter().map(Known::by).collect::<Result<Vec<_>>>()?;
        ensure!(known.iter().all(|it| it.port == known[0].port && it.flags == "master"), "{known:?}");
        Ok(known[0].port.parse()?)
    }
}

/// What a Sentinel knows.
#[derive(Debug)]
struct Known {
    /// Of the primary.
    port: String,
    flags: String,
    replicas: String,
    /// The other Sentinels.
    others: String,
}

impl Known {
    fn by(sentinel: &Process) -> Result<Known> {
        let answer = cli(sentinel.port, &["SENTINEL", "MASTER", NAME])?;
        let field =
            |name| answer.lines().skip_while(|line| *line != name).nth(1).unwrap_or_default().to_owned();
        let (port, flags) = (field("port"), field("flags"));
        Ok(Known { port, flags, replicas: field("num-slaves"), others: field("num-other-sentinels") })
    }
}

async fn start_redis(directory: &Path, primary: Option<u16>) -> Result<Process> {
    fs::create_dir_all(directory)?;
    // Sentinel changes the role in the file, so that it survives a restart.
    let file = directory.join("redis.conf");
    let role = primary.map_or(String::new(), |port| format!("replicaof 127.0.0.1 {port}\n"));
    fs::write(&file, role)?;
    let mut args = vec![file.display().to_string()];
    args.extend(durable("{port}", directory));
    args.extend(["--repl-diskless-sync-delay".into(), "0".into()]);
    Process::start(Path::new(PROGRAM), &args, directory.join("redis.log")).await
}

fn configuration(primary: u16) -> String {
    let quorum = SENTINELS / 2 + 1;
    format!(
        "bind 127.0.0.1\nsentinel monitor {NAME} 127.0.0.1 {primary} {quorum}\n\
         sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}\nsentinel failover-timeout {NAME} {FAILOVER_TIMEOUT_MS}\n"
    )
}
