//! The loop of the reader.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisError};
use tokio::time::sleep;

use super::{COUNT_MAX, Tail};
use crate::log::redis::backoff::Backoff;
use crate::log::redis::connection::{READ_BLOCKS_FOR, Unusable, is_connection_error};
use crate::log::redis::entry;

/// How long new channels are gathered, so that a thousand of them do not cause a thousand `XREAD`s.
const GATHER: Duration = Duration::from_millis(5);
/// How often channels without listeners are dropped.
const PRUNE_INTERVAL: Duration = Duration::from_secs(1);
/// The first pause while Redis rejects reads; it doubles with each attempt …
const REJECTED_MIN: Duration = Duration::from_millis(100);
/// … up to this.
const REJECTED_MAX: Duration = Duration::from_secs(2);

/// The answer of `XREAD`: streams, each with its entries.
type Streams = Vec<(Vec<u8>, Vec<entry::Raw>)>;

impl Tail {
    /// Checks, without blocking, whether Redis allows reads at all.
    pub async fn try_to_read(&self, connection: &mut MultiplexedConnection) -> Result<(), Unusable> {
        self.xread("0-0", 1, None).query_async::<redis::Value>(connection).await?;
        Ok(())
    }

    /// Reads until the connection cannot be used any longer, and returns why.
    pub async fn read(&self, connection: &mut MultiplexedConnection) -> Unusable {
        let mut woken_at = "0-0".to_owned();
        let mut pruned_at = Instant::now();
        let mut backoff = Backoff::new(REJECTED_MIN, REJECTED_MAX);
        loop {
            // In this order: a call that follows a channel after the list was made finds `waking` false, and wakes us.
            self.waking.store(false, Ordering::SeqCst);
            if pruned_at.elapsed() > PRUNE_INTERVAL {
                self.prune();
                pruned_at = Instant::now();
            }
            let streams = match self.next_streams(connection, &woken_at, &mut backoff).await {
                Ok(streams) => streams,
                Err(why) => return why,
            };
            match self.dispatch_all(streams, &mut woken_at).await {
                Ok(true) => sleep(GATHER).await,
                Ok(false) => {}
                Err(why) => return why,
            }
        }
    }

    /// Blocks until there are entries. Returns none if there are none for a while, or if Redis rejects the read.
    async fn next_streams(
        &self,
        connection: &mut MultiplexedConnection,
        woken_at: &str,
        backoff: &mut Backoff,
    ) -> Result<Streams, Unusable> {
        let count = self.count.load(Ordering::Relaxed);
        let xread = self.xread(woken_at, count, Some(READ_BLOCKS_FOR));
        match xread.query_async::<Option<Streams>>(connection).await {
            Ok(streams) => {
                backoff.reset();
                self.count.store((count * 2).min(COUNT_MAX), Ordering::Relaxed);
                Ok(streams.unwrap_or_default())
            }
            Err(e) if is_connection_error(&e) => {
                if e.is_timeout() {
                    self.count.store((count / 8).max(1), Ordering::Relaxed);
                }
                Err(e.into())
            }
            Err(e) => {
                self.rejected(e, backoff).await?;
                Ok(Streams::new())
            }
        }
    }

    /// Dispatches entries to the hub. Returns whether the wake stream had one.
    async fn dispatch_all(&self, streams: Streams, woken_at: &mut String) -> Result<bool, Unusable> {
        let mut woken = false;
        for (key, entries) in streams {
            if key == self.wake_key.as_bytes() {
                woken = true;
                if let Some(last) = entries.last() {
                    *woken_at = entry::id_text(last);
                }
            } else {
                let key = String::from_utf8_lossy(&key);
                self.dispatch(&key, entries).await.map_err(|e| Unusable::Unfit(e.to_string()))?;
            }
        }
        Ok(woken)
    }

    /// Redis has rejected a read. Either one channel is to blame, which is given up, or a missing permission: then this
    /// pauses before it returns. Fails if it is neither.
    async fn rejected(&self, e: RedisError, backoff: &mut Backoff) -> Result<(), Unusable> {
        let rejects = !self.shared.probe().await;
        let Ok(commands) = self.shared.commands() else { return Err(self.shared.failure().await) };
        let mut connection = commands.into_connection();
        match self.compare(&mut connection, rejects).await? {
            0 if rejects => sleep(backoff.next()).await,
            0 => return Err(e.into()),
            _ => {}
        }
        Ok(())
    }

    fn xread(&self, woken_at: &str, count: u64, block: Option<Duration>) -> Cmd {
        let channels = self.lock();
        let mut cmd = redis::cmd("XREAD");
        cmd.arg("COUNT").arg(count);
        if let Some(block) = block {
            cmd.arg("BLOCK").arg(block.as_millis() as u64);
        }
        cmd.arg("STREAMS").arg(&self.wake_key);
        let (keys, ids): (Vec<_>, Vec<_>) = channels.iter().map(|(key, at)| (key, &at.read_to)).unzip();
        cmd.arg(keys).arg(woken_at).arg(ids);
        cmd
    }
}
