//! Many clients, each a task.

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

/// Nothing takes longer here.
const TIMEOUT: Duration = Duration::from_secs(120);
/// How often a client tries to connect.
const ATTEMPTS_MAX: u32 = 20;
const RETRY_PAUSE: Duration = Duration::from_millis(200);
const POLL_PAUSE: Duration = Duration::from_millis(2);
/// Where a message's time stands.
const TIME: &[u8] = br#"{"t":"#;

/// What the clients have received together.
#[derive(Default)]
pub struct Received {
    pub messages: AtomicU64,
    pub frames: AtomicU64,
    ready: AtomicU64,
    retries: AtomicU64,
    failed: OnceLock<String>,
    recording: AtomicBool,
}

/// A client that has left.
pub struct Member {
    pub peer: Peer,
    pub log: MemberLog,
}

/// What a client has had.
#[derive(Default)]
pub struct MemberLog {
    messages: u64,
    /// From publishing to reception, while it was recorded.
    pub latencies_us: Vec<u32>,
}

/// See the module.
pub struct Crowd {
    tasks: Vec<JoinHandle<Member>>,
    pub received: Arc<Received>,
    stop: watch::Sender<bool>,
}

impl Crowd {
    /// Connects all, `at_once` of them at a time. Times in messages count from `epoch`.
    pub fn connect(port: u16, peers: Vec<Peer>, at_once: usize, epoch: Instant) -> Crowd {
        let received = Arc::<Received>::default();
        let stop = watch::Sender::new(false);
        let gate = Arc::new(Semaphore::new(at_once));
        let task = |peer| {
            let (gate, received) = (gate.clone(), received.clone());
            let member = Member { peer, log: MemberLog::default() };
            tokio::spawn(live(port, member, gate, received, stop.subscribe(), epoch))
        };
        Crowd { tasks: peers.into_iter().map(task).collect(), received, stop }
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

    /// Connections that were reset before they were of use, and made again.
    pub fn retries(&self) -> u64 {
        self.received.retries.load(Ordering::Relaxed)
    }

    pub fn record(&self, recording: bool) {
        self.received.recording.store(recording, Ordering::Relaxed);
    }

    /// Whether a client has failed, with the reason.
    pub fn check(&self) -> Result<()> {
        match self.received.failed.get() {
            None => Ok(()),
            Some(why) => bail!("a client failed: {why}"),
        }
    }

    /// Returns when all are subscribed.
    pub async fn all_ready(&self) -> Result<()> {
        self.all("subscribed", || self.received.ready.load(Ordering::Relaxed), self.len()).await
    }

    /// Returns when each has received so many messages.
    pub async fn all_have(&self, messages: u64) -> Result<()> {
        self.all("messages", || self.messages(), messages * self.len()).await
    }

    async fn all(&self, what: &str, count: impl Fn() -> u64, wanted: u64) -> Result<()> {
        let start = Instant::now();
        while count() < wanted {
            self.check()?;
            if start.elapsed() > TIMEOUT {
                bail!("{what}: {} of {wanted} after {TIMEOUT:?}", count());
            }
            sleep(POLL_PAUSE).await;
        }
        Ok(())
    }

    /// Cuts all connections. Each client must have had so many messages.
    pub async fn leave(self, messages: u64) -> Result<Vec<Member>> {
        self.check()?;
        self.stop.send_replace(true);
        let mut members = Vec::with_capacity(self.tasks.len());
        for task in self.tasks {
            let member = task.await?;
            if member.log.messages != messages {
                bail!("a client has {} messages instead of {messages}", member.log.messages);
            }
            members.push(member);
        }
        Ok(members)
    }
}

async fn live(
    port: u16,
    mut member: Member,
    gate: Arc<Semaphore>,
    received: Arc<Received>,
    mut stop: watch::Receiver<bool>,
    epoch: Instant,
) -> Member {
    let mut permit = gate.acquire_owned().await.ok();
    let stopped = stop.wait_for(|stop| *stop);
    tokio::pin!(stopped);
    for attempt in 1.. {
        let failed = match Socket::open(port, member.peer).await {
            Ok(mut socket) => {
                let ended = tokio::select! {
                    Err(e) = listen(&mut socket, &mut member.log, &mut permit, &received, epoch) => Some(e),
                    _ = &mut stopped => None,
                };
                member.peer = socket.peer;
                ended
            }
            Err((peer, e)) => {
                member.peer = peer;
                Some(e)
            }
        };
        let Some(e) = failed else { break };
        if permit.is_none() || attempt == ATTEMPTS_MAX {
            let _ = received.failed.set(format!("{e:#}"));
            break;
        }
        // As any client would: a server may reset what it has no room for.
        received.retries.fetch_add(1, Ordering::Relaxed);
        sleep(RETRY_PAUSE).await;
    }
    member
}

/// Takes what comes, for ever.
async fn listen(
    socket: &mut Socket,
    log: &mut MemberLog,
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

/// When the messages of a frame were published.
fn times_us(frame: &str) -> impl Iterator<Item = u64> + '_ {
    memmem::find_iter(frame.as_bytes(), TIME).filter_map(|at| {
        let digits = frame[at + TIME.len()..].split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    })
}

/// A message of so many bytes, with its time.
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
