//! Limits how many questions of one user are asked at once, so that no user keeps the service from the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// Further questions of a user wait behind their own.
pub const PER_USER_MAX: usize = 8;

/// The users who ask, or wait to ask. Others take no memory.
#[derive(Default)]
pub struct PerUserLimit {
    users: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// Allows one question, until it is dropped.
pub struct Permit<'l> {
    // Dropped in this order: the permit is released while the user is still known.
    _permit: OwnedSemaphorePermit,
    _entry: QueueEntry<'l>,
}

impl PerUserLimit {
    /// Waits until the user may ask.
    pub async fn acquire(&self, user: &str) -> Result<Permit<'_>, AcquireError> {
        let entry = self.enqueue(user);
        Ok(Permit { _permit: entry.queue.clone().acquire_owned().await?, _entry: entry })
    }

    fn enqueue(&self, user: &str) -> QueueEntry<'_> {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = users.entry(user.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(PER_USER_MAX)));
        QueueEntry { limit: self, user: user.to_owned(), queue: queue.clone() }
    }
}

/// Someone who asks or waits. The last one of a user removes the user.
struct QueueEntry<'l> {
    limit: &'l PerUserLimit,
    user: String,
    queue: Arc<Semaphore>,
}

impl Drop for QueueEntry<'_> {
    fn drop(&mut self) {
        let mut users = self.limit.users.lock().unwrap_or_else(PoisonError::into_inner);
        // The map's and this one. Another is made under the lock only.
        if Arc::strong_count(&self.queue) == 2 {
            users.remove(&self.user);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_user_waits_only_behind_themselves() {
        let limit = PerUserLimit::default();
        let mut permits = Vec::new();
        for _ in 0..PER_USER_MAX {
            permits.push(limit.acquire("mallory").await.unwrap());
        }
        assert!(limit.acquire("mallory").now_or_never().is_none());
        drop(limit.acquire("ada").now_or_never().expect("ada waits for nobody").unwrap());
        permits.pop();
        permits.push(limit.acquire("mallory").now_or_never().expect("a permit was released").unwrap());
        assert_eq!(limit.users.lock().unwrap().len(), 1);
        drop(permits);
        assert!(limit.users.lock().unwrap().is_empty());
    }
}
