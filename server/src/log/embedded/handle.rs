//! The open database, which the readers and the writer share, and its health.
//!
//! After an I/O error, redb refuses everything until the file is reopened, reads included, even if the cause is long
//! gone. So the writer closes and reopens the database while the readers wait.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use redb::Database;
use tokio::sync::watch;

use crate::log::Health;

/// See the module.
pub(super) struct Handle {
    /// `None` while it is being reopened, or cannot be. Locked for reading during one read or one commit.
    db: RwLock<Option<Database>>,
    /// Locked while messages are announced that new readers cannot see yet.
    announcing: Mutex<()>,
    /// How often it was opened. An error of an earlier generation says nothing about the present one.
    generation: watch::Sender<u64>,
    health: watch::Sender<Health>,
}

impl Handle {
    /// Shares a database that was just opened.
    pub fn new(db: Database) -> Self {
        Handle {
            db: RwLock::new(Some(db)),
            announcing: Mutex::new(()),
            generation: watch::Sender::new(1),
            health: watch::Sender::new(Health::Ok),
        }
    }

    /// Runs `work` on the database, unless it is closed. May block. It sees all that has been announced.
    pub fn with<T>(&self, work: impl FnOnce(&Database) -> T) -> Option<T> {
        drop(self.hold_readers());
        self.with_present(work)
    }

    /// New readers wait until this is dropped.
    pub fn hold_readers(&self) -> MutexGuard<'_, ()> {
        self.announcing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Like `with`, for the writer, which does not wait for itself.
    pub fn with_present<T>(&self, work: impl FnOnce(&Database) -> T) -> Option<T> {
        self.db.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(work)
    }

    pub fn is_open(&self) -> bool {
        self.with(|_| ()).is_some()
    }

    /// Waits for the reads under way and closes the database.
    pub fn close(&self) {
        drop(self.db.write().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Replaces the database after it was reopened.
    pub fn replace(&self, db: Database) {
        *self.db.write().unwrap_or_else(PoisonError::into_inner) = Some(db);
        self.generation.send_modify(|generation| *generation += 1);
    }

    /// The number of the present generation, and of later ones.
    pub fn generation(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    pub fn set_health(&self, health: Health) {
        self.health.send_replace(health);
    }

    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }
}

/// Whether redb refuses everything after this error until the file is reopened.
pub(super) fn needs_reopening(e: &redb::Error) -> bool {
    use redb::Error::{Backend, DatabaseClosed, Io, PreviousIo};
    matches!(e, Io(_) | PreviousIo | Backend(_) | DatabaseClosed)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use redb::backends::InMemoryBackend;

    use super::*;

    #[test]
    fn readers_wait_until_what_is_announced_is_visible() {
        let handle = Handle::new(Database::builder().create_with_backend(InMemoryBackend::new()).unwrap());
        let (read, done) = mpsc::channel();
        std::thread::scope(|scope| {
            let announcing = handle.hold_readers();
            assert!(handle.with_present(|_| ()).is_some(), "the writer does not wait");
            scope.spawn(|| read.send(handle.with(|_| ())));
            assert!(done.recv_timeout(Duration::from_millis(50)).is_err());
            drop(announcing);
            assert_eq!(done.recv(), Ok(Some(())));
        });
    }
}
