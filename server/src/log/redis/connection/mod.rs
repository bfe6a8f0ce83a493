//! The connection that carries the commands of the whole node: whether it works, whether Redis does what the store
//! needs, and what its errors mean.
//!
//! When a command shows that the connection is broken, it is dropped. Until [`reconnect`](super::reconnect) has opened
//! a new one, every command fails immediately. The logs have one line when Redis becomes unavailable or starts to
//! reject commands, and one when that is over.

mod connect;
mod probe;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{Client, Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, ServerErrorKind};
use tokio::sync::{Notify, watch};
use tracing::{info, warn};

pub(super) use self::connect::{CONNECT_TIMEOUT, Connections, Unusable};
pub(super) use self::probe::ProbeResult;
use crate::log::{Health, StoreError};

/// If a command takes longer, the publisher has to retry. If Redis runs it later all the same, the idempotency key
/// prevents a second message.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(2);

/// See the module.
pub(super) struct SharedConnection {
    client: Client,
    /// The name of this node in Redis.
    node: String,
    // A plain mutex: never held across an await.
    state: Mutex<State>,
    failed: Notify,
    health: watch::Sender<Health>,
    /// Allows one probe at a time. Callers that wait share its result.
    probing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    connection: Option<MultiplexedConnection>,
    /// Counts connections: an error of an old one says nothing about the present one.
    generation: u64,
    /// Why the present connection broke, until [`SharedConnection::failure`] takes it.
    failure: Option<String>,
    unavailable_since: Option<Instant>,
    /// What Redis rejects at present.
    rejection: Option<String>,
    /// When the last probe ended that found no problem.
    probed_ok_at: Option<Instant>,
}

/// A handle to the present connection.
#[derive(Clone)]
pub(super) struct Commands {
    connection: MultiplexedConnection,
    generation: u64,
}

impl Commands {
    pub fn into_connection(self) -> MultiplexedConnection {
        self.connection
    }
}

impl SharedConnection {
    pub fn new(client: Client, node: String) -> Self {
        let health = watch::Sender::new(Health::Degraded("not connected yet".into()));
        let (state, failed, probing) = (Mutex::default(), Notify::new(), tokio::sync::Mutex::default());
        SharedConnection { client, node, state, failed, health, probing }
    }

    /// Uses this connection from now on; a probe over it had this result.
    pub fn connected(&self, connection: MultiplexedConnection, probed: ProbeResult) {
        let generation = {
            let mut state = self.lock();
            state.generation += 1;
            state.connection = Some(connection);
            (state.failure, state.rejection) = (None, None);
            if let Some(since) = state.unavailable_since.take() {
                info!("Redis is available again after {:.1?}", since.elapsed());
            }
            state.generation
        };
        if probed == ProbeResult::Ok {
            self.health.send_replace(Health::Ok);
        }
        self.apply(generation, probed);
    }

    /// There is no connection.
    pub fn disconnected(&self, why: &Unusable) {
        let mut state = self.lock();
        state.connection = None;
        if state.unavailable_since.is_none() {
            state.unavailable_since = Some(Instant::now());
            warn!(
                "Redis is unavailable: {why}; sockets stay open, publications are rejected until it is back"
            );
        }
        drop(state);
        self.health.send_replace(Health::Degraded(format!("Redis is unavailable: {why}")));
    }

    /// Resolves when the present connection is broken.
    pub async fn failure(&self) -> Unusable {
        loop {
            if let Some(why) = self.lock().failure.take() {
                return Unusable::Unfit(why);
            }
            self.failed.notified().await;
        }
    }

    /// The present connection.
    pub fn commands(&self) -> Result<Commands, StoreError> {
        let state = self.lock();
        match &state.connection {
            Some(connection) => Ok(Commands { connection: connection.clone(), generation: state.generation }),
            None => Err(StoreError::Unavailable("no connection to Redis".into())),
        }
    }

    /// As [`commands`](Self::commands), for several writes that belong together: fails while Redis rejects any of them.
    pub async fn commands_to_write(&self) -> Result<Commands, StoreError> {
        let rejection = self.lock().rejection.clone();
        match rejection {
            Some(why) if !self.probe().await => Err(StoreError::Unavailable(why)),
            _ => self.commands(),
        }
    }

    /// Runs a command.
    pub async fn run<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, StoreError> {
        let (mut commands, started_at) = (self.commands()?, Instant::now());
        match cmd.query_async(&mut commands.connection).await {
            Ok(answer) => Ok(answer),
            Err(e) => Err(self.classify(commands, &e, started_at).await),
        }
    }

    /// Runs commands in one pipeline; each has its own result.
    pub async fn run_all<T: FromRedisValue>(
        &self,
        mut commands: Commands,
        pipe: &mut Pipeline,
    ) -> Result<Vec<Result<T, StoreError>>, StoreError> {
        let started_at = Instant::now();
        let answers: RedisResult<Vec<RedisResult<T>>> =
            pipe.ignore_errors().query_async(&mut commands.connection).await;
        let answers = match answers {
            Ok(answers) => answers,
            Err(e) => return Err(self.classify(commands, &e, started_at).await),
        };
        let mut results = Vec::with_capacity(answers.len());
        for answer in answers {
            results.push(match answer {
                Ok(answer) => Ok(answer),
                Err(e) => Err(self.classify(commands.clone(), &e, started_at).await),
            });
        }
        Ok(results)
    }

    /// The health of the store.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    /// Probes Redis. Returns whether it does everything that the store needs.
    pub async fn probe(&self) -> bool {
        let started_at = Instant::now();
        match self.commands() {
            Ok(commands) => self.probe_since(commands, started_at).await,
            Err(_) => false,
        }
    }

    /// Probes, unless a probe has ended well after this moment.
    async fn probe_since(&self, commands: Commands, since: Instant) -> bool {
        let Commands { mut connection, generation } = commands;
        let _one_at_a_time = self.probing.lock().await;
        if self.lock().probed_ok_at.is_some_and(|at| at > since) {
            return true;
        }
        let probed = probe::probe(&mut connection, &self.node).await;
        let ok = probed == ProbeResult::Ok;
        self.apply(generation, probed);
        ok
    }

    /// Translates an error for the caller, and drops the connection if it is broken. Other errors may concern one
    /// channel or all of them; only a probe can tell.
    async fn classify(&self, commands: Commands, e: &RedisError, started_at: Instant) -> StoreError {
        let why = e.to_string();
        if is_connection_error(e) {
            self.apply(commands.generation, ProbeResult::Broken(why.clone()));
            return StoreError::Unavailable(why);
        }
        let rejects = self.lock().rejection.is_some();
        // Redis or its disk is full, or a replica is missing: that may pass.
        let may_pass = matches!(e.code(), Some("OOM" | "MISCONF" | "NOREPLICAS" | "BUSY"));
        match rejects || !self.probe_since(commands, started_at).await || may_pass {
            true => StoreError::Unavailable(why),
            false => StoreError::Failed(why),
        }
    }

    /// Applies what was found out about a connection, unless another one is in use by now.
    fn apply(&self, generation: u64, probed: ProbeResult) {
        let mut state = self.lock();
        if state.generation != generation || state.connection.is_none() {
            return;
        }
        match probed {
            ProbeResult::Ok => {
                state.probed_ok_at = Some(Instant::now());
                if state.rejection.take().is_some() {
                    info!("Redis accepts all commands again");
                    self.health.send_replace(Health::Ok);
                }
            }
            ProbeResult::Rejected(why) => {
                let problem = format!("Redis rejects a command that the store needs: {why}");
                if state.rejection.is_none() {
                    warn!("{problem}; publications are rejected until it is accepted");
                }
                self.health.send_replace(Health::Degraded(problem));
                state.rejection = Some(why);
            }
            ProbeResult::Broken(why) => {
                state.connection = None;
                state.failure = Some(why);
                self.failed.notify_one();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether another connection may do better: this one is broken, or leads to a server that is starting, has become a
/// replica, or does not know our scripts.
pub(super) fn is_connection_error(e: &RedisError) -> bool {
    use ServerErrorKind::{BusyLoading, MasterDown, NoScript, ReadOnly};
    let by_kind =
        matches!(e.kind(), ErrorKind::Io | ErrorKind::Server(BusyLoading | MasterDown | NoScript | ReadOnly));
    by_kind || e.is_timeout() || e.is_connection_dropped() || e.is_unrecoverable_error()
}
