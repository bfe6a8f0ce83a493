//! Ephemeral events between nodes: by Redis's pub/sub, which stores nothing and promises nothing, as
//! suits them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use redis::Client;
use redis::aio::PubSub;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::keys;
use super::link::{self, Link};
use super::pause::Pause;
use crate::log::hub::{Cast, Hub};

/// How many may wait for Redis; more are dropped.
const QUEUE_MAX: usize = 256;
/// How many go out together.
const GROUP_MAX: usize = 64;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long without the others' events, where the connection broke; then longer, up to …
const RECONNECT_MIN: Duration = Duration::from_millis(500);
/// … this.
const RECONNECT_MAX: Duration = Duration::from_secs(5);
/// A connection that did not last so long has changed nothing: the pauses go on growing.
const STEADY: Duration = Duration::from_secs(10);
/// The connection that an event from another node came from: none of ours.
const FROM_ELSEWHERE: u64 = u64::MAX;

/// What goes from node to node.
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
    /// Sends over the common connection, receives over one of its own: a flood of events that breaks it
    /// breaks nothing else.
    pub async fn start(client: Client, link: Arc<Link>, hub: Arc<Hub>, node: String) -> Self {
        // Pub/sub knows nothing of databases, but two databases are two deployments.
        let channel = keys::casts(client.get_connection_info().redis_settings().db());
        let (queue, events) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(send(link, channel.clone(), events));
        let mut receiver = Receiver { client, channel, hub, node: node.clone(), refusal_reported: false };
        // Whoever is served from the start on hears the others from the start on.
        let first = receiver.connect().await;
        let receiver = tokio::spawn(receiver.run(first));
        Casts { node, queue, receiver }
    }

    /// Tells the other nodes, if that can be done without waiting.
    pub fn pass_on(&self, ch: &str, data: &str) {
        let Ok(data) = RawValue::from_string(data.to_owned()) else { return };
        let event = Event { node: self.node.clone(), ch: ch.to_owned(), data };
        if let Ok(text) = serde_json::to_string(&event) {
            let _ = self.queue.try_send(text); // full: dropped
        }
    }
}

struct Receiver {
    client: Client,
    channel: String,
    hub: Arc<Hub>,
    node: String,
    /// That Redis refuses is said once, until it does not.
    refusal_reported: bool,
}

impl Receiver {
    async fn run(mut self, mut connection: Option<PubSub>) {
        let mut pause = Pause::new(RECONNECT_MIN, RECONNECT_MAX);
        loop {
            if let Some(connection) = &mut connection {
                let up_at = Instant::now();
                self.receive(connection).await;
                if up_at.elapsed() >= STEADY {
                    pause.reset();
                }
            }
            tokio::time::sleep(pause.grow()).await;
            connection = self.connect().await;
        }
    }

    async fn connect(&mut self) -> Option<PubSub> {
        let connecting = async {
            let mut connection = self.client.get_async_pubsub().await?;
            connection.subscribe(&self.channel).await?;
            Ok::<_, redis::RedisError>(connection)
        };
        match timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok(connection)) => {
                self.refusal_reported = false;
                Some(connection)
            }
            // That it is lost is said elsewhere.
            Ok(Err(e)) if self.refusal_reported || link::is_the_connections(&e) => {
                debug!("no ephemeral events from other nodes: {e}");
                None
            }
            Ok(Err(e)) => {
                warn!("no ephemeral events from other nodes: {e}; allow SUBSCRIBE to {}", self.channel);
                self.refusal_reported = true;
                None
            }
            Err(_) => None,
        }
    }

    /// Hands on what other nodes tell, until the connection ends.
    async fn receive(&self, connection: &mut PubSub) {
        let mut messages = connection.on_message();
        while let Some(message) = messages.next().await {
            let Ok(event) = serde_json::from_slice::<Event>(message.get_payload_bytes()) else { continue };
            if event.node != self.node {
                let data = Box::<str>::from(event.data).into();
                self.hub.cast(&event.ch, Cast { from: FROM_ELSEWHERE, data });
            }
        }
    }
}

async fn send(link: Arc<Link>, channel: String, mut events: mpsc::Receiver<String>) {
    let mut group = Vec::new();
    let mut refused = false;
    while events.recv_many(&mut group, GROUP_MAX).await > 0 {
        let mut pipe = redis::pipe();
        for event in group.drain(..) {
            pipe.cmd("PUBLISH").arg(&channel).arg(event);
        }
        if let Ok(commands) = link.commands() {
            // What goes when the connection breaks is lost.
            let Ok(results) = link.run_all::<u64>(commands, &mut pipe).await else { continue };
            let refusal = results.into_iter().find_map(Result::err).filter(|e| !e.is_reported());
            if let Some(e) = refusal.as_ref().filter(|_| !refused) {
                warn!("no ephemeral events to other nodes: {e}; allow PUBLISH to {channel}");
            }
            refused = refusal.is_some();
        }
    }
}
