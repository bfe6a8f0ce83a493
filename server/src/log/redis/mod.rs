//! The store in Redis Streams, which any number of nodes share.
//!
//! Redis assigns offsets and ids: every operation is one script inside Redis (`lua/`), so it does not matter which node
//! runs it. Published messages reach all nodes through [`tail`] in log order, including the node that published them.
//! `docs/OPERATIONS.md` lists what is stored, and how Redis must be set up.

mod backoff;
mod broken_channels;
mod casts;
mod connection;
mod entry;
mod keys;
mod reconnect;
mod requirements;
mod scripts;
mod tail;
mod writer;

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use prometheus_client::metrics::counter::Counter;
use redis::Client;
use seamline::wire::{MessageId, Position, StartAt};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_rustls::rustls::crypto::ring;

use super::{
    After, Append, ChannelInfo, ChannelState, Health, Message, Page, PageLimit, PendingAppend, PositionKey,
    Resumed, Retention, Store, StoreError,
};
use crate::error::SetupError;
use crate::log::hub::Hub;
use broken_channels::{BrokenChannels, Operation};
use casts::Casts;
use connection::{SharedConnection, Unusable};
use tail::Tail;
use writer::Job;

/// See the module.
pub struct RedisStore {
    shared: Arc<SharedConnection>,
    tail: Arc<Tail>,
    casts: Casts,
    broken: Arc<BrokenChannels>,
    retention: Retention,
    queue: mpsc::Sender<Job>,
    reconnecting: JoinHandle<()>,
}

impl RedisStore {
    /// Connects, and checks whether this Redis is suitable. If it is a replica, or denies a command to this user, the
    /// node starts all the same and waits: both can change while it runs.
    pub async fn open(url: &str, retention: Retention, hub: Arc<Hub>) -> Result<Self, SetupError> {
        // The library uses the default provider of the process. If there is one, it is the same.
        let _ = ring::default_provider().install_default();
        let client = Client::open(url).map_err(|e| requirements::bad_url(url, &e))?;
        let node = crate::random::name();
        let shared = Arc::new(SharedConnection::new(client.clone(), node.clone()));
        let mut connection = shared.open().await.map_err(|e| requirements::cannot_connect(url, &e))?;
        requirements::check(url, &mut connection).await?;
        let connections = match shared.connect().await {
            Ok((connections, probed)) => {
                shared.connected(connections.commands.clone(), probed);
                Some(connections)
            }
            Err(Unusable::Unreachable(e)) => return Err(requirements::cannot_connect(url, &e)),
            Err(unfit) => {
                shared.disconnected(&unfit);
                None
            }
        };
        let tail = Arc::new(Tail::new(shared.clone(), hub.clone(), retention, &node));
        let casts = Casts::start(client, shared.clone(), hub, node).await;
        let broken = Arc::<BrokenChannels>::default();
        let (queue, jobs) = mpsc::channel(writer::QUEUE_MAX);
        tokio::spawn(writer::run(shared.clone(), broken.clone(), retention, jobs));
        let reconnecting = tokio::spawn(reconnect::run(shared.clone(), tail.clone(), connections));
        Ok(RedisStore { shared, tail, casts, broken, retention, queue, reconnecting })
    }

    /// Reads messages in log order; also returns the offset that was read to.
    async fn read_entries(
        &self,
        ch: &str,
        after: After,
        limit: PageLimit,
    ) -> Result<(Page, u64), StoreError> {
        type Entry = (String, u64, u8, Vec<u8>);
        type Found = (String, u64, u64, Vec<Entry>);
        let found = self.shared.run(&scripts::read(ch, after, limit, self.retention)).await;
        let (epoch, first, head, mut entries): Found = self.broken.note(ch, Operation::Read, found)?;
        // Foreign entries may look like messages. Of several with one offset, keep the one of this epoch, or else the
        // oldest.
        entries.sort_by_key(|(_, offset, is_of_epoch, _)| (*offset, *is_of_epoch == 0));
        let read_to = entries.last().map_or(head, |(_, offset, ..)| *offset);
        let message = |(id, offset, _, data): Entry| {
            Some(Message { offset, id: id.parse().ok()?, data: entry::payload(&data)? })
        };
        let mut messages: Vec<Message> = entries.into_iter().filter_map(message).collect();
        messages.dedup_by_key(|message| message.offset);
        Ok((Page::contiguous(ChannelInfo { epoch, first, head }, messages), read_to))
    }
}

impl Drop for RedisStore {
    fn drop(&mut self) {
        self.reconnecting.abort();
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

    fn follow<'a>(&'a self, ch: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        async move { self.broken.note(ch, Operation::Read, self.tail.follow(ch).await) }.boxed()
    }

    fn read<'a>(
        &'a self,
        ch: &'a str,
        after: After,
        limit: PageLimit,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        async move {
            let mut after = after;
            loop {
                let (page, read_to) = self.read_entries(ch, after, limit).await?;
                // An empty page must mean that the log has no more messages.
                if !page.messages.is_empty() || read_to >= page.info.head || limit.messages == 0 {
                    return Ok(page);
                }
                after = After::from(read_to);
            }
        }
        .boxed()
    }

    fn info<'a>(&'a self, ch: &'a str) -> BoxFuture<'a, Result<ChannelInfo, StoreError>> {
        async move {
            let cmd = scripts::state(ch, None, self.retention);
            let state = self.shared.run(&cmd).await;
            let (epoch, first, head, _): (String, u64, u64, String) =
                self.broken.note(ch, Operation::Read, state)?;
            Ok(ChannelInfo { epoch, first, head })
        }
        .boxed()
    }

    fn peek<'a>(&'a self, ch: &'a str) -> BoxFuture<'a, Result<Option<ChannelState>, StoreError>> {
        async move {
            // The script would create the channel.
            let keys: u64 =
                self.broken.note(ch, Operation::Read, self.shared.run(&scripts::count(ch)).await)?;
            if keys == 0 {
                return Ok(None);
            }
            let state = self.shared.run(&scripts::state(ch, None, self.retention)).await;
            let (epoch, first, head, last): (String, u64, u64, String) =
                self.broken.note(ch, Operation::Read, state)?;
            let last_id = if head > 0 { last.parse().ok() } else { None };
            Ok(Some(ChannelState { info: ChannelInfo { epoch, first, head }, last_id }))
        }
        .boxed()
    }

    fn locate<'a>(&'a self, ch: &'a str, id: MessageId) -> BoxFuture<'a, Result<Position, StoreError>> {
        async move {
            let cmd = scripts::locate(ch, id, self.retention);
            let found = self.shared.run(&cmd).await;
            let (epoch, offset, id): (String, u64, String) = self.broken.note(ch, Operation::Read, found)?;
            Ok(Position { epoch, offset, id: id.parse().ok() })
        }
        .boxed()
    }

    /// Nothing to do: every script trims its channel, and the keys of unused channels expire.
    fn trim(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        futures::future::ready(Ok(())).boxed()
    }

    fn pass_on_cast(&self, ch: &str, data: &str) {
        self.casts.pass_on(ch, data);
    }

    fn resume(
        &self,
        keys: Vec<PositionKey>,
        otherwise: StartAt,
    ) -> BoxFuture<'_, Result<Resumed, StoreError>> {
        async move {
            let ch = keys.first().map_or("", |key| &key.ch);
            let resumed = self.shared.run(&scripts::resume(&keys, otherwise, self.retention)).await;
            let (stored, epoch, offset, id): (u8, String, u64, String) =
                self.broken.note(ch, Operation::Read, resumed)?;
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
            let results = self.shared.run_all::<u8>(self.shared.commands()?, &mut pipe).await?;
            let note = |((key, _), result): (&(PositionKey, Position), _)| {
                self.broken.note(&key.ch, Operation::StorePosition, result).map(drop)
            };
            positions.iter().zip(results).map(note).fold(Ok(()), Result::and)
        }
        .boxed()
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.shared.health()
    }

    fn missed_wakeups(&self) -> Option<Counter> {
        Some(self.tail.missed_wakeups())
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
