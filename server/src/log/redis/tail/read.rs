//! The loop of the reader.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisError, RedisResult};
use tokio::time::{sleep, timeout};

use super::Tail;
use super::followed::{ToRead, Why};
use super::sweep::{Sweep, TICK};
use crate::log::redis::backoff::Backoff;
use crate::log::redis::connection::{Unusable, is_connection_error, is_redirection};
use crate::log::redis::{entry, scripts};

/// Maximum number of messages per read …
pub(super) const MESSAGES_MAX: usize = 1024;
/// … and of these from one channel.
const MESSAGES_PER_CHANNEL: usize = 128;
/// Maximum number of channels per read. Redis serves nobody else meanwhile.
pub(super) const CHANNELS_MAX: usize = 128;
/// The first pause while Redis rejects reads; it doubles with each attempt …
const REJECTED_MIN: Duration = Duration::from_millis(100);
/// … up to this.
const REJECTED_MAX: Duration = Duration::from_secs(2);

/// The answer of `XREAD`: streams, each with its entries.
pub(super) type Streams = Vec<(Vec<u8>, Vec<entry::Raw>)>;

impl Tail {
    /// Checks whether Redis allows reads at all.
    pub async fn try_to_read(&self, connection: &mut MultiplexedConnection) -> Result<(), Unusable> {
        for tag in self.shared.probe_tags().into_iter().take(1) {
            match scripts::try_to_read(&tag).query_async::<redis::Value>(connection).await {
                Err(e) if !is_redirection(&e) => return Err(e.into()),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Reads until the connection cannot be used any longer, and returns why.
    pub async fn read(&self, connection: &mut MultiplexedConnection) -> Unusable {
        let mut backoff = Backoff::new(REJECTED_MIN, REJECTED_MAX);
        let mut sweep = Sweep::new(Instant::now());
        loop {
            self.sweep(&mut sweep);
            let messages_max = self.messages_max.load(Ordering::Relaxed);
            let batch = self.next_batch(messages_max.min(CHANNELS_MAX));
            if batch.is_empty() {
                let _ = timeout(TICK, self.to_read.notified()).await; // the sweep continues after a tick
                continue;
            }
            let count = (messages_max / batch.len()).clamp(1, MESSAGES_PER_CHANNEL);
            let read = match self.read_batch(connection, &batch, count).await {
                Ok(Some(Read { streams, rejected })) => {
                    self.messages_max.store((messages_max * 2).min(MESSAGES_MAX), Ordering::Relaxed);
                    match (self.dispatch_all(streams, &batch, count).await, rejected) {
                        (Ok(()), Some((e, batch))) => self.rejected(e, &batch, &mut backoff).await,
                        (Ok(()), None) => {
                            backoff.reset();
                            Ok(())
                        }
                        (failed, _) => failed,
                    }
                }
                Ok(None) => {
                    self.unconfirmed(&batch, &mut backoff).await;
                    Ok(())
                }
                Err(e) if is_connection_error(&e) => {
                    if e.is_timeout() {
                        self.messages_max.store((messages_max / 8).max(1), Ordering::Relaxed);
                    }
                    Err(e.into())
                }
                Err(e) => self.rejected(e, &batch, &mut backoff).await,
            };
            if let Err(why) = read {
                return why;
            }
        }
    }

    /// Reads channels; `None` if too few replicas have what was read.
    async fn read_batch(
        &self,
        connection: &mut MultiplexedConnection,
        batch: &[ToRead],
        count: usize,
    ) -> RedisResult<Option<Read>> {
        let read = match self.shared.is_shard() {
            true => self.read_each(connection, batch, count).await?,
            false => read_all(connection, batch, count).await?,
        };
        let confirmed = read.streams.is_empty() || self.shared.is_confirmed(connection).await?;
        Ok(confirmed.then_some(read))
    }

    /// What was read is not delivered: after a failover, the logs may have something else there. They are read again.
    async fn unconfirmed(&self, batch: &[ToRead], backoff: &mut Backoff) {
        self.read_again(batch);
        if !self.shared.probe().await {
            sleep(backoff.next()).await;
        }
    }

    fn read_again(&self, batch: &[ToRead]) {
        let mut channels = self.lock();
        batch.iter().for_each(|read| channels.queue(&read.key, Why::CatchUp));
    }

    /// Takes the channels to read next.
    fn next_batch(&self, max: usize) -> Vec<ToRead> {
        let mut channels = self.lock();
        let followed = channels.len();
        let batch = channels.next(max, |ch| self.hub.has_listeners(ch));
        if channels.len() < followed {
            self.to_subscribe.notify_one();
        }
        batch
    }

    /// Dispatches entries to the hub. A channel that may have more is read again.
    async fn dispatch_all(&self, streams: Streams, batch: &[ToRead], count: usize) -> Result<(), Unusable> {
        for (key, entries) in streams {
            let Some(read) = batch.iter().find(|read| read.key.as_bytes() == key) else { continue };
            let complete = entries.len() < count;
            self.dispatch(&read.key, entries).await.map_err(|e| Unusable::Unfit(e.to_string()))?;
            let mut channels = self.lock();
            if read.why == Why::Sweep {
                channels.swept(&read.key, read.after);
            }
            if !complete {
                channels.queue(&read.key, Why::CatchUp);
            }
        }
        Ok(())
    }

    /// Redis has rejected a read. Either one channel is to blame, which is given up, or a missing permission: then this
    /// pauses before it returns. Fails if it is neither.
    async fn rejected(&self, e: RedisError, batch: &[ToRead], backoff: &mut Backoff) -> Result<(), Unusable> {
        let rejects = !self.shared.probe().await;
        let Ok(commands) = self.shared.commands() else { return Err(self.shared.failure().await) };
        let mut connection = commands.into_connection();
        let keys: Vec<Arc<str>> = batch.iter().map(|read| read.key.clone()).collect();
        match self.compare(&mut connection, &keys, rejects).await? {
            0 if rejects => sleep(backoff.next()).await,
            0 => return Err(e.into()),
            _ => {}
        }
        self.read_again(batch);
        Ok(())
    }
}

/// What a read has found.
#[derive(Default)]
pub(super) struct Read {
    pub streams: Streams,
    /// The channels that Redis rejects by themselves, and why the first of them.
    pub rejected: Option<(RedisError, Vec<ToRead>)>,
}

async fn read_all(
    connection: &mut MultiplexedConnection,
    batch: &[ToRead],
    count: usize,
) -> RedisResult<Read> {
    let streams = xread(batch, count).query_async::<Option<Streams>>(connection).await?;
    Ok(Read { streams: streams.unwrap_or_default(), rejected: None })
}

pub(super) fn xread(batch: &[ToRead], count: usize) -> Cmd {
    let mut cmd = redis::cmd("XREAD");
    cmd.arg("COUNT").arg(count).arg("STREAMS");
    let (keys, after): (Vec<_>, Vec<_>) = batch.iter().map(|read| (&*read.key, read.after.text())).unzip();
    cmd.arg(keys).arg(after);
    cmd
}
