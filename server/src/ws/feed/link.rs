//! What a connection and a feed share: the channel, the credit, and where the feed is at the moment.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::JoinHandle;

use super::credit::Credit;
use crate::log::hub::Inbox;

/// See the module.
pub(in crate::ws) struct Link {
    pub ch: Arc<str>,
    /// The `sub` that the subscription answers.
    pub reference: Option<u64>,
    pub credit: Credit,
    /// The inbox of the socket's writer.
    inbox: Arc<Inbox>,
    /// The offset up to which everything was sent, for the admin API.
    sent: AtomicU64,
    // A plain mutex: never held across an await.
    stage: Mutex<Stage>,
}

enum Stage {
    /// Before its task runs.
    Idle,
    /// It has a task.
    Replaying(JoinHandle<()>),
    /// The writer has it, under this key.
    Live(usize),
    /// It has ended, or has to.
    Ended,
}

impl Link {
    pub fn new(ch: Arc<str>, reference: Option<u64>, credit: Credit, inbox: Arc<Inbox>) -> Self {
        let (sent, stage) = (AtomicU64::new(0), Mutex::new(Stage::Idle));
        Link { ch, reference, credit, inbox, sent, stage }
    }

    /// Records that everything up to an offset was sent.
    pub fn record_sent(&self, offset: u64) {
        self.sent.store(offset, Ordering::Relaxed);
    }

    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub fn is_live(&self) -> bool {
        matches!(*self.lock(), Stage::Live(_))
    }

    /// Runs the feed in a task, unless it has ended.
    pub fn spawn(&self, feed: impl Future<Output = ()> + Send + 'static) {
        let mut stage = self.lock();
        if !matches!(*stage, Stage::Ended) {
            *stage = Stage::Replaying(tokio::spawn(feed));
        }
    }

    /// The writer has the feed. Frees the memory of its task. Returns `false` if the feed has ended.
    #[must_use]
    pub fn went_live(&self, key: usize) -> bool {
        let mut stage = self.lock();
        let goes_on = !matches!(*stage, Stage::Ended);
        if goes_on {
            *stage = Stage::Live(key);
        }
        goes_on
    }

    /// The feed ends by itself. Set before the client is notified, so that its reaction finds it set.
    pub fn finish(&self) {
        *self.lock() = Stage::Ended;
    }

    pub fn ended(&self) -> bool {
        matches!(*self.lock(), Stage::Ended)
    }

    /// Ends the feed. Its task may still be about to queue a frame, and is returned for that.
    pub fn end(&self) -> Option<JoinHandle<()>> {
        let stage = std::mem::replace(&mut *self.lock(), Stage::Ended);
        match stage {
            Stage::Replaying(task) => {
                task.abort();
                return Some(task);
            }
            Stage::Live(key) => self.inbox.send(key), // the writer drops it
            Stage::Idle | Stage::Ended => {}
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
