//! How many replayed messages a client still accepts.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Granted by the connection (`sub`, `more`), used up by the feed.
pub(in crate::ws) struct Credit {
    left: AtomicU64,
    granted: Notify,
}

impl Credit {
    pub fn new(credit: u64) -> Self {
        Credit { left: AtomicU64::new(credit), granted: Notify::new() }
    }

    pub fn grant(&self, more: u64) {
        self.set(|left| left.saturating_add(more));
        // Stores one permit when nobody waits yet: a grant is never missed.
        self.granted.notify_one();
    }

    pub fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    pub fn use_up(&self, messages: u64) {
        self.set(|left| left.saturating_sub(messages));
    }

    /// Returns when there is some.
    pub async fn some(&self) {
        while self.left() == 0 {
            self.granted.notified().await;
        }
    }

    fn set(&self, next: impl Fn(u64) -> u64) {
        let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(next(left)));
    }
}
