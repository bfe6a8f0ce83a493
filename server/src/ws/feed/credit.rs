//! How many replayed messages a client still accepts.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// Granted by the connection (`sub`, `more`), used up by the feed.
pub(in crate::ws) struct Credit {
    left: Mutex<u64>,
    granted: Notify,
}

impl Credit {
    pub fn new(credit: u64) -> Self {
        Credit { left: Mutex::new(credit), granted: Notify::new() }
    }

    pub fn grant(&self, more: u64) {
        self.with(|left| *left = left.saturating_add(more));
        // Stores one permit when nobody waits yet: a grant is never missed.
        self.granted.notify_one();
    }

    pub fn left(&self) -> u64 {
        self.with(|left| *left)
    }

    pub fn use_up(&self, messages: u64) {
        self.with(|left| *left = left.saturating_sub(messages));
    }

    /// Returns when there is some.
    pub async fn some(&self) {
        while self.left() == 0 {
            self.granted.notified().await;
        }
    }

    fn with<T>(&self, action: impl FnOnce(&mut u64) -> T) -> T {
        action(&mut self.left.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
