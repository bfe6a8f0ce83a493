//! The log's home in Redis Streams, which any number of nodes share.
//!
//! Redis gives out offsets and ids: every operation is one script inside it (`lua/`), so that it does
//! not matter which node asks. What is published comes back to all nodes by [`tail`], in log order, also
//! to the node that published it. `docs/OPERATIONS.md` says what is kept, and how Redis must be set up.

mod broken;
mod casts;
mod check;
mod entry;
mod keeper;
mod keys;
mod link;
mod pause;
mod probe;
mod scripts;
mod tail;
mod writer;

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use redis::Client;
use seamline::wire::{MessageId, Position, StartAt};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_rustls::rustls::crypto::ring;

pub use check::OpenError;

use super::{
    After, Append, ChannelInfo, Health, Message, Page, PageLimit, PendingAppend, PositionKey, Resumed,
    Retention, Store, StoreError,
};
use crate::log::hub::Hub;
use broken::{BrokenChannels, Use};
use casts::Casts;
use link::{Link, Unusable};
use tail::Tail;
use writer::Job;

/// See the module.
pub struct RedisStore {
    link: Arc<Link>,
    tail: Arc<Tail>,
    casts: Casts,
    broken: Arc<BrokenChannels>,
    retention: Retention,
    queue: mpsc::Sender<Job>,
    keeper: JoinHandle<()>,
}

impl RedisStore {
    /// Connects, and looks whether this Redis will do. One whose role or whose user's rights will not is waited for,
    /// as it would be later: both can change while it runs.
    pub async fn open(url: &str, retention: Retention, hub: Arc<Hub>) -> Result<Self, OpenError> {
        // The library takes what the process has chosen. Chosen before: the same.
        let _ = ring::default_provider().install_default();
        let client = Client::open(url).map_err(|e| check::bad_url(url, &e))?;
        let node = crate::random::name();
        let link = Arc::new(Link::new(client.clone(), node.clone()));
        let mut connection = link.open().await.map_err(|e| check::cannot_connect(url, &e))?;
        check::server(url, &mut connection).await?;
        let connections = match link.connect().await {
            Ok((connections, proof)) => {
                link.up(connections.commands.clone(), proof);
                Some(connections)
            }
            Err(Unusable::NoConnection(e)) => return Err(check::cannot_connect(url, &e)),
            Err(Unusable::Unfit(why)) => {
                link.down(&why);
                None
            }
        };
        let tail = Arc::new(Tail::new(link.clone(), hub.clone(), retention, &node));
        let casts = Casts::start(client, link.clone(), hub, node).await;
        let broken = Arc::<BrokenChannels>::default();
        let (queue, jobs) = mpsc::channel(writer::QUEUE_MAX);
        tokio::spawn(writer::run(link.clone(), broken.clone(), retention, jobs));
        let keeper = tokio::spawn(keeper::keep(link.clone(), tail.clone(), connections));
        Ok(RedisStore { link, tail, casts, broken, retention, queue, keeper })
    }

    /// Reads messages, in log order; also how far was read.
    async fn read_entries(
        &self,
        ch: &str,
        after: After,
        limit: PageLimit,
    ) -> Result<(Page, u64), StoreError> {
        type Entry = (String, u64, u8, Vec<u8>);
        type Found = (String, u64, u64, Vec<Entry>);
        let found = self.link.run(&scripts::read(ch, after, limit, self.retention)).await;
        let (epoch, first, head, mut entries): Found = self.broken.note(ch, Use::Read, found)?;
        // Where entries that are not ours look like a message, each offset once: of this epoch, or else the oldest.
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
        self.keeper.abort();
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
        async move { self.broken.note(ch, Use::Read, self.tail.follow(ch).await) }.boxed()
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
                // A page without messages means that no more are there.
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
            let state = self.link.run(&cmd).await;
            let (epoch, first, head, _): (String, u64, u64, String) =
                self.broken.note(ch, Use::Read, state)?;
            Ok(ChannelInfo { epoch, first, head })
        }
        .boxed()
    }

    fn locate<'a>(&'a self, ch: &'a str, id: MessageId) -> BoxFuture<'a, Result<Position, StoreError>> {
        async move {
            let cmd = scripts::locate(ch, id, self.retention);
            let found = self.link.run(&cmd).await;
            let (epoch, offset, id): (String, u64, String) = self.broken.note(ch, Use::Read, found)?;
            Ok(Position { epoch, offset, id: id.parse().ok() })
        }
        .boxed()
    }

    /// Nothing is left to do: channels are trimmed whenever they are touched, and what nobody touches
    /// expires.
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
            let resumed = self.link.run(&scripts::resume(&keys, otherwise, self.retention)).await;
            let (stored, epoch, offset, id): (u8, String, u64, String) =
                self.broken.note(ch, Use::Read, resumed)?;
            let position = Position { epoch, offset, id: id.parse().ok() };
            Ok(if stored == 1 { Resumed::Stored(position) } else { Resumed::StartPoint(position) })
        }
        .boxed()
    }

    fn store_positions(&self, states: Vec<(PositionKey, Position)>) -> BoxFuture<'_, Result<(), StoreError>> {
        async move {
            let mut pipe = redis::pipe();
            for (key, at) in &states {
                pipe.add_command(scripts::store_position(key, at));
            }
            let results = self.link.run_all::<u8>(self.link.commands()?, &mut pipe).await?;
            let note = |((key, _), result): (&(PositionKey, Position), _)| {
                self.broken.note(&key.ch, Use::StorePosition, result).map(drop)
            };
            states.iter().zip(results).map(note).fold(Ok(()), Result::and)
        }
        .boxed()
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.link.health()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            let (answer, stopped) = oneshot::channel();
            if self.queue.send(Job::Stop(answer)).await.is_ok() {
                let _ = stopped.await;
            }
            self.keeper.abort();
        }
        .boxed()
    }
}

fn stopped() -> StoreError {
    StoreError::Failed("it is closed".into())
}

fn parse_id(text: &str) -> Result<MessageId, StoreError> {
    text.parse().map_err(|e| StoreError::Failed(format!("{text:?} in Redis: {e}")))
}
