//! Ephemeral events between nodes, through Redis pub/sub, which stores nothing and guarantees nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use redis::aio::PubSub;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::backoff::Backoff;
use super::connection::{SharedConnection, is_connection_error};
use super::keys;
use super::problem::{in_words, is_rejected_login};
use crate::log::hub::{Cast, Hub};

/// How many events are queued for Redis. More are dropped.
const QUEUE_MAX: usize = 256;
/// Maximum number of events per pipeline.
const GROUP_MAX: usize = 64;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The first pause before a reconnect; it doubles with each attempt …
const RECONNECT_MIN: Duration = Duration::from_millis(500);
/// … up to this.
const RECONNECT_MAX: Duration = Duration::from_secs(5);
/// A connection that breaks sooner counts as a failed attempt: the pauses go on growing.
const STABLE_AFTER: Duration = Duration::from_secs(10);
/// The connection number of events from other nodes; no connection of this node has it.
const OTHER_NODE: u64 = u64::MAX;

/// The message between nodes.
#[derive(Serialize, Deserialize)]
struct Event {
    node: String,
    ch: String,
    data: Box<RawValue>,
}

/// See the module.
pub(super) struct Casts {
    node: String,
    queue: mpsc::Sender<String>,
    receiver: JoinHandle<()>,
}

impl Drop for Casts {
    fn drop(&mut self) {
        self.receiver.abort(); // the sender ends with the queue
    }
}

impl Casts {
    /// Sends over a shared connection, and receives over a separate one: a flood of events that breaks that one breaks
    /// nothing else. `source` returns the shared connection to use; `None` if there is none at the moment.
    pub async fn start(source: impl Source, db: i64, hub: Arc<Hub>, node: String) -> Self {
        // Pub/sub ignores database numbers, but two databases are two deployments.
        let channel = keys::casts(db);
        let source: Arc<dyn Source> = Arc::new(source);
        let (queue, events) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(send(source.clone(), channel.clone(), events));
        let mut receiver = Receiver { source, channel, hub, node: node.clone(), rejection_logged: false };
        // The first clients already receive events from other nodes.
        let first = receiver.connect().await;
        let receiver = tokio::spawn(receiver.run(first));
        Casts { node, queue, receiver }
    }

    /// Sends an event to the other nodes, unless the queue is full.
    pub fn pass_on(&self, ch: &str, data: &str) {
        let Ok(data) = RawValue::from_string(data.to_owned()) else { return };
        let event = Event { node: self.node.clone(), ch: ch.to_owned(), data };
        if let Ok(text) = serde_json::to_string(&event) {
            let _ = self.queue.try_send(text); // full: dropped
        }
    }
}

/// Selects the shared connection. All nodes of a cluster receive what is published to one of them.
pub(super) trait Source: Fn() -> Option<Arc<SharedConnection>> + Send + Sync + 'static {}

impl<F: Fn() -> Option<Arc<SharedConnection>> + Send + Sync + 'static> Source for F {}

/// Where events are received.
struct Receiving {
    connection: PubSub,
    shared: Arc<SharedConnection>,
    /// The number of the shared connection.
    generation: u64,
}

struct Receiver {
    source: Arc<dyn Source>,
    channel: String,
    hub: Arc<Hub>,
    node: String,
    /// A rejection is logged once, until Redis accepts the subscription.
    rejection_logged: bool,
}

impl Receiver {
    async fn run(mut self, mut receiving: Option<Receiving>) {
        let mut backoff = Backoff::new(RECONNECT_MIN, RECONNECT_MAX);
        loop {
            if let Some(Receiving { connection, shared, generation }) = &mut receiving {
                let connected_at = Instant::now();
                // A Redis that is no longer used may stay silent forever.
                tokio::select! {
                    () = self.receive(connection) => {}
                    () = shared.replaced(*generation) => {}
                }
                if connected_at.elapsed() >= STABLE_AFTER {
                    backoff.reset();
                }
            }
            tokio::time::sleep(backoff.next()).await;
            receiving = self.connect().await;
        }
    }

    async fn connect(&mut self) -> Option<Receiving> {
        let shared = (self.source)()?;
        let connecting = async {
            let (mut connection, generation) = shared.open_pubsub().await?;
            connection.subscribe(&self.channel).await?;
            Ok::<_, redis::RedisError>(Receiving { connection, shared, generation })
        };
        match timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok(receiving)) => {
                self.rejection_logged = false;
                Some(receiving)
            }
            // A lost connection is logged elsewhere.
            Ok(Err(e)) if self.rejection_logged || is_connection_error(&e) || is_rejected_login(&e) => {
                debug!("cannot receive ephemeral events from other nodes: {e}");
                None
            }
            Ok(Err(e)) => {
                warn!(
                    "cannot receive ephemeral events from other nodes: {}; allow SUBSCRIBE to {}",
                    in_words(&e),
                    self.channel
                );
                self.rejection_logged = true;
                None
            }
            Err(_) => None,
        }
    }

    /// Passes events of other nodes to the hub, until the connection ends.
    async fn receive(&self, connection: &mut PubSub) {
        let mut messages = connection.on_message();
        while let Some(message) = messages.next().await {
            let Ok(event) = serde_json::from_slice::<Event>(message.get_payload_bytes()) else { continue };
            if event.node != self.node {
                let data = Box::<str>::from(event.data).into();
                self.hub.cast(&event.ch, Cast { from: OTHER_NODE, data });
            }
        }
    }
}

async fn send(source: Arc<dyn Source>, channel: String, mut events: mpsc::Receiver<String>) {
    let mut group = Vec::new();
    let mut rejection_logged = false;
    while events.recv_many(&mut group, GROUP_MAX).await > 0 {
        let mut pipe = redis::pipe();
        for event in group.drain(..) {
            pipe.cmd("PUBLISH").arg(&channel).arg(event);
        }
        let Some(shared) = source() else { continue };
        if let Ok(commands) = shared.commands() {
            // Events are lost if the connection breaks.
            let Ok(results) = shared.run_unconfirmed::<u64>(commands, &mut pipe).await else { continue };
            let rejection = results.into_iter().find_map(Result::err).filter(|e| !e.is_reported());
            if let Some(e) = rejection.as_ref().filter(|_| !rejection_logged) {
                warn!("cannot send ephemeral events to other nodes: {e}; allow PUBLISH to {channel}");
            }
            rejection_logged = rejection.is_some();
        }
    }
}
