//! How many replayed messages a client still accepts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// Granted by the connection (`sub`, `more`), used up by the feed.
pub(in crate::ws) struct Credit {
    left: Mutex<u64>,
    granted: Notify,
    ended: AtomicBool,
}

impl Credit {
    pub fn new(credit: u64) -> Self {
        Credit { left: Mutex::new(credit), granted: Notify::new(), ended: AtomicBool::new(false) }
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

    /// The feed ends by itself. Set before the client is notified, so that its reaction finds it set.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    pub fn ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    fn with<T>(&self, action: impl FnOnce(&mut u64) -> T) -> T {
        action(&mut self.left.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
