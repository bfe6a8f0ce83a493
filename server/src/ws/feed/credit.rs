//! How many replayed messages a client still accepts.

use std::sync::atomic::{AtomicU64, Ordering};

use seamline::wire::Ahead;
use tokio::sync::Notify;

/// Granted by the connection (`sub`, `more`), used up by the feed.
pub(in crate::ws) struct Credit {
    /// All that was ever granted.
    granted: AtomicU64,
    /// All that was ever sent. Ahead of the credit, that is more than was granted.
    used: AtomicU64,
    /// Until `live`, so many messages may be sent whatever the credit, while there are bytes left.
    ahead_messages: u64,
    ahead_bytes: AtomicU64,
    more: Notify,
}

impl Credit {
    pub fn new(credit: u64, ahead: Option<Ahead>) -> Self {
        let Ahead { messages, bytes } = ahead.unwrap_or_default();
        Credit {
            granted: AtomicU64::new(credit),
            used: AtomicU64::new(0),
            ahead_messages: messages,
            ahead_bytes: AtomicU64::new(bytes),
            more: Notify::new(),
        }
    }

    pub fn grant(&self, more: u64) {
        set(&self.granted, |granted| granted.saturating_add(more));
        // Stores one permit when nobody waits yet: a grant is never missed.
        self.more.notify_one();
    }

    /// How many messages may be sent.
    pub fn left(&self) -> u64 {
        let is_ahead = self.ahead_bytes.load(Ordering::Relaxed) > 0;
        let ahead = if is_ahead { self.ahead_messages } else { 0 };
        let accepted = self.granted.load(Ordering::Relaxed).max(ahead);
        accepted.saturating_sub(self.used.load(Ordering::Relaxed))
    }

    /// A page of so many messages, with frames of so many bytes, is sent.
    pub fn use_up(&self, messages: u64, bytes: u64) {
        set(&self.used, |used| used.saturating_add(messages));
        set(&self.ahead_bytes, |left| left.saturating_sub(bytes));
    }

    /// The replay has reached the head. What is replayed later needs credit.
    pub fn end_ahead(&self) {
        self.ahead_bytes.store(0, Ordering::Relaxed);
    }

    /// Returns when there is some.
    pub async fn some(&self) {
        while self.left() == 0 {
            self.more.notified().await;
        }
    }
}

fn set(value: &AtomicU64, next: impl Fn(u64) -> u64) {
    let _ = value.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |value| Some(next(value)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ahead(messages: u64, bytes: u64) -> Credit {
        Credit::new(10, Some(Ahead { messages, bytes }))
    }

    #[test]
    fn a_replay_goes_ahead_up_to_its_messages() {
        let credit = ahead(300, 1_000);
        assert_eq!(credit.left(), 300);
        credit.use_up(290, 999);
        assert_eq!(credit.left(), 10);
        credit.grant(290);
        assert_eq!(credit.left(), 10, "the two are not added");
        credit.grant(5);
        assert_eq!(credit.left(), 15);
    }

    #[test]
    fn what_went_ahead_is_owed() {
        for end in [|credit: &Credit| credit.use_up(0, 1_000), Credit::end_ahead] {
            let credit = ahead(300, 1_000);
            credit.use_up(100, 100);
            end(&credit);
            assert_eq!(credit.left(), 0);
            credit.grant(90);
            assert_eq!(credit.left(), 0);
            credit.grant(u64::MAX);
            assert_eq!(credit.left(), u64::MAX - 100);
        }
    }
}
