//! What interrupts a connection from outside: a heartbeat that is due, or what ends it: an administrator, a drain, or the
//! end of its writer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;

use super::registry::Disconnect;
use crate::net::shutdown::Drain;

/// Why a connection has to end.
pub(super) enum Cause {
    /// The writer has ended.
    Gone,
    /// An administrator disconnects the client.
    Disconnect(Disconnect),
    /// The server shuts down.
    Drain(Drain),
}

/// See the module. One task waits for it, that of the connection.
#[derive(Default)]
pub(super) struct Interrupt {
    // A plain mutex: it is held for a move. Boxed, because few connections ever have a cause.
    cause: Mutex<Option<Box<Cause>>>,
    beat_due: AtomicBool,
    connection: AtomicWaker,
}

impl Interrupt {
    /// Ends the connection for this cause, or for a later one if that comes before the connection has seen it.
    pub fn send(&self, cause: Cause) {
        self.put(Some(Box::new(cause)));
        self.connection.wake();
    }

    /// The heartbeat of the connection is due.
    pub fn beat(&self) {
        self.beat_due.store(true, Ordering::Release);
        self.connection.wake();
    }

    /// Whether the heartbeat is due. [`poll_cause`](Self::poll_cause) has to come before it, and sees to it that the
    /// task is woken.
    pub fn take_beat(&self) -> bool {
        self.beat_due.swap(false, Ordering::Acquire)
    }

    /// Why the connection has to end, if it has to.
    pub fn poll_cause(&self, cx: &mut Context<'_>) -> Poll<Cause> {
        self.connection.register(cx.waker());
        self.put(None).map_or(Poll::Pending, |cause| Poll::Ready(*cause))
    }

    /// Returns what was there.
    fn put(&self, cause: Option<Box<Cause>>) -> Option<Box<Cause>> {
        std::mem::replace(&mut *self.cause.lock().unwrap_or_else(PoisonError::into_inner), cause)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Waker;

    use super::*;

    #[test]
    fn a_cause_waits_for_the_connection() {
        let (interrupt, mut cx) = (Interrupt::default(), Context::from_waker(Waker::noop()));
        assert!(interrupt.poll_cause(&mut cx).is_pending());
        interrupt.send(Cause::Disconnect(Disconnect::Abort));
        interrupt.send(Cause::Gone);
        assert!(matches!(interrupt.poll_cause(&mut cx), Poll::Ready(Cause::Gone)));
        assert!(interrupt.poll_cause(&mut cx).is_pending());
    }

    #[test]
    fn beats_that_the_connection_has_not_seen_are_one() {
        let interrupt = Interrupt::default();
        assert!(!interrupt.take_beat());
        interrupt.beat();
        interrupt.beat();
        assert!(interrupt.take_beat() && !interrupt.take_beat());
    }

    #[tokio::test]
    async fn a_cause_wakes_the_connection() {
        let interrupt = Interrupt::default();
        let send = async {
            tokio::task::yield_now().await; // the other one waits
            interrupt.send(Cause::Gone);
        };
        let (cause, ()) = tokio::join!(poll_fn(|cx| interrupt.poll_cause(cx)), send);
        assert!(matches!(cause, Cause::Gone));
    }
}
