//! The listener: receives the wake-ups of the channels that are followed, over a pub/sub connection of its own.
//!
//! Nothing depends on it except when a message is read. It reconnects by itself, and asks for a read of each channel
//! whose subscription Redis has confirmed: what was appended before that had no wake-up.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt;
use redis::RedisResult;
use redis::aio::{PubSubSink, PubSubStream};
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use super::Tail;
use super::followed::Why;
use crate::log::Health;
use crate::log::redis::backoff::Backoff;
use crate::log::redis::connection::{CONNECT_TIMEOUT, is_connection_error};
use crate::log::redis::problem::{in_words, is_rejected_login};
use crate::log::redis::{keys, scripts};

/// Maximum number of channels per `SUBSCRIBE` or `UNSUBSCRIBE`. One takes Redis about a millisecond.
const GROUP_MAX: usize = 1000;
/// Redis must confirm a group within this time.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(5);
/// The node's probe publishes every 2 s. After this much silence, wake-ups seem to be lost.
const SILENCE_MAX: Duration = Duration::from_secs(7);
/// The first pause before a reconnect; it doubles with each attempt …
const RECONNECT_MIN: Duration = Duration::from_millis(100);
/// … up to this.
const RECONNECT_MAX: Duration = Duration::from_secs(5);
/// A connection that breaks sooner counts as a failed attempt: the pauses go on growing.
const STABLE_AFTER: Duration = Duration::from_secs(10);

/// Whether wake-ups arrive.
#[derive(Default)]
pub(super) struct Hearing {
    /// When Redis last sent one, or confirmed that it will.
    heard_at: Option<Instant>,
    /// A problem is logged once, until a wake-up arrives.
    problem_logged: bool,
}

impl Tail {
    /// Receives wake-ups until this is dropped.
    pub async fn listen(&self) -> Infallible {
        let mut backoff = Backoff::new(RECONNECT_MIN, RECONNECT_MAX);
        loop {
            let started_at = Instant::now();
            if let Err(e) = self.listen_once().await {
                match is_connection_error(&e) {
                    true => debug!("the connection for wake-ups failed: {e}"),
                    false if is_rejected_login(&e) => self.cannot_hear(&in_words(&e)),
                    false => self.cannot_hear(&format!("{}; allow SUBSCRIBE to {}", in_words(&e), keys::ALL)),
                }
            }
            self.lock().stop_listening();
            self.hearing().heard_at = None;
            // If Redis is gone, this finds out before a client does.
            self.shared.probe().await;
            if started_at.elapsed() >= STABLE_AFTER {
                backoff.reset();
            }
            sleep(backoff.next()).await;
        }
    }

    /// Whether wake-ups arrive at present.
    pub(super) fn hears(&self) -> bool {
        self.hearing().heard_at.is_some_and(|at| at.elapsed() < SILENCE_MAX)
    }

    /// Returns when the connection is broken, or seems to be.
    async fn listen_once(&self) -> RedisResult<()> {
        let Ok(connection) = timeout(CONNECT_TIMEOUT, self.shared.open_pubsub()).await else { return Ok(()) };
        let (mut sink, mut stream) = connection?.0.split();
        self.lock().start_listening();
        tokio::select! {
            ended = self.subscribe(&mut sink) => ended,
            () = self.receive(&mut stream) => Ok(()),
        }
    }

    /// Keeps the subscriptions of the connection equal to the channels that are followed.
    async fn subscribe(&self, sink: &mut PubSubSink) -> RedisResult<()> {
        let mut subscribed = HashSet::<Arc<str>>::new();
        confirmed(sink.subscribe(keys::wake(&self.node))).await?;
        self.hearing().heard_at = Some(Instant::now());
        loop {
            let changed = self.lock().take_changed(GROUP_MAX);
            if changed.is_empty() {
                self.to_subscribe.notified().await;
                continue;
            }
            let (followed, dropped): (Vec<_>, Vec<_>) = {
                let channels = self.lock();
                changed.into_iter().partition(|key| channels.contains(key))
            };
            let dropped: Vec<_> = dropped.into_iter().filter(|key| subscribed.remove(key)).collect();
            if !dropped.is_empty() {
                confirmed(sink.unsubscribe(names(&dropped))).await?;
            }
            let new: Vec<_> = followed.iter().filter(|key| subscribed.insert((*key).clone())).collect();
            if !new.is_empty() {
                confirmed(sink.subscribe(names(&new))).await?;
            }
            // Also those that were dropped and followed again: a wake-up between the two found no channel.
            let mut channels = self.lock();
            followed.iter().for_each(|key| channels.queue(key, Why::CatchUp));
            drop(channels);
            self.to_read.notify_one();
        }
    }

    /// Returns at the end of the connection, or when it has become silent.
    async fn receive(&self, stream: &mut PubSubStream) {
        let mut heard = false;
        loop {
            match timeout(SILENCE_MAX, stream.next()).await {
                Ok(Some(message)) => {
                    heard = true;
                    self.hears_again();
                    let payload = std::str::from_utf8(message.get_payload_bytes()).unwrap_or_default();
                    if payload == scripts::DELETED {
                        self.deleted(message.get_channel_name()).await;
                        continue;
                    }
                    let id = payload.parse().ok();
                    if id.is_some_and(|id| self.lock().wake(message.get_channel_name(), id)) {
                        self.to_read.notify_one();
                    }
                }
                Ok(None) => return,
                // While Redis does not accept the probe, nothing is published.
                Err(_) if *self.shared.health().borrow() != Health::Ok => {}
                Err(_) if heard => return,
                Err(_) => self.cannot_hear(&format!("none arrives; allow PUBLISH to {}", keys::ALL)),
            }
        }
    }

    fn hears_again(&self) {
        let mut hearing = self.hearing();
        hearing.heard_at = Some(Instant::now());
        if std::mem::take(&mut hearing.problem_logged) {
            info!("wake-ups from Redis arrive again");
        }
    }

    fn cannot_hear(&self, why: &str) {
        let mut hearing = self.hearing();
        if !hearing.problem_logged {
            warn!("cannot receive wake-ups from Redis: {why}; until then, live messages are late");
        }
        hearing.problem_logged = true;
    }

    fn hearing(&self) -> MutexGuard<'_, Hearing> {
        self.hearing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn confirmed(request: impl Future<Output = RedisResult<()>>) -> RedisResult<()> {
    match timeout(CONFIRM_TIMEOUT, request).await {
        Ok(confirmed) => confirmed,
        Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
    }
}

fn names<K: AsRef<str>>(keys: &[K]) -> Vec<&str> {
    keys.iter().map(AsRef::as_ref).collect()
}
