//! A Redis Cluster: three primaries with a replica each, which fail over by themselves, and slots that move.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::{PROGRAM, cli, durable, until};
use crate::process::Process;
use crate::system::free_port;

/// How many shards there are. The first nodes are their primaries, the next ones the replicas, in the same order.
pub const SHARDS: usize = 3;
const SLOTS: usize = 16_384;
/// After this time, a node that does not answer counts as down.
const DOWN_AFTER_MS: u64 = 1_500;

/// See the module. All nodes end with it.
pub struct Cluster {
    /// Any of them may be a primary.
    pub nodes: Vec<Process>,
}

/// A node's own line in `CLUSTER NODES`.
struct Itself {
    id: String,
    is_primary: bool,
    epoch: u64,
    slots: Vec<(usize, usize)>,
}

impl Cluster {
    /// Starts the nodes, and waits until they are a cluster.
    pub async fn start(directory: &Path) -> Result<Cluster> {
        let mut nodes: Vec<Process> = Vec::new();
        let mut bus = Vec::new();
        for index in 0..2 * SHARDS {
            let directory = directory.join(format!("node-{index}"));
            let (node, bus_port) = start_node(&directory).await?;
            nodes.push(node);
            bus.push(bus_port);
        }
        let cluster = Cluster { nodes };
        for (index, node) in cluster.nodes.iter().enumerate() {
            // Without distinct epochs, the nodes need a while to agree on some.
            cli(node.port, &["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()])?;
            if index < SHARDS {
                let (first, last) = (first_slot(index).to_string(), (first_slot(index + 1) - 1).to_string());
                cli(node.port, &["CLUSTER", "ADDSLOTSRANGE", &first, &last])?;
            }
            let (port, bus_port) = (cluster.nodes[0].port.to_string(), bus[0].to_string());
            cli(node.port, &["CLUSTER", "MEET", "127.0.0.1", &port, &bus_port])?;
        }
        until("the nodes to meet", || {
            cluster.nodes.iter().try_fold(true, |all, node| {
                let known = cli(node.port, &["CLUSTER", "NODES"])?;
                Ok(all && known.lines().count() == 2 * SHARDS && !known.contains("handshake"))
            })
        })
        .await?;
        for (index, replica) in cluster.nodes.iter().enumerate().skip(SHARDS) {
            let primary = itself(cluster.nodes[index - SHARDS].port)?.id;
            cli(replica.port, &["CLUSTER", "REPLICATE", &primary])?;
        }
        cluster.settled().await?;
        Ok(cluster)
    }

    /// The value for `--log`.
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis-cluster://{}", hosts.join(","))
    }

    /// The slot of a channel's keys.
    pub fn slot(&self, ch: &str) -> Result<usize> {
        let key = format!("{{{ch}}}");
        let answers = |node: &Process| cli(node.port, &["CLUSTER", "KEYSLOT", &key]).ok();
        let slot = self.nodes.iter().find_map(answers).context("no node answers")?;
        Ok(slot.parse()?)
    }

    /// The index of the node that owns a slot.
    pub fn owner(&self, slot: usize) -> Result<usize> {
        let claim = |(index, node): (usize, &Process)| {
            let itself = itself(node.port).ok().filter(|it| it.is_primary && it.owns(slot))?;
            Some((itself.epoch, index))
        };
        let owner = self.nodes.iter().enumerate().filter_map(claim).max();
        Ok(owner.with_context(|| format!("no node owns slot {slot}"))?.1)
    }

    /// The index of the node that owns a channel's slot.
    pub fn owner_of(&self, ch: &str) -> Result<usize> {
        self.owner(self.slot(ch)?)
    }

    /// This many channels for each of the first primaries, by its index.
    pub fn channels(&self, each: usize) -> Result<Vec<Vec<String>>> {
        let mut channels = vec![Vec::new(); SHARDS];
        for n in 0.. {
            let ch = format!("channel-{n}");
            let slot = self.slot(&ch)?;
            let own = channels.iter_mut().enumerate().rfind(|(index, _)| first_slot(*index) <= slot);
            if let Some((_, own)) = own.filter(|(_, own)| own.len() < each) {
                own.push(ch);
            }
            if channels.iter().all(|own| own.len() == each) {
                break;
            }
        }
        Ok(channels)
    }

    /// The index of the replica of the primary with this index.
    pub fn replica_of(&self, primary: usize) -> Result<usize> {
        let id = itself(self.nodes[primary].port)?.id;
        let is_replica = |node: &Process| {
            let known = cli(node.port, &["CLUSTER", "NODES"]).unwrap_or_default();
            known.lines().any(|line| line.contains("myself,slave") && line.contains(&id))
        };
        self.nodes.iter().position(is_replica).context("it has no replica")
    }

    /// Starts to move a slot. Until [`finish_move`](Self::finish_move), keys that are not at the source are rejected.
    pub fn start_move(&self, slot: usize, from: usize, to: usize) -> Result<()> {
        let (source, target) = (self.nodes[from].port, self.nodes[to].port);
        let (source_id, target_id) = (itself(source)?.id, itself(target)?.id);
        cli(target, &["CLUSTER", "SETSLOT", &slot.to_string(), "IMPORTING", &source_id])?;
        cli(source, &["CLUSTER", "SETSLOT", &slot.to_string(), "MIGRATING", &target_id])?;
        Ok(())
    }

    /// Moves up to this many keys of a slot. Returns whether there were any.
    pub fn move_keys(&self, slot: usize, from: usize, to: usize, count: usize) -> Result<bool> {
        let (source, target) = (self.nodes[from].port, self.nodes[to].port);
        let (slot, count) = (slot.to_string(), count.to_string());
        // Names may have any bytes, so they are quoted on the way out and in.
        let keys = cli(source, &["--csv", "CLUSTER", "GETKEYSINSLOT", &slot, &count])?;
        if keys.is_empty() {
            return Ok(false);
        }
        let keys = keys.replace("\",\"", "\" \"");
        send(source, &format!("MIGRATE 127.0.0.1 {target} \"\" 0 5000 KEYS {keys}\n"))?;
        Ok(true)
    }

    /// Ends a move: the slot belongs to the target from now on.
    pub fn finish_move(&self, slot: usize, from: usize, to: usize) -> Result<()> {
        let id = itself(self.nodes[to].port)?.id;
        for index in [to, from] {
            cli(self.nodes[index].port, &["CLUSTER", "SETSLOT", &slot.to_string(), "NODE", &id])?;
        }
        Ok(())
    }

    /// Moves a slot with its keys to another primary.
    pub fn move_slot(&self, slot: usize, to: usize) -> Result<()> {
        let from = self.owner(slot)?;
        self.start_move(slot, from, to)?;
        while self.move_keys(slot, from, to, 10)? {}
        self.finish_move(slot, from, to)
    }

    /// Lets a node that was killed or paused go on.
    pub async fn rejoin(&mut self, index: usize) -> Result<()> {
        self.nodes[index].resume()?;
        self.nodes[index].restart().await
    }

    /// Waits until all nodes agree that each slot has an owner, and each owner a replica that has what it has.
    pub async fn settled(&self) -> Result<()> {
        until("the cluster", || self.is_settled()).await
    }

    fn is_settled(&self) -> Result<bool> {
        let mut slots = 0;
        let mut replicas = 0;
        for node in &self.nodes {
            let itself = itself(node.port)?;
            let state = cli(node.port, &["CLUSTER", "INFO"])?;
            let known = cli(node.port, &["CLUSTER", "NODES"])?;
            let ok =
                state.contains("cluster_state:ok") && state.contains(&format!("cluster_slots_ok:{SLOTS}"));
            if !ok || known.contains("fail") {
                return Ok(false);
            }
            slots += itself.slots.iter().map(|(first, last)| last + 1 - first).sum::<usize>();
            let replication = cli(node.port, &["INFO", "replication"])?;
            replicas += usize::from(replication.contains("master_link_status:up"));
        }
        Ok(slots == SLOTS && replicas == SHARDS)
    }
}

/// The first slot of a primary, at the start.
fn first_slot(index: usize) -> usize {
    index * SLOTS / SHARDS
}

impl Itself {
    fn owns(&self, slot: usize) -> bool {
        self.slots.iter().any(|(first, last)| (*first..=*last).contains(&slot))
    }
}

fn itself(port: u16) -> Result<Itself> {
    let nodes = cli(port, &["CLUSTER", "NODES"])?;
    let line = nodes.lines().find(|line| line.contains("myself")).context("a node without itself")?;
    let fields: Vec<_> = line.split(' ').collect();
    let range = |text: &&str| {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Some((first.parse().ok()?, last.parse().ok()?))
    };
    Ok(Itself {
        id: fields[0].into(),
        is_primary: fields[2].contains("master"),
        epoch: fields[6].parse()?,
        slots: fields[8..].iter().filter_map(range).collect(),
    })
}

/// Sends a line to Redis as `redis-cli` reads it. An error in the answer is an error.
fn send(port: u16, line: &str) -> Result<()> {
    let mut cli = Command::new("redis-cli");
    cli.args(["-e", "-p", &port.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = cli.spawn().context("cannot run redis-cli")?;
    child.stdin.take().context("no input")?.write_all(line.as_bytes())?;
    let output = child.wait_with_output()?;
    let answer = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success() && !answer.contains("ERR"), "{line}: {answer}");
    Ok(())
}

/// Starts a node. Returns the port of the cluster's bus, too.
async fn start_node(directory: &Path) -> Result<(Process, u16)> {
    fs::create_dir_all(directory)?;
    let bus = free_port()?;
    let mut args = durable("{port}", directory);
    let (bus_port, down_after) = (bus.to_string(), DOWN_AFTER_MS.to_string());
    let options = [
        ("--cluster-enabled", "yes"),
        ("--cluster-port", &bus_port),
        ("--cluster-node-timeout", &down_after),
        // The other shards go on while one is down.
        ("--cluster-require-full-coverage", "no"),
        // A replica takes over however long it was alone, and never helps another shard.
        ("--cluster-replica-validity-factor", "0"),
        ("--cluster-allow-replica-migration", "no"),
        ("--repl-diskless-sync-delay", "0"),
    ];
    args.extend(options.iter().flat_map(|(name, value)| [(*name).to_owned(), (*value).to_owned()]));
    let node = Process::start(Path::new(PROGRAM), &args, directory.join("redis.log")).await?;
    Ok((node, bus))
}
