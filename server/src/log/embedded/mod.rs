//! The embedded store: a file (`redb`) and a journal before it, with one writer thread and any number of readers, each
//! on its own snapshot.

mod access;
pub(super) mod commits;
mod eager_file;
mod free_space;
mod handle;
mod journal;
pub(super) mod keys;
mod reads;
mod recovery;
mod removal;
pub(super) mod schema;
pub(super) mod store;
mod sweep;
mod tables;
mod trim;
mod unclosed;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use seamline::wire::{MessageId, Position, StartAt};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use self::access::{answered, degraded, unavailable};
use self::handle::Handle;
use self::reads::{list_channels, locate, read_page, read_state};
use self::store::OpenStore;
use self::trim::Expired;
use self::writer::{Budget, Command, Control, Writer};
use super::{
    After, Append, ChannelInfo, ChannelList, ChannelState, Health, Page, PageLimit, PendingAppend,
    PositionKey, Resumed, Retention, Store, StoreError,
};
use crate::error::SetupError;
use crate::log::hub::Hub;

/// How many commands are queued for the writer before publishers have to wait.
const QUEUE_COMMANDS_MAX: usize = 512;

/// See the module.
pub struct EmbeddedStore {
    handle: Arc<Handle>,
    commands: mpsc::Sender<Command>,
    retention: Retention,
    directory: PathBuf,
    recovery: JoinHandle<()>,
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.recovery.abort();
    }
}

impl EmbeddedStore {
    /// Opens the store in a directory, which is created if missing. Unless the store is trusted, the checksums of all
    /// its pages are verified. Must be called within the runtime.
    pub fn open(
        directory: &Path,
        trusted: bool,
        retention: Retention,
        hub: Arc<Hub>,
    ) -> Result<Self, SetupError> {
        let OpenStore { db, journal, commits, committed } = store::open(directory, trusted)?;
        let handle = Arc::new(Handle::new(db));
        let (commands, queue) = mpsc::channel(QUEUE_COMMANDS_MAX);
        let store = directory.to_owned();
        let writer = Writer {
            handle: handle.clone(),
            open_file: Box::new(move |committed| store::reopen(&store, trusted, committed)),
            journal,
            budget: Budget::default(),
            commits,
            committed,
            hub,
            retention,
            outage: None,
        };
        let thread = std::thread::Builder::new().name("log-writer".into());
        thread.spawn(move || writer.run(queue)).map_err(|e| store::no_thread(directory, &e))?;
        let recovery = tokio::spawn(recovery::run(commands.downgrade(), handle.health()));
        Ok(EmbeddedStore { handle, commands, retention, directory: directory.to_owned(), recovery })
    }
}

impl Store for EmbeddedStore {
    fn submit(&self, append: Append) -> BoxFuture<'_, Result<PendingAppend, StoreError>> {
        async move {
            let mut health = self.handle.health();
            if let Some(e) = unavailable(&health.borrow()) {
                return Err(e);
            }
            let receiver = self.queue(|answer| Command::Append(append, answer)).await?;
            let pending = async move {
                tokio::select! {
                    biased;
                    answer = receiver => answered(answer),
                    // The writer may take long to reopen a large file.
                    Some(e) = degraded(&mut health) => Err(e),
                }
            };
            Ok(pending.boxed())
        }
        .boxed()
    }

    fn read<'a>(
        &'a self,
        ch: &'a str,
        after: After,
        limit: PageLimit,
    ) -> BoxFuture<'a, Result<Option<Page>, StoreError>> {
        let name = ch.to_owned();
        self.read_blocking(move |db| read_page(db, &name, after.offset, limit)).boxed()
    }

    fn info<'a>(&'a self, ch: &'a str) -> BoxFuture<'a, Result<ChannelInfo, StoreError>> {
        async move {
            let name = ch.to_owned();
            let limit = PageLimit { messages: 0, bytes: 0 };
            if let Some(page) = self.read_blocking(move |db| read_page(db, &name, 0, limit)).await? {
                return Ok(page.info);
            }
            self.run(|answer| Command::Ensure(ch.to_owned(), answer)).await
        }
        .boxed()
    }

    fn peek<'a>(&'a self, ch: &'a str) -> BoxFuture<'a, Result<Option<ChannelState>, StoreError>> {
        let name = ch.to_owned();
        self.read_blocking(move |db| read_state(db, &name)).boxed()
    }

    fn locate<'a>(&'a self, ch: &'a str, id: MessageId) -> BoxFuture<'a, Result<Position, StoreError>> {
        async move {
            let name = ch.to_owned();
            match self.read_blocking(move |db| locate(db, &name, id)).await? {
                Some(position) => Ok(position),
                None => Ok(Position { epoch: self.info(ch).await?.epoch, offset: 0, id: None }),
            }
        }
        .boxed()
    }

    fn list(&self, cursor: Option<String>, max: usize) -> BoxFuture<'_, Result<ChannelList, StoreError>> {
        let after = cursor.unwrap_or_default();
        self.read_blocking(move |db| list_channels(db, &after, max)).boxed()
    }

    fn delete<'a>(&'a self, ch: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        async move { self.run(|answer| Command::Delete(ch.to_owned(), answer)).await }.boxed()
    }

    fn trim_channel<'a>(
        &'a self,
        ch: &'a str,
        through: u64,
    ) -> BoxFuture<'a, Result<Option<ChannelInfo>, StoreError>> {
        async move {
            let Some(ChannelState { info, .. }) = self.peek(ch).await? else { return Ok(None) };
            let (ch, through) = (ch.to_owned(), through.min(info.head));
            self.drop_all(Expired::Messages { ch: ch.clone(), epoch: info.epoch, through }).await?;
            Ok(self.peek(&ch).await?.map(|state| state.info))
        }
        .boxed()
    }

    fn trim(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.sweep().boxed()
    }

    fn resume(
        &self,
        keys: Vec<PositionKey>,
        otherwise: StartAt,
    ) -> BoxFuture<'_, Result<Resumed, StoreError>> {
        async move {
            // Through the writer, and so after all that is queued: a page that reloads may be back before the last
            // position of its old socket is stored.
            let resume = |answer| Command::Resume(keys.clone(), otherwise, answer);
            match self.run(resume).await {
                Err(e) if e.is_unavailable() => self.resume_unstored(keys, otherwise).await,
                resumed => resumed,
            }
        }
        .boxed()
    }

    fn store_positions(
        &self,
        positions: Vec<(PositionKey, Position)>,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        async move { self.run(|answer| Command::StorePositions(positions, answer)).await }.boxed()
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.handle.health()
    }

    fn bytes(&self) -> Option<u64> {
        Some(store::bytes(&self.directory))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            let (answer, stopped) = oneshot::channel();
            if self.commands.send(Command::Control(Control::Stop(answer))).await.is_ok() {
                let _ = stopped.await;
            }
        }
        .boxed()
    }
}
