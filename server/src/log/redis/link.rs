//! The connection to Redis: whether it is there, and what its errors mean.
//!
//! One connection carries the commands of the whole node. When one of them shows that it is broken, it
//! is let go of, and until the keeper (see [`tail`](super::tail)) has made a new one everyone is told at
//! once to come back later. That Redis is lost, and that it is back, is logged once each.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, Pipeline, RedisError, RedisResult};
use redis::{ErrorKind, ServerErrorKind};
use tokio::sync::{Notify, watch};
use tracing::{info, warn};

use super::scripts;
use crate::log::{Health, LogError};

/// Longer, and a publisher is told to come back instead; what Redis does later all the same, it does
/// once per idempotency key.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// See the module.
pub(super) struct Link {
    client: Client,
    // A plain mutex: never held across an await.
    state: Mutex<State>,
    failed: Notify,
    health: watch::Sender<Health>,
}

#[derive(Default)]
struct State {
    connection: Option<MultiplexedConnection>,
    /// Counts connections: a command of an old one says nothing about the present one.
    number: u64,
    failure: Option<String>,
    lost_at: Option<Instant>,
    /// The code with which Redis refuses to write, as long as it does.
    refusal: Option<String>,
}

/// A connection for commands.
#[derive(Clone)]
pub(super) struct Commands {
    connection: MultiplexedConnection,
    number: u64,
}

/// The two connections that the log needs.
pub(super) struct Connections {
    pub commands: MultiplexedConnection,
    /// For the reader, which blocks it.
    pub blocking: MultiplexedConnection,
}

impl Link {
    pub fn new(client: Client) -> Self {
        let health = watch::Sender::new(Health::Degraded("not connected yet".into()));
        Link { client, state: Mutex::default(), failed: Notify::new(), health }
    }

    /// Connects, and makes Redis know our scripts.
    pub async fn connect(&self) -> RedisResult<Connections> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(COMMAND_TIMEOUT));
        let connect = || self.client.get_multiplexed_async_connection_with_config(&config);
        let mut commands = connect().await?;
        scripts::load().exec_async(&mut commands).await?;
        let mut blocking = connect().await?;
        blocking.set_response_timeout(super::tail::BLOCK + COMMAND_TIMEOUT);
        Ok(Connections { commands, blocking })
    }

    /// From now on this connection is used.
    pub fn up(&self, connection: MultiplexedConnection) {
        let mut state = self.lock();
        state.number += 1;
        state.connection = Some(connection);
        (state.failure, state.refusal) = (None, None);
        if let Some(lost_at) = state.lost_at.take() {
            info!("Redis is back after {:.1?}", lost_at.elapsed());
        }
        drop(state);
        self.health.send_replace(Health::Ok);
    }

    /// There is no connection.
    pub fn down(&self, why: &str) {
        let mut state = self.lock();
        state.connection = None;
        if state.lost_at.is_none() {
            state.lost_at = Some(Instant::now());
            warn!("Redis is lost ({why}); sockets are kept, publishers are told to come back");
        }
        drop(state);
        self.health.send_replace(Health::Degraded(format!("Redis is lost: {why}")));
    }

    /// Returns when the present connection has turned out to be broken, and how.
    pub async fn failure(&self) -> String {
        loop {
            if let Some(why) = self.lock().failure.take() {
                return why;
            }
            self.failed.notified().await;
        }
    }

    /// The present connection.
    pub fn commands(&self) -> Result<Commands, LogError> {
        let state = self.lock();
        match &state.connection {
            Some(connection) => Ok(Commands { connection: connection.clone(), number: state.number }),
            None => Err(LogError::Unavailable("Redis is lost".into())),
        }
    }

    /// Runs a command.
    pub async fn run<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, LogError> {
        let mut commands = self.commands()?;
        let answer = cmd.query_async(&mut commands.connection).await;
        answer.map_err(|e| self.judge(&commands, &e))
    }

    /// Runs commands that follow each other without waiting; each has its own result.
    pub async fn run_all<T: FromRedisValue>(
        &self,
        mut commands: Commands,
        pipe: &mut Pipeline,
    ) -> Result<Vec<Result<T, LogError>>, LogError> {
        let answers = pipe.ignore_errors().query_async(&mut commands.connection).await;
        let answers: Vec<RedisResult<T>> = answers.map_err(|e| self.judge(&commands, &e))?;
        Ok(answers.into_iter().map(|answer| answer.map_err(|e| self.judge(&commands, &e))).collect())
    }

    /// How the log is.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    /// Says what an error means to whoever asked, and sees to the connection.
    fn judge(&self, commands: &Commands, e: &RedisError) -> LogError {
        let why = e.to_string();
        if is_the_connections(e) {
            let mut state = self.lock();
            if state.number == commands.number && state.connection.take().is_some() {
                state.failure = Some(why.clone());
                self.failed.notify_one();
            }
            return LogError::Unavailable(why);
        }
        match e.code() {
            // Full, or its disk is, or a replica is missing: that may pass.
            Some(code @ ("OOM" | "MISCONF" | "NOREPLICAS" | "BUSY")) => {
                self.refused(code, &why);
                LogError::Unavailable(why)
            }
            _ => LogError::Failed(why),
        }
    }

    fn refused(&self, code: &str, why: &str) {
        let mut state = self.lock();
        if state.refusal.as_deref() != Some(code) {
            state.refusal = Some(code.into());
            warn!("Redis takes no messages at the moment: {why}");
            self.health.send_replace(Health::Degraded(format!("Redis takes no messages: {why}")));
        }
    }

    /// Something was written.
    pub fn wrote(&self) {
        let mut state = self.lock();
        if state.refusal.take().is_some() {
            info!("Redis takes messages again");
            self.health.send_replace(Health::Ok);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether another connection may do better: this one is broken, or leads to a server that is starting,
/// has become a replica, or does not know our scripts.
pub(super) fn is_the_connections(e: &RedisError) -> bool {
    use ServerErrorKind::{BusyLoading, MasterDown, NoScript, ReadOnly};
    let by_kind =
        matches!(e.kind(), ErrorKind::Io | ErrorKind::Server(BusyLoading | MasterDown | NoScript | ReadOnly));
    by_kind || e.is_timeout() || e.is_connection_dropped() || e.is_unrecoverable_error()
}
