//! The connection to Redis: whether it is there, whether Redis does what the log needs, and what its errors mean.
//!
//! One connection carries the commands of the whole node. When one of them shows that it is broken, it
//! is let go of, and until the keeper (see [`keeper`](super::keeper)) has made a new one everyone is told at
//! once to come back later. That Redis is lost, that it refuses something, and that this is over, is logged
//! once each.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, Pipeline, RedisError, RedisResult};
use redis::{ErrorKind, ServerErrorKind};
use tokio::sync::{Notify, watch};
use tracing::{info, warn};

use super::probe::{Proof, probe};
use super::scripts;
use crate::log::{Health, StoreError};

/// Longer, and a publisher is told to come back instead; what Redis does later all the same, it does
/// once per idempotency key.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// See the module.
pub(super) struct Link {
    client: Client,
    /// The name of this node in Redis.
    node: String,
    // A plain mutex: never held across an await.
    state: Mutex<State>,
    failed: Notify,
    health: watch::Sender<Health>,
    /// One probe at a time: whoever waits for it has its answer as well.
    probing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    connection: Option<MultiplexedConnection>,
    /// Counts connections: a command of an old one says nothing about the present one.
    number: u64,
    failure: Option<String>,
    lost_at: Option<Instant>,
    /// What Redis refuses, as long as it does.
    refusal: Option<String>,
    /// When the last probe ended that found nothing refused.
    proven_at: Option<Instant>,
}

/// A connection for commands.
#[derive(Clone)]
pub(super) struct Commands {
    connection: MultiplexedConnection,
    number: u64,
}

impl Commands {
    pub fn into_connection(self) -> MultiplexedConnection {
        self.connection
    }
}

/// The two connections that the log needs.
pub(super) struct Connections {
    pub commands: MultiplexedConnection,
    /// For the reader, which blocks it.
    pub blocking: MultiplexedConnection,
}

/// Why there is no connection that can be used.
pub(super) enum Unusable {
    /// There is no Redis, or it does not let us in.
    NoConnection(RedisError),
    /// There is one, and it does not do what the log needs.
    Unfit(String),
}

impl Unusable {
    fn of(e: RedisError) -> Self {
        let no_entry = matches!(e.code(), Some("NOAUTH" | "WRONGPASS"));
        match no_entry || matches!(e.kind(), ErrorKind::Io | ErrorKind::AuthenticationFailed) {
            true => Unusable::NoConnection(e),
            false => Unusable::Unfit(e.to_string()),
        }
    }
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unusable::NoConnection(e) => e.fmt(f),
            Unusable::Unfit(why) => f.write_str(why),
        }
    }
}

impl Link {
    pub fn new(client: Client, node: String) -> Self {
        let health = watch::Sender::new(Health::Degraded("not connected yet".into()));
        let (state, failed, probing) = (Mutex::default(), Notify::new(), tokio::sync::Mutex::default());
        Link { client, node, state, failed, health, probing }
    }

    /// Connects, makes Redis know our scripts, and sees whether it is a primary.
    pub async fn connect(&self) -> Result<(Connections, Proof), Unusable> {
        let mut commands = self.open().await.map_err(Unusable::NoConnection)?;
        scripts::load(&mut commands).await.map_err(Unusable::of)?;
        let proof = match probe(&mut commands, &self.node).await {
            Proof::Broken(why) => return Err(Unusable::Unfit(why)),
            proof => proof,
        };
        let mut blocking = self.open().await.map_err(Unusable::NoConnection)?;
        blocking.set_response_timeout(super::tail::BLOCK + COMMAND_TIMEOUT);
        Ok((Connections { commands, blocking }, proof))
    }

    /// A connection, whatever is at its end.
    pub async fn open(&self) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(COMMAND_TIMEOUT));
        self.client.get_multiplexed_async_connection_with_config(&config).await
    }

    /// From now on this connection is used, of which a probe has shown this.
    pub fn up(&self, connection: MultiplexedConnection, proof: Proof) {
        let number = {
            let mut state = self.lock();
            state.number += 1;
            state.connection = Some(connection);
            (state.failure, state.refusal) = (None, None);
            if let Some(lost_at) = state.lost_at.take() {
                info!("Redis is back after {:.1?}", lost_at.elapsed());
            }
            state.number
        };
        if proof == Proof::Good {
            self.health.send_replace(Health::Ok);
        }
        self.heed(number, proof);
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
    pub fn commands(&self) -> Result<Commands, StoreError> {
        let state = self.lock();
        match &state.connection {
            Some(connection) => Ok(Commands { connection: connection.clone(), number: state.number }),
            None => Err(StoreError::Unavailable("Redis is lost".into())),
        }
    }

    /// As [`commands`](Self::commands), for what must not be done by halves: not while Redis refuses any of it.
    pub async fn commands_to_write(&self) -> Result<Commands, StoreError> {
        let refusal = self.lock().refusal.clone();
        match refusal {
            Some(why) if !self.probe().await => Err(StoreError::Unavailable(why)),
            _ => self.commands(),
        }
    }

    /// Runs a command.
    pub async fn run<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, StoreError> {
        let (mut commands, asked_at) = (self.commands()?, Instant::now());
        match cmd.query_async(&mut commands.connection).await {
            Ok(answer) => Ok(answer),
            Err(e) => Err(self.classify(commands, &e, asked_at).await),
        }
    }

    /// Runs commands that follow each other without waiting; each has its own result.
    pub async fn run_all<T: FromRedisValue>(
        &self,
        mut commands: Commands,
        pipe: &mut Pipeline,
    ) -> Result<Vec<Result<T, StoreError>>, StoreError> {
        let asked_at = Instant::now();
        let answers: RedisResult<Vec<RedisResult<T>>> =
            pipe.ignore_errors().query_async(&mut commands.connection).await;
        let answers = match answers {
            Ok(answers) => answers,
            Err(e) => return Err(self.classify(commands, &e, asked_at).await),
        };
        let mut results = Vec::with_capacity(answers.len());
        for answer in answers {
            results.push(match answer {
                Ok(answer) => Ok(answer),
                Err(e) => Err(self.classify(commands.clone(), &e, asked_at).await),
            });
        }
        Ok(results)
    }

    /// How the log is.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    /// Sees what Redis does at present. Returns whether it does all that the log needs.
    pub async fn probe(&self) -> bool {
        let asked_at = Instant::now();
        match self.commands() {
            Ok(commands) => self.probe_since(commands, asked_at).await,
            Err(_) => false,
        }
    }

    /// Probes, unless one has begun after this moment.
    async fn probe_since(&self, Commands { mut connection, number }: Commands, since: Instant) -> bool {
        let _one = self.probing.lock().await;
        if self.lock().proven_at.is_some_and(|at| at > since) {
            return true;
        }
        let proof = probe(&mut connection, &self.node).await;
        let good = proof == Proof::Good;
        self.heed(number, proof);
        good
    }

    /// Says what an error means to whoever asked, and sees to the connection. An error that is not the connection's may
    /// be that of one channel, or of all: only a probe can tell.
    async fn classify(&self, commands: Commands, e: &RedisError, asked_at: Instant) -> StoreError {
        let why = e.to_string();
        if is_the_connections(e) {
            self.heed(commands.number, Proof::Broken(why.clone()));
            return StoreError::Unavailable(why);
        }
        let refused = self.lock().refusal.is_some();
        // Full, or its disk is, or a replica is missing: that may pass.
        let may_pass = matches!(e.code(), Some("OOM" | "MISCONF" | "NOREPLICAS" | "BUSY"));
        match refused || !self.probe_since(commands, asked_at).await || may_pass {
            true => StoreError::Unavailable(why),
            false => StoreError::Failed(why),
        }
    }

    /// What was shown of a connection; of the present one it counts.
    fn heed(&self, number: u64, proof: Proof) {
        let mut state = self.lock();
        if state.number != number || state.connection.is_none() {
            return;
        }
        match proof {
            Proof::Good => {
                state.proven_at = Some(Instant::now());
                if state.refusal.take().is_some() {
                    info!("Redis refuses nothing any more");
                    self.health.send_replace(Health::Ok);
                }
            }
            Proof::Refused(why) => {
                if state.refusal.is_none() {
                    warn!("Redis refuses what the log needs ({why}); publishers are told to come back");
                }
                self.health
                    .send_replace(Health::Degraded(format!("Redis refuses what the log needs: {why}")));
                state.refusal = Some(why);
            }
            Proof::Broken(why) => {
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

/// Whether another connection may do better: this one is broken, or leads to a server that is starting,
/// has become a replica, or does not know our scripts.
pub(super) fn is_the_connections(e: &RedisError) -> bool {
    use ServerErrorKind::{BusyLoading, MasterDown, NoScript, ReadOnly};
    let by_kind =
        matches!(e.kind(), ErrorKind::Io | ErrorKind::Server(BusyLoading | MasterDown | NoScript | ReadOnly));
    by_kind || e.is_timeout() || e.is_connection_dropped() || e.is_unrecoverable_error()
}
