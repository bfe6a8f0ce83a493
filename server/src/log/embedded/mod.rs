//! The embedded store: a file (`redb`) and a journal before it, with one writer thread and any number of readers, each
//! on its own snapshot.

pub(super) mod commits;
mod free_space;
mod handle;
mod journal;
pub(super) mod keys;
mod reads;
mod recovery;
pub(super) mod schema;
pub(super) mod store;
mod tables;
mod trim;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use redb::Database;
use seamline::wire::{MessageId, Position, StartAt};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use self::handle::{Handle, needs_reopening};
use self::reads::{locate, read_page, read_position, read_state};
use self::store::OpenStore;
use self::trim::{EXPIRED_MAX, Expired, PositionName, expired_channels, expired_positions};
use self::writer::{Budget, Command, Control, Writer};
use super::{
    After, Append, ChannelInfo, ChannelState, Health, Page, PageLimit, PendingAppend, PositionKey, Resumed,
    Retention, Store, StoreError,
};
use crate::error::SetupError;
use crate::log::hub::Hub;

/// How many commands are queued for the writer before publishers have to wait.
const QUEUE_COMMANDS_MAX: usize = 512;
/// How long a read waits for the file to be reopened after an I/O error.
const REOPEN_TIMEOUT: Duration = Duration::from_secs(2);

/// See the module.
pub struct EmbeddedStore {
    handle: Arc<Handle>,
    commands: mpsc::Sender<Command>,
    retention: Retention,
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
        Ok(EmbeddedStore { handle, commands, retention, recovery })
    }

    /// Queues a command for the writer.
    async fn queue<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Command,
    ) -> Result<oneshot::Receiver<Result<T, StoreError>>, StoreError> {
        let (answer, receiver) = oneshot::channel();
        self.commands.send(command(answer)).await.map_err(|_| stopped())?;
        Ok(receiver)
    }

    /// Runs a command of the writer.
    async fn run<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Command,
    ) -> Result<T, StoreError> {
        answered(self.queue(command).await?.await)
    }

    /// Runs a read on a thread that may block. After an I/O error, the read is repeated once the file has been
    /// reopened.
    async fn read_blocking<T: Send + 'static>(
        &self,
        read: impl Fn(&Database) -> Result<T, redb::Error> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut generation = self.handle.generation();
        let deadline = Instant::now() + REOPEN_TIMEOUT;
        loop {
            let seen = *generation.borrow_and_update();
            let (handle, read) = (self.handle.clone(), read.clone());
            let done = tokio::task::spawn_blocking(move || handle.with(read)).await;
            match done.map_err(|e| StoreError::Failed(e.to_string()))? {
                Some(Ok(result)) => return Ok(result),
                Some(Err(e)) if needs_reopening(&e) => {
                    // If the queue is full, the writer will meet the error itself.
                    let _ = self.commands.try_send(Command::Control(Control::Failed(seen, e)));
                }
                Some(Err(e)) => return Err(StoreError::Failed(e.to_string())),
                None => {}
            }
            if !matches!(timeout_at(deadline, generation.changed()).await, Ok(Ok(()))) {
                return Err(StoreError::Unavailable("the file cannot be reopened".into()));
            }
        }
    }

    /// Where a client resumes while the store accepts no writes.
    async fn resume_unstored(
        &self,
        keys: Vec<PositionKey>,
        otherwise: StartAt,
    ) -> Result<Resumed, StoreError> {
        let ch = keys.first().map_or(String::new(), |key| key.ch.clone());
        match self.read_blocking(move |db| read_position(db, &keys)).await? {
            Some(position) => Ok(Resumed::Stored(position)),
            None => Ok(Resumed::StartPoint(self.info(&ch).await?.end(otherwise))),
        }
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
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        async move {
            let name = ch.to_owned();
            match self.read_blocking(move |db| read_page(db, &name, after.offset, limit)).await? {
                Some(page) => Ok(page),
                None => Ok(Page { info: self.info(ch).await?, messages: Vec::new() }),
            }
        }
        .boxed()
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

    fn trim(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        async move {
            // Each part is bounded, so that publications are stored in between.
            let (retention, mut after) = (self.retention, Some(String::new()));
            while let Some(last) = after {
                let found = self.read_blocking(move |db| expired_channels(db, retention, &last)).await?;
                after = if found.len() < EXPIRED_MAX { None } else { found.last().cloned() };
                while !found.is_empty()
                    && self.run(|answer| Command::Trim(Expired::Channels(found.clone()), answer)).await?
                {
                }
            }
            let mut after = Some(PositionName::default());
            while let Some(last) = after {
                let found = self.read_blocking(move |db| expired_positions(db, &last)).await?;
                after = if found.len() < EXPIRED_MAX { None } else { found.last().cloned() };
                if !found.is_empty() {
                    self.run(|answer| Command::Trim(Expired::Positions(found), answer)).await?;
                }
            }
            Ok(())
        }
        .boxed()
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

/// The answer to publishers while the store accepts no writes.
fn unavailable(health: &Health) -> Option<StoreError> {
    match health {
        Health::Ok => None,
        Health::Degraded(why) => Some(StoreError::Unavailable(why.clone())),
    }
}

/// Resolves when the store accepts no more writes, or is closed.
async fn degraded(health: &mut watch::Receiver<Health>) -> Option<StoreError> {
    let health = health.wait_for(|health| *health != Health::Ok).await.ok()?;
    unavailable(&health)
}

fn stopped() -> StoreError {
    StoreError::Failed("the store is closed".into())
}

/// The writer drops answers only when it has stopped.
fn answered<T>(answer: Result<Result<T, StoreError>, oneshot::error::RecvError>) -> Result<T, StoreError> {
    answer.unwrap_or_else(|_| Err(stopped()))
}
