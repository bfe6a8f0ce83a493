//! The open store, as its readers and its writer share it, and how it is.
//!
//! After an I/O error redb refuses everything until the file is opened again, also reads, and also when the cause is
//! long gone. So the writer may close the store and open it again under its readers, who wait for that.

use std::sync::{PoisonError, RwLock};

use redb::Database;
use tokio::sync::watch;

use crate::log::Health;

/// See the module.
pub(super) struct Handle {
    /// Nothing while it is being reopened, or cannot be. Locked for reading during one read or one commit.
    db: RwLock<Option<Database>>,
    /// How often it was opened: an error of an earlier time says nothing about the store that is open now.
    openings: watch::Sender<u64>,
    health: watch::Sender<Health>,
}

impl Handle {
    /// Of a store that was just opened.
    pub fn new(db: Database) -> Self {
        Handle {
            db: RwLock::new(Some(db)),
            openings: watch::Sender::new(1),
            health: watch::Sender::new(Health::Ok),
        }
    }

    /// Does something with the store, unless it is closed. May block.
    pub fn with<T>(&self, work: impl FnOnce(&Database) -> T) -> Option<T> {
        self.db.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(work)
    }

    pub fn is_open(&self) -> bool {
        self.with(|_| ()).is_some()
    }

    /// Waits for the reads under way, and closes the store.
    pub fn close(&self) {
        drop(self.db.write().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// The store was opened again.
    pub fn replace(&self, db: Database) {
        *self.db.write().unwrap_or_else(PoisonError::into_inner) = Some(db);
        self.openings.send_modify(|openings| *openings += 1);
    }

    /// How often it was opened, and will be.
    pub fn openings(&self) -> watch::Receiver<u64> {
        self.openings.subscribe()
    }

    pub fn set_health(&self, health: Health) {
        self.health.send_replace(health);
    }

    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }
}

/// Whether redb refuses everything after this error, until the store is opened again.
pub(super) fn needs_reopening(e: &redb::Error) -> bool {
    use redb::Error::{Backend, DatabaseClosed, Io, PreviousIo};
    matches!(e, Io(_) | PreviousIo | Backend(_) | DatabaseClosed)
}
