//! Many clients, each in its own task.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Result, bail};
use memchr::memmem;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::peer::Peer;
use crate::socket::{Event, Socket};

/// How long to wait until all clients are ready, or have their messages.
const TIMEOUT: Duration = Duration::from_secs(120);
/// How many times a client tries to connect.
const ATTEMPTS_MAX: u32 = 20;
const RETRY_PAUSE: Duration = Duration::from_millis(200);
const POLL_PAUSE: Duration = Duration::from_millis(2);
/// What precedes the time in a message.
const TIME: &[u8] = br#"{"t":"#;

/// What all clients together have received.
#[derive(Default)]
pub struct Received {
    pub messages: AtomicU64,
    pub frames: AtomicU64,
    ready: AtomicU64,
    retries: AtomicU64,
    failed: OnceLock<String>,
    recording: AtomicBool,
}

/// A client that is not connected: its side of the protocol, and what it has received.
pub struct Client {
    pub peer: Peer,
    pub log: ClientLog,
}

/// What a client has received.
#[derive(Default)]
pub struct ClientLog {
    messages: u64,
    /// From publishing to receiving, while that was recorded.
    pub latencies_us: Vec<u32>,
}

/// Connected clients.
pub struct Clients {
    tasks: Vec<JoinHandle<Client>>,
    pub received: Arc<Received>,
    stop: watch::Sender<bool>,
}

impl Clients {
    /// Connects one client for each peer, `connecting_max` at a time. Times in messages count from `epoch`.
    pub fn connect(port: u16, peers: Vec<Peer>, connecting_max: usize, epoch: Instant) -> Clients {
        let received = Arc::<Received>::default();
        let stop = watch::Sender::new(false);
        let gate = Arc::new(Semaphore::new(connecting_max));
        let task = |peer| {
            let (gate, received) = (gate.clone(), received.clone());
            let client = Client { peer, log: ClientLog::default() };
            tokio::spawn(run(port, client, gate, received, stop.subscribe(), epoch))
        };
        Clients { tasks: peers.into_iter().map(task).collect(), received, stop }
    }

    pub fn len(&self) -> u64 {
        self.tasks.len() as u64
    }

    pub fn messages(&self) -> u64 {
        self.received.messages.load(Ordering::Relaxed)
    }

    pub fn frames(&self) -> u64 {
        self.received.frames.load(Ordering::Relaxed)
    }

    /// Connections that were reset before they were ready, and made again.
    pub fn retries(&self) -> u64 {
        self.received.retries.load(Ordering::Relaxed)
    }

    pub fn record(&self, recording: bool) {
        self.received.recording.store(recording, Ordering::Relaxed);
    }

    /// Returns an error if a client has failed.
    pub fn check(&self) -> Result<()> {
        match self.received.failed.get() {
            None => Ok(()),
            Some(why) => bail!("a client failed: {why}"),
        }
    }

    /// Waits until all are subscribed.
    pub async fn all_ready(&self) -> Result<()> {
        self.all("subscribed", || self.received.ready.load(Ordering::Relaxed), self.len()).await
    }

    /// Waits until each has received this many messages.
    pub async fn all_have(&self, messages: u64) -> Result<()> {
        self.all("messages", || self.messages(), messages * self.len()).await
    }

    async fn all(&self, what: &str, count: impl Fn() -> u64, wanted: u64) -> Result<()> {
        let start = Instant::now();
        while count() < wanted {
            self.check()?;
            if start.elapsed() > TIMEOUT {
                bail!("{what}: only {} of {wanted} after {TIMEOUT:?}", count());
            }
            sleep(POLL_PAUSE).await;
        }
        Ok(())
    }

    /// Disconnects all clients. Each must have received this many messages.
    pub async fn disconnect(self, messages: u64) -> Result<Vec<Client>> {
        self.check()?;
        self.stop.send_replace(true);
        let mut disconnected = Vec::with_capacity(self.tasks.len());
        for task in self.tasks {
            let client = task.await?;
            if client.log.messages != messages {
                bail!("a client has {} messages, but should have {messages}", client.log.messages);
            }
            disconnected.push(client);
        }
        Ok(disconnected)
    }
}

async fn run(
    port: u16,
    mut client: Client,
    gate: Arc<Semaphore>,
    received: Arc<Received>,
    mut stop: watch::Receiver<bool>,
    epoch: Instant,
) -> Client {
    let mut permit = gate.acquire_owned().await.ok();
    let stopped = stop.wait_for(|stop| *stop);
    tokio::pin!(stopped);
    for attempt in 1.. {
        let failed = match Socket::open(port, client.peer).await {
            Ok(mut socket) => {
                let ended = tokio::select! {
                    Err(e) = listen(&mut socket, &mut client.log, &mut permit, &received, epoch) => Some(e),
                    _ = &mut stopped => None,
                };
                client.peer = socket.peer;
                ended
            }
            Err((peer, e)) => {
                client.peer = peer;
                Some(e)
            }
        };
        let Some(e) = failed else { break };
        if permit.is_none() || attempt == ATTEMPTS_MAX {
            let _ = received.failed.set(format!("{e:#}"));
            break;
        }
        // As any client does: a server may reset connections that it has no room for.
        received.retries.fetch_add(1, Ordering::Relaxed);
        sleep(RETRY_PAUSE).await;
    }
    client
}

/// Receives until the connection fails.
async fn listen(
    socket: &mut Socket,
    log: &mut ClientLog,
    permit: &mut Option<OwnedSemaphorePermit>,
    received: &Received,
    epoch: Instant,
) -> Result<Infallible> {
    loop {
        match socket.next().await? {
            Event::Messages(count, frame) => {
                log.messages += count;
                received.messages.fetch_add(count, Ordering::Relaxed);
                received.frames.fetch_add(1, Ordering::Relaxed);
                if received.recording.load(Ordering::Relaxed) {
                    let now_us = epoch.elapsed().as_micros() as u64;
                    log.latencies_us.extend(times_us(&frame).map(|at| now_us.saturating_sub(at) as u32));
                }
            }
            Event::Ready => {
                *permit = None;
                received.ready.fetch_add(1, Ordering::Relaxed);
            }
            Event::Acknowledged => {}
        }
    }
}

/// When the messages in a frame were published.
fn times_us(frame: &str) -> impl Iterator<Item = u64> + '_ {
    memmem::find_iter(frame.as_bytes(), TIME).filter_map(|at| {
        let digits = frame[at + TIME.len()..].split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    })
}

/// A message of this size, with the current time.
pub fn message(epoch: Instant, bytes: usize) -> String {
    let mut text = format!(r#"{{"t":{},"text":""#, epoch.elapsed().as_micros());
    let padding = bytes.saturating_sub(text.len() + 2);
    text.extend(std::iter::repeat_n('x', padding));
    text.push_str(r#""}"#);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_in_a_frame_are_found() {
        let frame = r#"{"op":"msgs","data":[{"t":12,"text":"{\"t\":7"},{"t":345,"text":""}]}"#;
        assert_eq!(times_us(frame).collect::<Vec<_>>(), [12, 345]);
        let message = message(Instant::now(), 100);
        assert_eq!((message.len(), times_us(&message).count()), (100, 1));
    }
}
