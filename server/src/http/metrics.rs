//! What the server counts, for `/metrics`.

use std::fmt;
use std::time::Instant;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry};

#[cfg(target_os = "linux")]
use super::process::Process;
use crate::auth::Auth;
use crate::config::{Config, StoreKind};
use crate::log::{Health, ShardState, Store};
use crate::state::App;

/// Refusals, by their reason.
pub type RefusalCounts = Family<[(&'static str, &'static str); 1], Counter>;

/// See the module. Counters are shared: a clone counts the same thing.
pub struct Metrics {
    registry: Registry,
    connections: Gauge,
    channels: Gauge,
    /// Subscriptions of the open sockets.
    pub subscriptions: Gauge,
    store_bytes: Gauge,
    /// From a publication's arrival to its answer, if it was stored.
    publish_seconds: Histogram,
    /// From the submission of a message to the store until it is stored.
    store_append_seconds: Histogram,
    /// Reading a page of messages from the store.
    pub store_read_seconds: Histogram,
    /// Messages that this server appended to the log.
    pub appended: Counter,
    log_up: Gauge,
    /// By the address of the shard.
    shards_up: Family<[(&'static str, String); 1], Gauge>,
    refused: Family<[(&'static str, &'static str); 1], Counter>,
    /// Connections and requests that were refused.
    pub refusals: RefusalCounts,
    /// Messages sent from the live stream.
    pub delivered: Counter,
    /// Messages sent from the log.
    pub replayed: Counter,
    /// Pages of replays that were read from the log and written as frames.
    pub pages_encoded: Counter,
    /// Pages that were sent to another client before.
    pub pages_shared: Counter,
    /// How many messages a replay had.
    pub replay_messages: Histogram,
    /// Subscriptions that resumed at a position.
    pub recoveries: Counter,
    /// Those of them that had to report a gap.
    pub recoveries_with_gap: Counter,
    /// Messages sent from the live stream that the replay before it had sent already.
    pub duplicates: Counter,
    /// Subscriptions that were too slow for the live stream.
    pub resyncs: Counter,
    /// Sockets that accepted nothing for too long.
    pub given_up: Counter,
    /// Bytes of messages that wait for sockets.
    pub socket_queue_bytes: Gauge,
    live_queue_bytes: Gauge,
    /// From the message's id, which has the time of the append, to the socket's queue.
    pub latency_seconds: Histogram,
}

impl Metrics {
    /// All at zero, with what the store and the authorization measure by themselves.
    pub fn new(config: &Config, store: &dyn Store, auth: &Auth) -> Self {
        let mut root = Registry::default();
        #[cfg(target_os = "linux")]
        root.register_collector(Box::new(Process));
        let mut register = Registrar(root.sub_registry_with_prefix("seamline"));
        register.build(config);
        register.measured_elsewhere(store, auth);
        let appended = "Messages that this server appended to the log";
        let recoveries_with_gap = "Recoveries whose position the log does not have";
        let duplicates = "Live messages that the replay before them had sent already";
        let resyncs = "Subscriptions too slow for the live stream, sent back to the log";
        let given_up = "Sockets that accepted nothing for too long";
        let replay_messages = Histogram::new(exponential_buckets(1.0, 4.0, 10));
        let latency_seconds = Histogram::new(exponential_buckets(0.001, 2.0, 14));
        let latency = "Time from the append to the socket's queue, for the first message of a frame";
        let publish = "Time from a publication's arrival to its answer, if it was stored";
        let append = "Time from the submission of a message to the store until it is stored";
        let read = "Time to read a page of messages from the store";
        let socket_queue_bytes = "Bytes of messages in frames that wait for their sockets";
        let live_queue_bytes = "Bytes of messages in the live stream that wait for slow subscriptions";
        let log_up = "0 while the log is unavailable or accepts nothing, otherwise 1";
        let shards_up =
            "0 while this shard of the Redis Cluster is unavailable or accepts nothing, otherwise 1";
        let refused = "Publications that were not stored, by the code of their refusal";
        let refusals = "Connections, subscriptions and requests that were refused, by the reason";
        Metrics {
            appended: register.counter("messages_appended", appended),
            delivered: register.counter("messages_delivered", "Messages sent from the live stream"),
            replayed: register.counter("messages_replayed", "Messages sent from the log"),
            recoveries: register.counter("recoveries", "Subscriptions that resumed at a position"),
            recoveries_with_gap: register.counter("recoveries_with_gap", recoveries_with_gap),
            duplicates: register.counter("duplicates_sent", duplicates),
            given_up: register.counter("sockets_given_up", given_up),
            resyncs: register.counter("resyncs", resyncs),
            pages_encoded: register.counter("replay_pages_encoded", "Pages of replays read from the log"),
            pages_shared: register
                .counter("replay_pages_shared", "Pages of replays that other clients had read"),
            replay_messages: register.metric("replay_messages", "Messages in a replay", replay_messages),
            latency_seconds: register.metric("append_to_socket_seconds", latency, latency_seconds),
            publish_seconds: register.metric("publish_seconds", publish, seconds()),
            store_append_seconds: register.metric("store_append_seconds", append, seconds()),
            store_read_seconds: register.metric("store_read_seconds", read, seconds()),
            socket_queue_bytes: register.gauge("socket_queue_bytes", socket_queue_bytes),
            live_queue_bytes: register.gauge("live_queue_bytes", live_queue_bytes),
            connections: register.gauge("connections", "Open sockets"),
            subscriptions: register.gauge("subscriptions", "Subscriptions of the open sockets"),
            channels: register.gauge("channels", "Channels with subscriptions on this server"),
            store_bytes: match store.bytes() {
                Some(_) => register.gauge("store_bytes", "Size of the embedded log's files"),
                None => Gauge::default(),
            },
            log_up: register.gauge("log_up", log_up),
            shards_up: match store.shards() {
                Some(_) => register.metric("redis_shard_up", shards_up, Family::default()),
                None => Family::default(),
            },
            refused: register.metric("publications_refused", refused, Family::default()),
            refusals: register.metric("refused", refusals, Family::default()),
            registry: root,
        }
    }
}

/// A histogram of the duration of an operation: from a quarter of a millisecond to 8 s.
pub fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.000_25, 2.0, 16))
}

struct Registrar<'r>(&'r mut Registry);

impl Registrar<'_> {
    fn metric<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M {
        self.0.register(name, help, metric.clone());
        metric
    }

    fn counter(&mut self, name: &str, help: &str) -> Counter {
        self.metric(name, help, Counter::default())
    }

    fn gauge(&mut self, name: &str, help: &str) -> Gauge {
        self.metric(name, help, Gauge::default())
    }

    /// Which build this is, and which log it uses.
    fn build(&mut self, config: &Config) {
        let log = match config.log {
            StoreKind::Embedded => "embedded",
            StoreKind::Redis(_) => "redis",
        };
        let info = Family::<[(&'static str, &'static str); 2], Gauge>::default();
        info.get_or_create(&[("version", env!("CARGO_PKG_VERSION")), ("log", log)]).set(1);
        self.0.register("build_info", "The version of the server, and the kind of its log", info);
    }

    /// What is there only with some settings.
    fn measured_elsewhere(&mut self, store: &dyn Store, auth: &Auth) {
        let missed = "Reads of the Redis log that found messages although no wake-up had announced them";
        let redis = "Time from a command to Redis until its answer; a pipeline is one command";
        let authorize = "Time until the authorization service answered or failed, by its verdict";
        if let Some(missed_wakeups) = store.missed_wakeups() {
            self.metric("redis_missed_wakeups", missed, missed_wakeups);
        }
        if let Some(command_seconds) = store.redis_command_seconds() {
            self.metric("redis_command_seconds", redis, command_seconds);
        }
        if let Some(authorize_seconds) = auth.service_seconds() {
            self.metric("authorize_seconds", authorize, authorize_seconds);
        }
    }
}

impl Metrics {
    /// A publication was refused.
    pub fn refused(&self, code: &'static str) {
        self.refused.get_or_create(&[("code", code)]).inc();
    }

    /// A publication is stored.
    pub fn published(&self, duplicate: bool, arrived: Instant, submitted: Instant) {
        self.appended.inc_by(u64::from(!duplicate));
        self.store_append_seconds.observe(submitted.elapsed().as_secs_f64());
        self.publish_seconds.observe(arrived.elapsed().as_secs_f64());
    }

    /// Sets what is looked up rather than counted.
    pub fn sample(&self, app: &App) {
        let set = |gauge: &Gauge, value: usize| gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        set(&self.connections, app.connections.open());
        set(&self.channels, app.hub.channel_count());
        set(&self.live_queue_bytes, app.hub.waiting_bytes());
        self.store_bytes.set(i64::try_from(app.store.bytes().unwrap_or_default()).unwrap_or(i64::MAX));
        self.log_up.set(i64::from(!matches!(*app.store.health().borrow(), Health::Degraded(_))));
        self.shards_up.clear(); // those that are gone
        for ShardState { address, is_up } in app.store.shards().unwrap_or_default() {
            self.shards_up.get_or_create(&[("shard", address)]).set(i64::from(is_up));
        }
    }

    /// All of it as OpenMetrics.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
