//! Which live streams of one socket have something to take.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures::task::AtomicWaker;

/// How many keys an empty inbox keeps room for.
const ROOM_KEPT: usize = 16;

/// See the module. Channels put the keys of live streams into it, and one task takes them out.
#[derive(Default)]
pub struct Inbox {
    // A plain mutex: it is held for a push or a pop.
    keys: Mutex<VecDeque<usize>>,
    task: AtomicWaker,
}

impl Inbox {
    /// Adds a key. Returns the waker of the task, if it waits.
    #[must_use]
    pub(super) fn put(&self, key: usize) -> Option<Waker> {
        self.lock().push_back(key);
        self.task.take()
    }

    /// Adds a key, and wakes the task.
    pub fn send(&self, key: usize) {
        self.put(key).into_iter().for_each(Waker::wake);
    }

    /// The key that was added first.
    pub fn take(&self) -> Option<usize> {
        let mut keys = self.lock();
        let key = keys.pop_front();
        if keys.is_empty() && keys.capacity() > ROOM_KEPT {
            *keys = VecDeque::new();
        }
        key
    }

    /// Whether there is a key to take. Only one task may wait.
    pub fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_empty() {
            self.task.register(cx.waker());
            // Again: one may have been added before the task could be woken.
            if self.is_empty() {
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }

    fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<usize>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn a_waiting_task_wakes_for_a_key() {
        let inbox = Arc::new(Inbox::default());
        let task = {
            let inbox = inbox.clone();
            tokio::spawn(async move {
                poll_fn(|cx| inbox.poll_ready(cx)).await;
                inbox.take()
            })
        };
        tokio::task::yield_now().await; // it waits
        inbox.send(7);
        assert_eq!(task.await.unwrap(), Some(7));
    }

    #[tokio::test]
    async fn keys_come_out_in_their_order() {
        let inbox = Inbox::default();
        (0..100).for_each(|key| inbox.send(key));
        for key in 0..100 {
            poll_fn(|cx| inbox.poll_ready(cx)).await;
            assert_eq!(inbox.take(), Some(key));
        }
        assert_eq!(inbox.take(), None);
        assert!(inbox.lock().capacity() <= ROOM_KEPT);
    }
}
