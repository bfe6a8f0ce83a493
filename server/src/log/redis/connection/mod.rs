//! The connection that carries the commands of the whole node: whether it works, whether Redis does what the store
//! needs, and what its errors mean.
//!
//! When a command shows that the connection is broken, it is dropped. Until [`reconnect`](super::reconnect) has opened
//! a new one, every command fails immediately. The logs have one line when Redis becomes unavailable or starts to
//! reject commands, and one when that is over.

mod confirm;
mod connect;
mod probe;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::metrics::histogram::Histogram;
use redis::aio::MultiplexedConnection;
use redis::{Client, Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, ServerErrorKind};
use tokio::sync::{Notify, Semaphore, SemaphorePermit, watch};
use tracing::{info, warn};

use self::confirm::Confirmation;
pub(super) use self::connect::{CONNECT_TIMEOUT, Connections, Unusable};
pub(super) use self::probe::ProbeResult;
use super::endpoint::Endpoint;
use crate::log::redis::problem::in_words;
use crate::log::{Health, StoreError};

/// If a command takes longer, the publisher has to retry. If Redis runs it later all the same, the idempotency key
/// prevents a second message.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(2);
/// How many commands for clients are sent at a time. Redis runs one after the other, so more are not faster. But they
/// would be late: when thousands of clients subscribe at once, the last commands would take longer than
/// [`COMMAND_TIMEOUT`], and a connection that works would count as broken.
const IN_FLIGHT_MAX: usize = 128;

/// The health before the first attempt to connect.
pub(super) const NOT_CONNECTED: &str = "not connected yet";

/// See the module.
pub(super) struct SharedConnection {
    endpoint: Endpoint,
    /// How many replicas must have what is acknowledged or delivered.
    replicas: usize,
    /// The name of this node in Redis.
    node: String,
    // A plain mutex: never held across an await.
    state: Mutex<State>,
    failed: Notify,
    health: watch::Sender<Health>,
    /// Permits for commands of clients.
    turns: Semaphore,
    /// Allows one probe at a time. Callers that wait share its result.
    probing: tokio::sync::Mutex<()>,
    /// Allows one confirmation at a time. The same.
    confirming: Arc<tokio::sync::Mutex<Option<Confirmation>>>,
    command_seconds: Histogram,
}

#[derive(Default)]
struct State {
    connected: Option<Connected>,
    /// Counts connections: an error of an old one says nothing about the present one.
    generation: u64,
    /// Why the present connection broke, until [`SharedConnection::failure`] takes it.
    failure: Option<String>,
    unavailable_since: Option<Instant>,
    /// Whether the logs have that Redis rejects the user or the password.
    rejected_login: bool,
    /// What Redis rejects at present.
    rejection: Option<String>,
    /// When the last probe ended that found no problem.
    probed_ok_at: Option<Instant>,
}

/// The present connection.
struct Connected {
    client: Client,
    commands: MultiplexedConnection,
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
    /// `command_seconds` measures how long commands take, also those that fail.
    pub fn new(endpoint: Endpoint, replicas: usize, node: String, command_seconds: Histogram) -> Self {
        let health = watch::Sender::new(Health::Degraded(NOT_CONNECTED.into()));
        SharedConnection {
            endpoint,
            replicas,
            node,
            state: Mutex::default(),
            failed: Notify::new(),
            health,
            turns: Semaphore::new(IN_FLIGHT_MAX),
            probing: tokio::sync::Mutex::default(),
            confirming: Arc::default(),
            command_seconds,
        }
    }

    /// Uses these connections from now on; a probe over them had this result.
    pub fn connected(&self, connections: &Connections, probed: ProbeResult) {
        let generation = {
            let mut state = self.lock();
            state.generation += 1;
            let Connections { client, commands, .. } = connections;
            let (client, commands) = (client.clone(), commands.clone());
            let is_named = self.endpoint.is_variable() && !self.endpoint.is_shard(); // a shard's name has it
            let address = is_named.then(|| format!(" at {}", client.get_connection_info().addr()));
            state.connected = Some(Connected { client, commands });
            (state.failure, state.rejection, state.rejected_login) = (None, None, false);
            if let Some(since) = state.unavailable_since.take() {
                let (name, address) = (self.endpoint.name(), address.unwrap_or_default());
                info!("{name} is available again{address} after {:.1?}", since.elapsed());
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
        state.connected = None;
        let is_new = state.unavailable_since.is_none();
        state.unavailable_since.get_or_insert_with(Instant::now);
        // Also when the outage began with something else: it does not end by itself.
        let is_rejected = why.is_rejected_login() && !std::mem::replace(&mut state.rejected_login, true);
        let problem = format!("{} is unavailable: {why}", self.endpoint.name());
        if is_new || is_rejected {
            warn!("{problem}; sockets stay open, publications are rejected until it is back");
        }
        drop(state);
        self.health.send_replace(Health::Degraded(problem));
        self.endpoint.note_outdated();
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

    /// Resolves when the connection with this number is no longer in use.
    pub async fn replaced(&self, generation: u64) {
        let mut health = self.health.subscribe(); // it changes with each connection
        let is_in_use = || {
            let state = self.lock();
            state.generation == generation && state.connected.is_some()
        };
        while is_in_use() && health.changed().await.is_ok() {}
    }

    /// The present connection.
    pub fn commands(&self) -> Result<Commands, StoreError> {
        let state = self.lock();
        match &state.connected {
            Some(connected) => {
                Ok(Commands { connection: connected.commands.clone(), generation: state.generation })
            }
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

    /// Whether this is a shard of a cluster.
    pub fn is_shard(&self) -> bool {
        self.endpoint.is_shard()
    }

    /// Something shows that another shard may own a slot by now.
    pub fn note_outdated(&self) {
        self.endpoint.note_outdated();
    }

    /// Tags for the keys of the probe.
    pub fn probe_tags(&self) -> Vec<String> {
        self.endpoint.probe_tags(&self.node)
    }

    /// Drops the connection if there is another primary by now. Without this, a primary that is cut off from the
    /// others, but not from this node, would go on to be used.
    pub async fn follow_primary(&self) {
        if !self.endpoint.is_variable() {
            return;
        }
        let Ok(primary) = self.endpoint.client().await else { return };
        let primary = primary.get_connection_info().addr();
        let outdated = {
            let state = self.lock();
            let is_other = |connected: &&Connected| connected.client.get_connection_info().addr() != primary;
            state.connected.as_ref().filter(is_other).map(|_| state.generation)
        };
        if let Some(generation) = outdated {
            let why = format!("{} names another primary: {primary}", self.endpoint.authority());
            self.apply(generation, ProbeResult::Broken(why));
        }
    }

    /// Waits until a command for a client may be sent. It may take [`COMMAND_TIMEOUT`] from then on.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok() // always: it is never closed
    }

    /// Runs a command for a client when it is its turn, and waits until the replicas have what it returns.
    pub async fn run<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, StoreError> {
        let _turn = self.turn().await;
        self.run_now(cmd).await
    }

    /// The same for a command that does not wait for those of clients.
    pub async fn run_now<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, StoreError> {
        let (mut commands, started_at) = (self.commands()?, Instant::now());
        let answer = cmd.query_async(&mut commands.connection).await;
        self.command_seconds.observe(started_at.elapsed().as_secs_f64());
        match answer {
            Ok(answer) => self.confirm(commands).await.map(|()| answer),
            Err(e) => Err(self.classify(commands, &e, started_at).await),
        }
    }

    /// Runs commands in one pipeline, and waits until the replicas have what they return. Each has its own result.
    pub async fn run_all<T: FromRedisValue>(
        &self,
        commands: Commands,
        pipe: &mut Pipeline,
    ) -> Result<Vec<Result<T, StoreError>>, StoreError> {
        let results = self.run_unconfirmed(commands.clone(), pipe).await?;
        self.confirm(commands).await.map(|()| results)
    }

    /// The same without waiting for replicas, for what may be lost.
    pub async fn run_unconfirmed<T: FromRedisValue>(
        &self,
        mut commands: Commands,
        pipe: &mut Pipeline,
    ) -> Result<Vec<Result<T, StoreError>>, StoreError> {
        let started_at = Instant::now();
        let answers: RedisResult<Vec<RedisResult<T>>> =
            pipe.ignore_errors().query_async(&mut commands.connection).await;
        self.command_seconds.observe(started_at.elapsed().as_secs_f64());
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
        self.probe_since(started_at).await
    }

    /// Probes, unless a probe has ended well after this moment.
    async fn probe_since(&self, since: Instant) -> bool {
        let _one_at_a_time = self.probing.lock().await;
        if self.lock().probed_ok_at.is_some_and(|at| at > since) {
            return true;
        }
        let Ok(Commands { mut connection, generation }) = self.commands() else { return false };
        // Both wait for replicas. One after the other would hold up the connection for too long.
        let not_confirming = self.confirming.lock().await;
        let probed = self.probe_over(&mut connection).await;
        drop(not_confirming);
        let ok = probed == ProbeResult::Ok;
        self.apply(generation, probed);
        ok
    }

    /// Translates an error for the caller, and drops the connection if it is broken. Other errors may concern one
    /// channel or all of them; only a probe can tell.
    async fn classify(&self, commands: Commands, e: &RedisError, started_at: Instant) -> StoreError {
        let why = in_words(e);
        if is_redirection(e) {
            self.endpoint.note_outdated();
            return StoreError::Unavailable(why);
        }
        if is_connection_error(e) {
            self.apply(commands.generation, ProbeResult::Broken(why.clone()));
            return StoreError::Unavailable(why);
        }
        let rejects = self.lock().rejection.is_some();
        // Redis or its disk is full, or a replica is missing: that may pass.
        let may_pass = matches!(e.code(), Some("OOM" | "MISCONF" | "NOREPLICAS" | "BUSY"));
        match rejects || !self.probe_since(started_at).await || may_pass {
            true => StoreError::Unavailable(why),
            false => StoreError::Failed(why),
        }
    }

    /// Applies what was found out about a connection, unless another one is in use by now.
    fn apply(&self, generation: u64, probed: ProbeResult) {
        let mut state = self.lock();
        if state.generation != generation || state.connected.is_none() {
            return;
        }
        match probed {
            ProbeResult::Ok => {
                state.probed_ok_at = Some(Instant::now());
                if state.rejection.take().is_some() {
                    info!("{} accepts all commands again", self.endpoint.name());
                    self.health.send_replace(Health::Ok);
                }
            }
            ProbeResult::Rejected(problem) => {
                if state.rejection.is_none() {
                    warn!("{problem}; publications are rejected until that is over");
                }
                self.health.send_replace(Health::Degraded(problem.clone()));
                state.rejection = Some(problem);
            }
            ProbeResult::Broken(why) => {
                state.connected = None;
                state.failure = Some(why);
                self.failed.notify_one();
                self.endpoint.note_outdated();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the key cannot be used here at the moment: its slot is at another shard, or on its way there, or the cluster
/// is down. Other keys may be fine.
pub(super) fn is_redirection(e: &RedisError) -> bool {
    matches!(e.code(), Some("MOVED" | "ASK" | "TRYAGAIN")) || is_cluster_down(e)
}

/// Whether no key of this shard can be used at the moment.
pub(super) fn is_cluster_down(e: &RedisError) -> bool {
    e.code() == Some("CLUSTERDOWN")
}

/// Whether another connection may do better: this one is broken, or leads to a server that is starting, has become a
/// replica, or does not know our scripts.
pub(super) fn is_connection_error(e: &RedisError) -> bool {
    use ServerErrorKind::{BusyLoading, MasterDown, NoScript, ReadOnly};
    let by_kind =
        matches!(e.kind(), ErrorKind::Io | ErrorKind::Server(BusyLoading | MasterDown | NoScript | ReadOnly));
    by_kind || e.is_timeout() || e.is_connection_dropped() || e.is_unrecoverable_error()
}
