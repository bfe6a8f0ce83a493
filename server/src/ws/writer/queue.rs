//! A bounded queue with any number of senders and one receiver. Every idle connection has one, so it is small, and an
//! empty one holds no memory.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;
use tokio::sync::Semaphore;

use super::Gone;

/// See the module.
pub(super) struct Queue<T> {
    // A plain mutex: it is held for a push or a pop.
    state: Mutex<State<T>>,
    /// How many more items fit. Closed with the queue.
    room: Semaphore,
    receiver: AtomicWaker,
}

struct State<T> {
    items: VecDeque<T>,
    senders: usize,
    /// Whether the receiver has ended.
    closed: bool,
}

impl<T> Queue<T> {
    /// For this many items. It has one sender.
    pub fn new(items_max: usize) -> Self {
        let state = State { items: VecDeque::new(), senders: 1, closed: false };
        Queue { state: Mutex::new(state), room: Semaphore::new(items_max), receiver: AtomicWaker::new() }
    }

    /// Adds an item as soon as there is room. Those who wait are served in their order.
    pub async fn send(&self, item: T) -> Result<(), Gone> {
        self.room.acquire().await.map_err(|_| Gone)?.forget();
        self.push(item)
    }

    /// Adds an item, or drops it if there is no room.
    pub fn try_send(&self, item: T) {
        if let Ok(room) = self.room.try_acquire() {
            room.forget();
            let _ = self.push(item); // nobody is there to receive it
        }
    }

    fn push(&self, item: T) -> Result<(), Gone> {
        let mut state = self.lock();
        if state.closed {
            drop(state); // before the item, which may have a sender
            return Err(Gone);
        }
        state.items.push_back(item);
        drop(state);
        self.receiver.wake();
        Ok(())
    }

    /// Takes the first item.
    pub fn pop(&self) -> Option<T> {
        let mut state = self.lock();
        let item = state.items.pop_front()?;
        if state.items.is_empty() {
            state.items = VecDeque::new();
        }
        drop(state);
        self.room.add_permits(1);
        Some(item)
    }

    /// Whether there is an item, or will be none: the last sender is gone. Only one task may wait.
    pub fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Ready> {
        if let Some(ready) = self.ready() {
            return Poll::Ready(ready);
        }
        self.receiver.register(cx.waker());
        // Again: it may have changed before the task could be woken.
        self.ready().map_or(Poll::Pending, Poll::Ready)
    }

    fn ready(&self) -> Option<Ready> {
        let state = self.lock();
        match state.items.is_empty() {
            false => Some(Ready::Item),
            true => (state.senders == 0).then_some(Ready::End),
        }
    }

    /// There is one more sender.
    pub fn add_sender(&self) {
        self.lock().senders += 1;
    }

    /// A sender is gone.
    pub fn remove_sender(&self) {
        let mut state = self.lock();
        state.senders -= 1;
        let ended = state.senders == 0;
        drop(state);
        if ended {
            self.receiver.wake();
        }
    }

    /// The receiver has ended: drops what waits, and accepts no more.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let items = std::mem::take(&mut state.items);
        drop(state);
        self.room.close();
        drop(items); // which may have senders
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the receiver finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ready {
    Item,
    /// All senders are gone, and nothing waits.
    End,
}
