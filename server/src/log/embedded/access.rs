//! How the store reaches its writer, and its readers the file.

use std::time::Duration;

use redb::{Database, ReadTransaction, ReadableDatabase};
use seamline::wire::StartAt;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout_at};

use super::EmbeddedStore;
use super::handle::needs_reopening;
use super::reads::read_position;
use super::writer::{Command, Control};
use crate::log::{Health, PositionKey, Resumed, Store, StoreError};

/// How long a read waits for the file to be reopened after an I/O error.
const REOPEN_TIMEOUT: Duration = Duration::from_secs(2);

impl EmbeddedStore {
    /// A snapshot of the store. It outlives neither the server nor a reopening of the file: then reads of it fail.
    pub(in crate::log) fn snapshot(&self) -> Result<ReadTransaction, redb::Error> {
        let begun = self.handle.with(|db| db.begin_read()).ok_or(redb::Error::DatabaseClosed)?;
        Ok(begun?)
    }

    /// Queues a command for the writer.
    pub(super) async fn queue<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Command,
    ) -> Result<oneshot::Receiver<Result<T, StoreError>>, StoreError> {
        let (answer, receiver) = oneshot::channel();
        self.commands.send(command(answer)).await.map_err(|_| stopped())?;
        Ok(receiver)
    }

    /// Runs a command of the writer.
    pub(super) async fn run<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Command,
    ) -> Result<T, StoreError> {
        answered(self.queue(command).await?.await)
    }

    /// Runs a read on a thread that may block. After an I/O error, the read is repeated once the file has been
    /// reopened.
    pub(super) async fn read_blocking<T: Send + 'static>(
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
    pub(super) async fn resume_unstored(
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

/// The answer to publishers while the store accepts no writes.
pub(super) fn unavailable(health: &Health) -> Option<StoreError> {
    match health {
        Health::Ok => None,
        Health::Partial(why) | Health::Degraded(why) => Some(StoreError::Unavailable(why.clone())),
    }
}

/// Resolves when the store accepts no more writes, or is closed.
pub(super) async fn degraded(health: &mut watch::Receiver<Health>) -> Option<StoreError> {
    let health = health.wait_for(|health| *health != Health::Ok).await.ok()?;
    unavailable(&health)
}

fn stopped() -> StoreError {
    StoreError::Failed("the store is closed".into())
}

/// The writer drops answers only when it has stopped.
pub(super) fn answered<T>(
    answer: Result<Result<T, StoreError>, oneshot::error::RecvError>,
) -> Result<T, StoreError> {
    answer.unwrap_or_else(|_| Err(stopped()))
}
