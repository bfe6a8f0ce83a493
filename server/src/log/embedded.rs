//! The log's home in one file of this machine (`redb`), with one writer thread and any number of
//! readers, each on its own snapshot.

use std::path::Path;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use redb::Database;
use seamline::core::position::{MessageId, Position};
use tokio::sync::{mpsc, oneshot};

use super::reads::{locate, read_page, read_sync_state};
use super::store::{self, OpenError, Store};
use super::writer::{Command, Writer};
use super::{After, Append, ChannelInfo, Log, LogError, Page, PageLimit, Retention, SyncKey, Ticket};
use crate::hub::Hub;

/// How many commands may wait for the writer; then publishers wait.
const QUEUE_COMMANDS_MAX: usize = 512;

/// See the module.
pub struct EmbeddedLog {
    db: Arc<Database>,
    queue: mpsc::Sender<Command>,
}

impl EmbeddedLog {
    /// Opens the store in a directory, which is created if it is not there. Unless it is trusted, the checksums
    /// of all its pages are verified.
    pub fn open(
        directory: &Path,
        trusted: bool,
        retention: Retention,
        hub: Arc<Hub>,
    ) -> Result<Self, OpenError> {
        let Store { db, commits } = store::open(directory, trusted)?;
        let db = Arc::new(db);
        let (queue, commands) = mpsc::channel(QUEUE_COMMANDS_MAX);
        let writer = Writer { db: db.clone(), commits, hub, retention };
        let thread = std::thread::Builder::new().name("log-writer".into());
        thread.spawn(move || writer.run(commands)).map_err(|e| store::no_thread(directory, &e))?;
        Ok(EmbeddedLog { db, queue })
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, LogError>>) -> Command,
    ) -> Result<oneshot::Receiver<Result<T, LogError>>, LogError> {
        let (answer, receiver) = oneshot::channel();
        self.queue.send(command(answer)).await.map_err(|_| stopped())?;
        Ok(receiver)
    }

    /// Runs a read where it may block.
    async fn blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Database) -> Result<T, redb::Error> + Send + 'static,
    ) -> Result<T, LogError> {
        let db = self.db.clone();
        match tokio::task::spawn_blocking(move || read(&db)).await {
            Ok(result) => result.map_err(|e| LogError::Failed(e.to_string())),
            Err(e) => Err(LogError::Failed(e.to_string())),
        }
    }
}

impl Log for EmbeddedLog {
    fn submit(&self, append: Append) -> BoxFuture<'_, Result<Ticket, LogError>> {
        async move {
            let receiver = self.ask(|answer| Command::Append(append, answer)).await?;
            Ok(async move { answered(receiver.await) }.boxed())
        }
        .boxed()
    }

    fn read<'a>(
        &'a self,
        ch: &'a str,
        after: After,
        limit: PageLimit,
    ) -> BoxFuture<'a, Result<Page, LogError>> {
        async move {
            let name = ch.to_owned();
            match self.blocking(move |db| read_page(db, &name, after.offset, limit)).await? {
                Some(page) => Ok(page),
                None => Ok(Page { info: self.info(ch).await?, messages: Vec::new() }),
            }
        }
        .boxed()
    }

    fn info<'a>(&'a self, ch: &'a str) -> BoxFuture<'a, Result<ChannelInfo, LogError>> {
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

    fn locate<'a>(&'a self, ch: &'a str, id: MessageId) -> BoxFuture<'a, Result<Position, LogError>> {
        async move {
            let name = ch.to_owned();
            match self.blocking(move |db| locate(db, &name, id)).await? {
                Some(position) => Ok(position),
                None => Ok(Position { epoch: self.info(ch).await?.epoch, offset: 0, id: None }),
            }
        }
        .boxed()
    }

    fn trim(&self) -> BoxFuture<'_, Result<(), LogError>> {
        async move {
            // Sweeps are bounded, so that publishers get their turn between them.
            while answered(self.ask(Command::Sweep).await?.await)? {}
            Ok(())
        }
        .boxed()
    }

    fn sync_state(&self, key: SyncKey) -> BoxFuture<'_, Result<Option<Position>, LogError>> {
        async move {
            // Behind what waits to be stored: a page that reloads is back before its old socket's position is.
            answered(self.ask(|answer| Command::StoreSync(Vec::new(), answer)).await?.await)?;
            self.blocking(move |db| read_sync_state(db, &key)).await
        }
        .boxed()
    }

    fn store_sync_states(&self, states: Vec<(SyncKey, Position)>) -> BoxFuture<'_, Result<(), LogError>> {
        async move { answered(self.ask(|answer| Command::StoreSync(states, answer)).await?.await) }.boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            let (answer, stopped) = oneshot::channel();
            if self.queue.send(Command::Stop(answer)).await.is_ok() {
                let _ = stopped.await;
            }
        }
        .boxed()
    }
}

fn stopped() -> LogError {
    LogError::Failed("it is closed".into())
}

/// An answer that was dropped belongs to a group that could not be committed.
fn answered<T>(answer: Result<Result<T, LogError>, oneshot::error::RecvError>) -> Result<T, LogError> {
    answer.unwrap_or_else(|_| Err(LogError::Failed("the message could not be committed".into())))
}
