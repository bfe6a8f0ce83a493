//! The log's home in Redis Streams, which any number of nodes share.
//!
//! Redis gives out offsets and ids: every operation is one script inside it (`lua/`), so that it does
//! not matter which node asks. What is published comes back to all nodes by [`tail`], in log order, also
//! to the node that published it. `docs/OPERATIONS.md` says what is kept, and how Redis must be set up.

mod casts;
mod check;
mod entry;
mod keys;
mod link;
mod scripts;
mod tail;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use redis::Client;
use seamline::core::position::{MessageId, Position};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_rustls::rustls::crypto::ring;

pub use check::OpenError;

use super::{After, Append, ChannelInfo, Health, Log, LogError, Message, Page, PageLimit, Retention};
use super::{SyncKey, Ticket};
use crate::hub::Hub;
use casts::Casts;
use link::{Connections, Link};
use tail::Tail;
use writer::Job;

/// Redis is asked again after so long, and then less often, up to …
const RECONNECT_MIN: Duration = Duration::from_millis(100);
/// … this.
const RECONNECT_MAX: Duration = Duration::from_secs(1);

/// See the module.
pub struct RedisLog {
    link: Arc<Link>,
    tail: Arc<Tail>,
    casts: Casts,
    retention: Retention,
    queue: mpsc::Sender<Job>,
    keeper: JoinHandle<()>,
}

impl RedisLog {
    /// Connects, and looks whether this Redis will do.
    pub async fn open(url: &str, retention: Retention, hub: Arc<Hub>) -> Result<Self, OpenError> {
        // The library takes what the process has chosen. Chosen before: the same.
        let _ = ring::default_provider().install_default();
        let client = Client::open(url).map_err(|e| check::bad_url(url, &e))?;
        let link = Arc::new(Link::new(client.clone()));
        let mut connections = link.connect().await.map_err(|e| check::cannot_connect(url, &e))?;
        check::server(url, &mut connections.commands).await?;
        link.up(connections.commands.clone());
        let tail = Arc::new(Tail::new(link.clone(), hub.clone(), retention));
        let casts = Casts::start(client, link.clone(), hub).await;
        let (queue, jobs) = mpsc::channel(writer::QUEUE_MAX);
        tokio::spawn(writer::run(link.clone(), retention, jobs));
        let keeper = tokio::spawn(keep(link.clone(), tail.clone(), connections));
        Ok(RedisLog { link, tail, casts, retention, queue, keeper })
    }
}

impl Drop for RedisLog {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Keeps the node connected, and its reader reading.
async fn keep(link: Arc<Link>, tail: Arc<Tail>, mut connections: Connections) {
    loop {
        let why = tokio::select! {
            why = tail.read(&mut connections.blocking) => why,
            why = link.failure() => why,
        };
        link.down(&why);
        connections = reconnected(&link, &tail).await;
        link.up(connections.commands.clone());
    }
}

/// Asks until there are connections, and the reader has compared the log with what it knew.
async fn reconnected(link: &Link, tail: &Tail) -> Connections {
    let mut pause = RECONNECT_MIN;
    loop {
        let attempt = async {
            let mut connections = link.connect().await?;
            tail.check(&mut connections.commands).await?;
            Ok::<_, redis::RedisError>(connections)
        };
        match attempt.await {
            Ok(connections) => return connections,
            Err(e) => link.down(&e.to_string()),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RECONNECT_MAX);
    }
}

impl Log for RedisLog {
    fn submit(&self, append: Append) -> BoxFuture<'_, Result<Ticket, LogError>> {
        async move {
            let (answer, receiver) = oneshot::channel();
            self.queue.send(Job::Append(append, answer)).await.map_err(|_| stopped())?;
            Ok(async move { receiver.await.unwrap_or_else(|_| Err(stopped())) }.boxed())
        }
        .boxed()
    }

    fn follow<'a>(&'a self, ch: &'a str) -> BoxFuture<'a, Result<(), LogError>> {
        self.tail.follow(ch).boxed()
    }

    fn read<'a>(
        &'a self,
        ch: &'a str,
        after: After,
        limit: PageLimit,
    ) -> BoxFuture<'a, Result<Page, LogError>> {
        async move {
            type Found = (String, u64, u64, Vec<(String, u64, String)>);
            let cmd = scripts::read(ch, after, limit, self.retention);
            let (epoch, first, head, messages): Found = self.link.run(&cmd).await?;
            let messages = messages
                .into_iter()
                .map(|(id, offset, data)| Ok(Message { offset, id: parse_id(&id)?, data: data.into() }));
            let messages = messages.collect::<Result<_, LogError>>()?;
            Ok(Page { info: ChannelInfo { epoch, first, head }, messages })
        }
        .boxed()
    }

    fn info<'a>(&'a self, ch: &'a str) -> BoxFuture<'a, Result<ChannelInfo, LogError>> {
        async move {
            let cmd = scripts::state(ch, None, self.retention);
            let (epoch, first, head, _): (String, u64, u64, String) = self.link.run(&cmd).await?;
            Ok(ChannelInfo { epoch, first, head })
        }
        .boxed()
    }

    fn locate<'a>(&'a self, ch: &'a str, id: MessageId) -> BoxFuture<'a, Result<Position, LogError>> {
        async move {
            let cmd = scripts::locate(ch, id, self.retention);
            let (epoch, offset, id): (String, u64, String) = self.link.run(&cmd).await?;
            Ok(Position { epoch, offset, id: id.parse().ok() })
        }
        .boxed()
    }

    /// Nothing is left to do: channels are trimmed whenever they are touched, and what nobody touches
    /// expires.
    fn trim(&self) -> BoxFuture<'_, Result<(), LogError>> {
        futures::future::ready(Ok(())).boxed()
    }

    fn pass_on_cast(&self, ch: &str, data: &str) {
        self.casts.pass_on(ch, data);
    }

    fn sync_state(&self, key: SyncKey) -> BoxFuture<'_, Result<Option<Position>, LogError>> {
        async move {
            type Stored = (Option<String>, Option<u64>, Option<String>);
            let mut cmd = redis::cmd("HMGET");
            cmd.arg(keys::sync(&key)).arg("epoch").arg("offset").arg("id");
            let (epoch, offset, id): Stored = self.link.run(&cmd).await?;
            let id = id.and_then(|id| id.parse().ok());
            Ok(epoch.zip(offset).map(|(epoch, offset)| Position { epoch, offset, id }))
        }
        .boxed()
    }

    fn store_sync_states(&self, states: Vec<(SyncKey, Position)>) -> BoxFuture<'_, Result<(), LogError>> {
        async move {
            let mut pipe = redis::pipe();
            for (key, at) in &states {
                pipe.add_command(scripts::store_sync(key, at));
            }
            let results = self.link.run_all::<u8>(self.link.commands()?, &mut pipe).await?;
            results.into_iter().try_for_each(|result| result.map(drop))
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

fn stopped() -> LogError {
    LogError::Failed("it is closed".into())
}

fn parse_id(text: &str) -> Result<MessageId, LogError> {
    text.parse().map_err(|e| LogError::Failed(format!("{text:?} in Redis: {e}")))
}
