//! What the server counts, for `/metrics`.

use std::fmt;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry};

/// See the module. Counters are shared: a clone counts the same thing.
pub struct Metrics {
    registry: Registry,
    connections: Gauge,
    /// Messages that this server appended to the log.
    pub appended: Counter,
    log_up: Gauge,
    refused: Family<[(&'static str, &'static str); 1], Counter>,
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
    /// All at zero, with a counter of the store.
    pub fn new(missed_wakeups: Option<Counter>) -> Self {
        let mut registry = Registry::with_prefix("seamline");
        let appended = "Messages that this server appended to the log";
        let recoveries_with_gap = "Recoveries whose position the log does not have";
        let duplicates = "Live messages that the replay before them had sent already";
        let resyncs = "Subscriptions too slow for the live stream, sent back to the log";
        let given_up = "Sockets that accepted nothing for too long";
        let replay_messages = Histogram::new(exponential_buckets(1.0, 4.0, 10));
        let latency_seconds = Histogram::new(exponential_buckets(0.001, 2.0, 14));
        let latency = "Time from the append to the socket's queue, for the first message of a frame";
        let socket_queue_bytes = "Bytes of messages in frames that wait for their sockets";
        let live_queue_bytes = "Bytes of messages in the live stream that wait for slow subscriptions";
        let log_up = "0 while the log is unavailable or accepts nothing, otherwise 1";
        let refused = "Publications that were not stored, by the code of their refusal";
        let missed = "Reads of the Redis log that found messages although no wake-up had announced them";
        let mut register = Registrar(&mut registry);
        if let Some(missed_wakeups) = missed_wakeups {
            register.metric("redis_missed_wakeups", missed, missed_wakeups);
        }
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
            socket_queue_bytes: register.gauge("socket_queue_bytes", socket_queue_bytes),
            live_queue_bytes: register.gauge("live_queue_bytes", live_queue_bytes),
            connections: register.gauge("connections", "Open sockets"),
            log_up: register.gauge("log_up", log_up),
            refused: register.metric("publications_refused", refused, Family::default()),
            registry,
        }
    }
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
}

impl Metrics {
    /// A publication was refused.
    pub fn refused(&self, code: &'static str) {
        self.refused.get_or_create(&[("code", code)]).inc();
    }

    /// Sets what is looked up rather than counted.
    pub fn sample(&self, connections: usize, live_queue_bytes: usize, log_up: bool) {
        self.connections.set(i64::try_from(connections).unwrap_or(i64::MAX));
        self.live_queue_bytes.set(i64::try_from(live_queue_bytes).unwrap_or(i64::MAX));
        self.log_up.set(i64::from(log_up));
    }

    /// All of it as OpenMetrics.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
