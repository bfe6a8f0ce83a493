//! The live stream: one reader per node follows the streams of all channels that have listeners on this node, in log
//! order, whichever node appended the messages.
//!
//! The reader blocks one connection with one `XREAD`. So that a new channel need not wait until that returns, the
//! `XREAD` also names a stream of this node, the *wake* stream: it returns when an entry is added there.
//!
//! The reader remembers the last message of each channel. So it continues there after Redis was away, and it notices
//! when a log is no longer the one it knew, because it has another epoch or is an older copy. Then it starts over from
//! what is there, and the hub makes the listeners read the log again.

mod compare;
mod dispatch;
mod read;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::{debug, error, info, warn};

use super::connection::SharedConnection;
use super::keys;
use super::scripts::{self, Seen, WAKE_TTL_MS};
use crate::log::hub::Hub;
use crate::log::{Retention, StoreError};

/// Maximum number of messages per channel and `XREAD`.
const COUNT_MAX: u64 = 128;

/// See the module.
pub(super) struct Tail {
    shared: Arc<SharedConnection>,
    hub: Arc<Hub>,
    retention: Retention,
    wake_key: String,
    /// Whether the wake stream has an entry that the reader has not seen yet.
    waking: AtomicBool,
    /// How many messages per channel the next `XREAD` asks for. An answer that took too long lowers it: on a slow link,
    /// or with large messages, the same answer would take too long again.
    count: AtomicU64,
    /// By the key of the stream. A plain mutex: never held across an await.
    channels: Mutex<HashMap<String, Followed>>,
}

/// A channel that the reader follows.
struct Followed {
    ch: String,
    /// The last message that was read.
    seen: Seen,
    /// The last entry that was read: that message, or a foreign entry after it.
    read_to: String,
    /// Whether a foreign entry has been logged.
    foreign_logged: bool,
}

/// `epoch, first, head, last`
type State = (String, u64, u64, String);

impl Tail {
    pub fn new(shared: Arc<SharedConnection>, hub: Arc<Hub>, retention: Retention, node: &str) -> Self {
        let wake_key = keys::wake(node);
        let (waking, count) = (AtomicBool::new(false), AtomicU64::new(COUNT_MAX));
        Tail { shared, hub, retention, wake_key, waking, count, channels: Mutex::default() }
    }

    /// Once this has returned, every message of the channel reaches the hub, for as long as the channel has listeners
    /// there. The hub must have a listener before this is called.
    pub async fn follow(&self, ch: &str) -> Result<(), StoreError> {
        let key = keys::log(ch);
        if self.lock().contains_key(&key) {
            return Ok(());
        }
        let state: State = self.shared.run(&scripts::state(ch, None, self.retention)).await?;
        // If another caller was faster, its state is as good: it is not later than now.
        self.lock().entry(key).or_insert_with(|| Followed::from(ch, seen(state)));
        self.wake().await;
        Ok(())
    }

    /// If this fails, the reader notices the new channel when its `XREAD` returns.
    async fn wake(&self) {
        if self.waking.swap(true, Ordering::SeqCst) {
            return;
        }
        let Ok(commands) = self.shared.commands() else { return };
        let mut pipe = redis::pipe();
        pipe.cmd("XADD").arg(&self.wake_key).arg("MAXLEN").arg(1).arg("*").arg("w").arg(1);
        pipe.cmd("PEXPIRE").arg(&self.wake_key).arg(WAKE_TTL_MS);
        let _ = self.shared.run_all::<redis::Value>(commands, &mut pipe).await;
    }

    /// Starts over in a log that is not the one that was known. The new state is set before the hub ends the live
    /// stream: a listener that reads the log after that receives everything later from the new stream.
    fn start_over(&self, key: &str, state: State) {
        let ch = {
            let mut channels = self.lock();
            let Some(followed) = channels.get_mut(key) else { return };
            info!(ch = followed.ch, seen = ?followed.seen, found = ?state, "the log was replaced");
            let ch = followed.ch.clone();
            *followed = Followed::from(&ch, seen(state));
            ch
        };
        self.hub.reset(&ch);
    }

    /// Stops following a channel that cannot be read, so that it does not stop the others. Its listeners read the log
    /// again, and get the error.
    fn give_up(&self, key: &str, ch: &str, why: &str) {
        error!(ch, "cannot read the stream of this channel: {why}; check its keys in Redis");
        self.lock().remove(key);
        self.hub.reset(ch);
    }

    /// Stops following channels that have no listeners.
    fn prune(&self) {
        self.lock().retain(|_, followed| self.hub.has_listeners(&followed.ch));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Followed>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Followed {
    /// Follows a channel from its state at the moment.
    fn from(ch: &str, seen: Seen) -> Self {
        Followed { ch: ch.to_owned(), read_to: seen.id.clone(), seen, foreign_logged: false }
    }

    /// Skips a foreign entry. There may be many, so only the first one is a warning.
    fn skip(&mut self, id: String) {
        match self.foreign_logged {
            true => debug!(ch = self.ch, id, "skipped another foreign entry"),
            false => warn!(
                ch = self.ch,
                id, "skipped an entry that is no message of this log; check who writes to it"
            ),
        }
        self.foreign_logged = true;
        self.read_to = id;
    }
}

fn seen((epoch, _, offset, id): State) -> Seen {
    Seen { epoch, offset, id }
}
