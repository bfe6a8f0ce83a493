//! The log's home in one file of this machine (`redb`), with one writer thread and any number of
//! readers, each on its own snapshot.

pub(super) mod commits;
mod handle;
mod reads;
mod recovery;
pub(super) mod retention;
mod room;
pub(super) mod schema;
pub(super) mod store;
pub(super) mod tables;
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
use self::reads::{locate, read_page, read_position};
use self::store::{OpenError, OpenStore};
use self::writer::{Command, Control, Writer};
use super::{
    After, Append, ChannelInfo, Health, Page, PageLimit, PendingAppend, PositionKey, Resumed, Retention,
    Store, StoreError,
};
use crate::log::hub::Hub;

/// How many commands may wait for the writer; then publishers wait.
const QUEUE_COMMANDS_MAX: usize = 512;
/// How long a read waits for the store to be opened again after an I/O error.
const REOPEN_PATIENCE: Duration = Duration::from_secs(2);

/// See the module.
pub struct EmbeddedStore {
    handle: Arc<Handle>,
    queue: mpsc::Sender<Command>,
    recovery: JoinHandle<()>,
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.recovery.abort();
    }
}

impl EmbeddedStore {
    /// Opens the store in a directory, which is created if it is not there. Unless it is trusted, the checksums
    /// of all its pages are verified. Needs the runtime.
    pub fn open(
        directory: &Path,
        trusted: bool,
        retention: Retention,
        hub: Arc<Hub>,
    ) -> Result<Self, OpenError> {
        let OpenStore { db, commits, committed } = store::open(directory, trusted)?;
        let handle = Arc::new(Handle::new(db));
        let (queue, commands) = mpsc::channel(QUEUE_COMMANDS_MAX);
        let store = directory.to_owned();
        let writer = Writer {
            handle: handle.clone(),
            reopen: Box::new(move |committed| store::reopen(&store, trusted, committed)),
            commits,
            committed,
            hub,
            retention,
            outage: None,
        };
        let thread = std::thread::Builder::new().name("log-writer".into());
        thread.spawn(move || writer.run(commands)).map_err(|e| store::no_thread(directory, &e))?;
        let recovery = tokio::spawn(recovery::run(queue.downgrade(), handle.health()));
        Ok(EmbeddedStore { handle, queue, recovery })
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Command,
    ) -> Result<oneshot::Receiver<Result<T, StoreError>>, StoreError> {
        let (answer, receiver) = oneshot::channel();
        self.queue.send(command(answer)).await.map_err(|_| stopped())?;
        Ok(receiver)
    }

    /// Runs a read where it may block. After an I/O error it is done again when the store has been opened again.
    async fn blocking<T: Send + 'static>(
        &self,
        read: impl Fn(&Database) -> Result<T, redb::Error> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut openings = self.handle.openings();
        let deadline = Instant::now() + REOPEN_PATIENCE;
        loop {
            let seen = *openings.borrow_and_update();
            let (handle, read) = (self.handle.clone(), read.clone());
            let done = tokio::task::spawn_blocking(move || handle.with(read)).await;
            match done.map_err(|e| StoreError::Failed(e.to_string()))? {
                Some(Ok(result)) => return Ok(result),
                Some(Err(e)) if needs_reopening(&e) => {
                    // Where the queue is full, the writer will notice by itself.
                    let _ = self.queue.try_send(Command::Control(Control::Failed(seen, e)));
                }
                Some(Err(e)) => return Err(StoreError::Failed(e.to_string())),
                None => {}
            }
            if !matches!(timeout_at(deadline, openings.changed()).await, Ok(Ok(()))) {
                return Err(StoreError::Unavailable("the store cannot be opened again".into()));
            }
        }
    }
}

impl EmbeddedStore {
    /// Where a client resumes while the log accepts no writes.
    async fn resume_unstored(
        &self,
        keys: Vec<PositionKey>,
        otherwise: StartAt,
    ) -> Result<Resumed, StoreError> {
        let ch = keys.first().map_or(String::new(), |key| key.ch.clone());
        match self.blocking(move |db| read_position(db, &keys)).await? {
            Some(position) => Ok(Resumed::Stored(position)),
            None => Ok(Resumed::StartPoint(self.info(&ch).await?.end(otherwise))),
        }
    }
}

impl Store for EmbeddedStore {
    fn submit(&self, append: Append) -> BoxFuture<'_, Result<PendingAppend, StoreError>> {
        async move {
            let mut health = self.handle.health();
            if let Some(refusal) = refusal(&health.borrow()) {
                return Err(refusal);
            }
            let receiver = self.ask(|answer| Command::Append(append, answer)).await?;
            let ticket = async move {
                tokio::select! {
                    biased;
                    answer = receiver => answered(answer),
                    // The writer may be long in opening a large store again.
                    Some(refusal) = degraded(&mut health) => Err(refusal),
                }
            };
            Ok(ticket.boxed())
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
            match self.blocking(move |db| read_page(db, &name, after.offset, limit)).await? {
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
            if let Some(page) = self.blocking(move |db| read_page(db, &name, 0, limit)).await? {
                return Ok(page.info);
            }
            answered(self.ask(|answer| Command::Ensure(ch.to_owned(), answer)).await?.await)
        }
        .boxed()
    }

    fn locate<'a>(&'a self, ch: &'a str, id: MessageId) -> BoxFuture<'a, Result<Position, StoreError>> {
        async move {
            let name = ch.to_owned();
            match self.blocking(move |db| locate(db, &name, id)).await? {
                Some(position) => Ok(position),
                None => Ok(Position { epoch: self.info(ch).await?.epoch, offset: 0, id: None }),
            }
        }
        .boxed()
    }

    fn trim(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        async move {
            // Sweeps are bounded, so that publishers get their turn between them.
            while answered(self.ask(Command::Sweep).await?.await)? {}
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
            // By the writer, and so behind what waits to be stored: a page that reloads is back before its old
            // socket's position is.
            let resume = |answer| Command::Resume(keys.clone(), otherwise, answer);
            match answered(self.ask(resume).await?.await) {
                Err(e) if e.is_unavailable() => self.resume_unstored(keys, otherwise).await,
                resumed => resumed,
            }
        }
        .boxed()
    }

    fn store_positions(&self, states: Vec<(PositionKey, Position)>) -> BoxFuture<'_, Result<(), StoreError>> {
        async move { answered(self.ask(|answer| Command::StorePositions(states, answer)).await?.await) }
            .boxed()
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.handle.health()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            let (answer, stopped) = oneshot::channel();
            if self.queue.send(Command::Control(Control::Stop(answer))).await.is_ok() {
                let _ = stopped.await;
            }
        }
        .boxed()
    }
}

/// What a publisher is told of a log that cannot store.
fn refusal(health: &Health) -> Option<StoreError> {
    match health {
        Health::Ok => None,
        Health::Degraded(why) => Some(StoreError::Unavailable(why.clone())),
    }
}

/// Returns when the log cannot store, or is gone.
async fn degraded(health: &mut watch::Receiver<Health>) -> Option<StoreError> {
    let health = health.wait_for(|health| *health != Health::Ok).await.ok()?;
    refusal(&health)
}

fn stopped() -> StoreError {
    StoreError::Failed("it is closed".into())
}

/// An answer that was dropped belongs to a writer that has stopped.
fn answered<T>(answer: Result<Result<T, StoreError>, oneshot::error::RecvError>) -> Result<T, StoreError> {
    answer.unwrap_or_else(|_| Err(stopped()))
}
