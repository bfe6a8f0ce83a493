//! How many questions of one user are asked at once, so that nobody keeps the service from the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// Who wants to ask more waits behind their own questions.
pub const PER_USER_MAX: usize = 8;

/// The users who ask, or wait to ask. Others take no memory.
#[derive(Default)]
pub struct Turns {
    users: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// The right to ask one question, until it is dropped.
pub struct Turn<'t> {
    // Before the place: it is given back while the user is still known.
    _permit: OwnedSemaphorePermit,
    _place: Place<'t>,
}

impl Turns {
    /// Waits until it is one's turn.
    pub async fn next(&self, user: &str) -> Result<Turn<'_>, AcquireError> {
        let place = self.place(user);
        Ok(Turn { _permit: place.queue.clone().acquire_owned().await?, _place: place })
    }

    fn place(&self, user: &str) -> Place<'_> {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = users.entry(user.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(PER_USER_MAX)));
        Place { turns: self, user: user.to_owned(), queue: queue.clone() }
    }
}

/// One of those who ask or wait; the last of a user takes the user away.
struct Place<'t> {
    turns: &'t Turns,
    user: String,
    queue: Arc<Semaphore>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut users = self.turns.users.lock().unwrap_or_else(PoisonError::into_inner);
        // The map's and ours. A new place is made under the lock only.
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
    async fn a_user_waits_behind_their_own_and_is_then_forgotten() {
        let turns = Turns::default();
        let mut held = Vec::new();
        for _ in 0..PER_USER_MAX {
            held.push(turns.next("mallory").await.unwrap());
        }
        assert!(turns.next("mallory").now_or_never().is_none());
        drop(turns.next("ada").now_or_never().expect("it is ada's turn").unwrap());
        held.pop();
        held.push(turns.next("mallory").now_or_never().expect("one was given back").unwrap());
        assert_eq!(turns.users.lock().unwrap().len(), 1);
        drop(held);
        assert!(turns.users.lock().unwrap().is_empty());
    }
}
