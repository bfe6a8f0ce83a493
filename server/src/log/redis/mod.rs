//! The store in Redis Streams, which any number of nodes share.
//!
//! Redis assigns offsets and ids: every operation is one script inside Redis (`lua/`), so it does not matter which node
//! runs it. Published messages reach all nodes through [`tail`] in log order, including the node that published them.
//! A Redis Cluster is several such stores, and [`cluster`] selects one. `docs/OPERATIONS.md` lists what is stored, and
//! how Redis must be set up.

mod address;
mod backoff;
mod broken_channels;
mod casts;
mod cluster;
mod connection;
mod endpoint;
mod entry;
mod keys;
mod open;
mod problem;
mod reconnect;
mod removal;
mod requirements;
mod scripts;
mod tail;
mod writer;

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use seamline::wire::{MessageId, Position, StartAt};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::{
    After, Append, ChannelInfo, ChannelList, ChannelState, Health, Message, Page, PageLimit, PendingAppend,
    PositionKey, Resumed, Store, StoreError,
};
use crate::error::SetupError;
use broken_channels::Operation;
use casts::Casts;
use connection::{Connections, SharedConnection, Unusable};
use endpoint::Endpoint;
use open::Parts;
pub use open::{check_url, open};
use tail::Tail;
use writer::Job;

/// See the module. The store in one Redis, or in one shard of a cluster.
struct RedisStore {
    shared: Arc<SharedConnection>,
    tail: Arc<Tail>,
    /// A shard has none: the cluster has them.
    casts: Option<Casts>,
    parts: Parts,
    queue: mpsc::Sender<Job>,
    reconnecting: JoinHandle<()>,
}

impl RedisStore {
    async fn open(
        url: &str,
        endpoint: Endpoint,
        replicas: usize,
        db: i64,
        parts: Parts,
    ) -> Result<Self, SetupError> {
        let shared = parts.shared_connection(endpoint, replicas);
        let mut connection = match shared.open().await {
            Ok(connection) => connection,
            Err(e) => return Err(requirements::cannot_connect(url, &e).await),
        };
        requirements::check(url, &mut connection).await?;
        let connections = match shared.connect().await {
            Ok((connections, probed)) => {
                shared.connected(&connections, probed);
                Some(connections)
            }
            Err(Unusable::Unreachable(e)) => return Err(requirements::cannot_connect(url, &e).await),
            Err(unfit) => {
                shared.disconnected(&unfit);
                None
            }
        };
        let source = shared.clone();
        let casts =
            Casts::start(move || Some(source.clone()), db, parts.hub.clone(), parts.node.clone()).await;
        let mut store = RedisStore::start(parts, shared, connections);
        store.casts = Some(casts);
        Ok(store)
    }

    /// Starts it, with the connections that there are already.
    fn start(parts: Parts, shared: Arc<SharedConnection>, connections: Option<Connections>) -> Self {
        let tail = Arc::new(Tail::new(shared.clone(), &parts));
        let (queue, jobs) = mpsc::channel(writer::QUEUE_MAX);
        tokio::spawn(writer::run(shared.clone(), parts.broken.clone(), parts.retention, jobs));
        let reconnecting = tokio::spawn(reconnect::run(shared.clone(), tail.clone(), connections));
        RedisStore { shared, tail, casts: None, parts, queue, reconnecting }
    }

    /// Reads messages in log order; also returns the offset that was read to. `None` if there is no such channel.
    async fn read_entries(
        &self,
        ch: &str,
        after: After,
        limit: PageLimit,
    ) -> Result<Option<(Page, u64)>, StoreError> {
        type Entry = (String, u64, u8, Vec<u8>);
        type Found = (String, u64, u64, Vec<Entry>);
        let found = self.shared.run(&scripts::read(ch, after, limit, self.parts.retention)).await;
        let found: Option<Found> = self.parts.broken.note(ch, Operation::Read, found)?;
        let Some((epoch, first, head, mut entries)) = found else { return Ok(None) };
        // Foreign entries may look like messages. Of several with one offset, keep the one of this epoch, or else the
        // oldest.
        entries.sort_by_key(|(_, offset, is_of_epoch, _)| (*offset, *is_of_epoch == 0));
        let read_to = entries.last().map_or(head, |(_, offset, ..)| *offset);
        let message = |(id, offset, _, data): Entry| {
            Some(Message { offset, id: id.parse().ok()?, data: entry::payload(&data)? })
        };
        let mut messages: Vec<Message> = entries.into_iter().filter_map(message).collect();
        messages.dedup_by_key(|message| message.offset);
        Ok(Some((Page::contiguous(ChannelInfo { epoch, first, head }, messages), read_to)))
    }
}

impl Drop for RedisStore {
    fn drop(&mut self) {
        self.reconnecting.abort(); // the writer ends with the queue
    }
}

impl Store for RedisStore {
    fn submit(&self, append: Append) -> BoxFuture<'_, Result<PendingAppend, StoreError>> {
        async move {
            let (answer, receiver) = oneshot::channel();
            self.queue.send(Job::Append(append, answer)).await.map_err(|_| stopped())?;
            Ok(async move { receiver.await.unwrap_or_else(|_| Err(stopped())) }.boxed())
        }
        .boxed()
    }

    fn follow<'a>(&'a self, ch: &'a str) -> BoxFuture<'a, Result<ChannelInfo, StoreError>> {
        async move { self.parts.broken.note(ch, Operation::Read, self.tail.follow(ch).await) }.boxed()
    }

    fn read<'a>(
        &'a self,
        ch: &'a str,
        after: After,
        limit: PageLimit,
    ) -> BoxFuture<'a, Result<Option<Page>, StoreError>> {
        async move {
            let mut after = after;
            loop {
                let Some((page, read_to)) = self.read_entries(ch, after, limit).await? else {
                    return Ok(None);
                };
                // An empty page must mean that the log has no more messages.
                if !page.messages.is_empty() || read_to >= page.info.head || limit.messages == 0 {
                    return Ok(Some(page));
                }
                after = After::from(read_to);
            }
        }
        .boxed()
    }

    fn info<'a>(&'a self, ch: &'a str) -> BoxFuture<'a, Result<ChannelInfo, StoreError>> {
        async move {
            let cmd = scripts::state(ch, None, self.parts.retention);
            let state = self.shared.run(&cmd).await;
            let (epoch, first, head, _): (String, u64, u64, String) =
                self.parts.broken.note(ch, Operation::Read, state)?;
            Ok(ChannelInfo { epoch, first, head })
        }
        .boxed()
    }

    fn peek<'a>(&'a self, ch: &'a str) -> BoxFuture<'a, Result<Option<ChannelState>, StoreError>> {
        async move {
            let state = self.shared.run(&scripts::existing_state(ch, self.parts.retention)).await;
            let state: Option<(String, u64, u64, String)> =
                self.parts.broken.note(ch, Operation::Read, state)?;
            let Some((epoch, first, head, last)) = state else { return Ok(None) };
            let last_id = if head > 0 { last.parse().ok() } else { None };
            Ok(Some(ChannelState { info: ChannelInfo { epoch, first, head }, last_id }))
        }
        .boxed()
    }

    fn locate<'a>(&'a self, ch: &'a str, id: MessageId) -> BoxFuture<'a, Result<Position, StoreError>> {
        async move {
            let cmd = scripts::locate(ch, id, self.parts.retention);
            let found = self.shared.run(&cmd).await;
            let (epoch, offset, id): (String, u64, String) =
                self.parts.broken.note(ch, Operation::Read, found)?;
            Ok(Position { epoch, offset, id: id.parse().ok() })
        }
        .boxed()
    }

    fn list(&self, cursor: Option<String>, max: usize) -> BoxFuture<'_, Result<ChannelList, StoreError>> {
        self.list_channels(cursor, max).boxed()
    }

    fn delete<'a>(&'a self, ch: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        self.delete_channel(ch).boxed()
    }

    fn trim_channel<'a>(
        &'a self,
        ch: &'a str,
        through: u64,
    ) -> BoxFuture<'a, Result<Option<ChannelInfo>, StoreError>> {
        self.trim_through(ch, through).boxed()
    }

    /// Nothing to do: every script trims its channel, and the keys of unused channels expire.
    fn trim(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        futures::future::ready(Ok(())).boxed()
    }

    fn pass_on_cast(&self, ch: &str, data: &str) {
        if let Some(casts) = &self.casts {
            casts.pass_on(ch, data);
        }
    }

    fn resume(
        &self,
        keys: Vec<PositionKey>,
        otherwise: StartAt,
    ) -> BoxFuture<'_, Result<Resumed, StoreError>> {
        async move {
            let ch = keys.first().map_or("", |key| &key.ch);
            let resumed = self.shared.run(&scripts::resume(&keys, otherwise, self.parts.retention)).await;
            let (stored, epoch, offset, id): (u8, String, u64, String) =
                self.parts.broken.note(ch, Operation::Read, resumed)?;
            let position = Position { epoch, offset, id: id.parse().ok() };
            Ok(if stored == 1 { Resumed::Stored(position) } else { Resumed::StartPoint(position) })
        }
        .boxed()
    }

    fn store_positions(
        &self,
        positions: Vec<(PositionKey, Position)>,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        async move {
            let mut pipe = redis::pipe();
            for (key, at) in &positions {
                pipe.add_command(scripts::store_position(key, at));
            }
            let _turn = self.shared.turn().await;
            let results = self.shared.run_all::<u8>(self.shared.commands()?, &mut pipe).await?;
            let note = |((key, _), result): (&(PositionKey, Position), _)| {
                self.parts.broken.note(&key.ch, Operation::StorePosition, result).map(drop)
            };
            positions.iter().zip(results).map(note).fold(Ok(()), Result::and)
        }
        .boxed()
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.shared.health()
    }

    fn missed_wakeups(&self) -> Option<Counter> {
        Some(self.parts.missed_wakeups.clone())
    }

    fn redis_command_seconds(&self) -> Option<Histogram> {
        Some(self.parts.command_seconds.clone())
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            let (answer, stopped) = oneshot::channel();
            if self.queue.send(Job::Stop(answer)).await.is_ok() {
                let _ = stopped.await;
            }
            self.reconnecting.abort();
        }
        .boxed()
    }
}

fn stopped() -> StoreError {
    StoreError::Failed("the store is closed".into())
}

fn parse_id(text: &str) -> Result<MessageId, StoreError> {
    text.parse().map_err(|e| StoreError::Failed(format!("Redis returned the id {text:?}: {e}")))
}
