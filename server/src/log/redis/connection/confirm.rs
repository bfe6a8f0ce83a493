//! Confirmation by replicas: with `replicas`, nothing is acknowledged, delivered or answered before that many replicas
//! have it. Without it, a failover could replace what a client knows: by another message at the same offset, or by a log
//! that ends earlier.
//!
//! `WAIT` waits for the last command of its connection that was replicated (since Redis 7.2; before, for the last
//! command). What a command has read may be younger, from another connection. So a command that is replicated, the
//! *mark*, is sent after the answer. A replica that has it has everything that was there before.

use std::time::Instant;

use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisResult, Value};
use tokio::sync::OwnedMutexGuard;

use super::{Commands, ProbeResult, SharedConnection, is_connection_error, is_redirection};
use crate::log::StoreError;
use crate::log::redis::scripts;

/// How long replicas may take. Shorter than the timeout of a command.
const WAIT_MS: u64 = 1_000;

/// The last confirmation.
pub(super) struct Confirmation {
    /// The number of the connection.
    generation: u64,
    /// What had been read by then is confirmed.
    started_at: Instant,
    /// How many replicas have confirmed.
    count: RedisResult<usize>,
}

impl Confirmation {
    async fn new(mut commands: Commands, marks: Marks, replicas: usize) -> Self {
        let (generation, started_at) = (commands.generation, Instant::now());
        let count = marks.and_wait(&mut commands.connection, replicas, WAIT_MS).await;
        Confirmation { generation, started_at, count }
    }

    /// Whether it holds for what this connection had returned at this moment. A broken connection confirms nothing.
    fn covers(&self, generation: u64, answered_at: Instant) -> bool {
        let is_broken = self.count.as_ref().is_err_and(is_connection_error);
        self.generation == generation && (self.started_at >= answered_at || is_broken)
    }
}

impl SharedConnection {
    /// Waits until the replicas have what these commands have returned. Callers that wait share the next confirmation,
    /// because it delays everything else on the connection. It must be the same connection: another one may lead to
    /// another server.
    pub(super) async fn confirm(&self, commands: Commands) -> Result<(), StoreError> {
        if self.replicas == 0 {
            return Ok(());
        }
        let answered_at = Instant::now();
        match self.count_replicas(&commands, answered_at).await {
            Ok(count) if count < self.replicas => {
                let why = too_few_replicas(count, self.replicas);
                self.apply(commands.generation, ProbeResult::Rejected(why.clone()));
                Err(StoreError::Unavailable(why))
            }
            Ok(_) => Ok(()),
            Err(e) => Err(self.classify(commands, &e, answered_at).await),
        }
    }

    /// How many replicas have what was there at this moment.
    async fn count_replicas(&self, commands: &Commands, answered_at: Instant) -> RedisResult<usize> {
        let last = self.confirming.clone().lock_owned().await;
        if let Some(last) = last.as_ref().filter(|last| last.covers(commands.generation, answered_at)) {
            return last.count.clone();
        }
        let started_at = Instant::now();
        // A task, because a caller may be gone before Redis answers: the next `WAIT` begins after this one.
        let confirmation = tokio::spawn(confirm(last, commands.clone(), self.marks(), self.replicas));
        let count =
            confirmation.await.unwrap_or_else(|_| Err((ErrorKind::Io, "the server shuts down").into()));
        self.command_seconds.observe(started_at.elapsed().as_secs_f64());
        count
    }

    pub(super) fn marks(&self) -> Marks {
        match self.is_shard() {
            true => Marks::Written(self.probe_tags()),
            false => Marks::Published,
        }
    }

    /// Whether enough replicas have what was read over a connection.
    pub async fn is_confirmed(&self, connection: &mut MultiplexedConnection) -> RedisResult<bool> {
        let required = self.replicas;
        Ok(required == 0 || self.marks().and_wait(connection, required, WAIT_MS).await? >= required)
    }
}

async fn confirm(
    mut last: OwnedMutexGuard<Option<Confirmation>>,
    commands: Commands,
    marks: Marks,
    replicas: usize,
) -> RedisResult<usize> {
    last.insert(Confirmation::new(commands, marks, replicas).await).count.clone()
}

/// What may be the mark.
pub(super) enum Marks {
    Published,
    /// In a cluster, replicas do not receive what is published. So it is a write, to a key with one of these tags.
    Written(Vec<String>),
}

impl Marks {
    /// Sends a mark, and waits until this many replicas have it. Returns how many have it, after this time at the
    /// latest.
    pub async fn and_wait(
        self,
        connection: &mut MultiplexedConnection,
        replicas: usize,
        ms: u64,
    ) -> RedisResult<usize> {
        let Marks::Written(tags) = self else {
            let mut pipe = redis::pipe();
            pipe.add_command(scripts::mark()).ignore().add_command(scripts::wait(replicas, ms));
            let (count,) = pipe.query_async(connection).await?;
            return Ok(count);
        };
        for mark in tags.iter().flat_map(|tag| scripts::marks_of(tag)) {
            let mut pipe = redis::pipe();
            pipe.add_command(mark).add_command(scripts::wait(replicas, ms));
            let answers: Vec<RedisResult<Value>> = pipe.ignore_errors().query_async(connection).await?;
            match answers.as_slice() {
                [Ok(Value::Int(0)), _] => {} // there is no such key, so nothing was written
                [Err(e), _] if is_redirection(e) => {}
                [Err(e), _] | [_, Err(e)] => return Err(e.clone()),
                [_, Ok(count)] => return Ok(redis::from_redis_value(count.clone())?),
                _ => {}
            }
        }
        Ok(0)
    }
}

/// Why nothing is acknowledged or delivered.
pub(super) fn too_few_replicas(count: usize, replicas: usize) -> String {
    format!("{count} of {replicas} replicas have confirmed a write (WAIT), so nothing is delivered")
}
