//! The live stream: one reader per node reads the streams of all channels that have listeners on this node, in log
//! order, whichever node appended the messages.
//!
//! A script that appends also publishes a *wake-up*, over pub/sub, under the name of the channel's stream. A node
//! subscribes to the wake-ups of the channels it follows ([`listen`]) and reads only the streams that they name
//! ([`read`]). So the cost of a message does not depend on the number of channels.
//!
//! A wake-up is a hint, and may be lost. What is delivered comes from the stream. Each channel is also read after its
//! subscription was confirmed, and regularly by a [`sweep`], which finds what a lost wake-up would have announced.
//!
//! The reader remembers the last message of each channel. So it continues there after Redis was away, and it notices
//! when a log is no longer the one it knew, because it has another epoch or is an older copy. Then it starts over from
//! what is there, and the hub makes the listeners read the log again.

mod compare;
mod dispatch;
mod followed;
mod handover;
mod listen;
mod put_off;
mod read;
mod read_each;
mod sweep;

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::counter::Counter;
use tokio::sync::Notify;
use tracing::{error, info};

use self::followed::{Channels, Followed};
use self::listen::Hearing;
use self::read::MESSAGES_MAX;
use super::connection::SharedConnection;
use super::scripts::{self, Seen};
use super::{Parts, keys};
use crate::log::hub::Hub;
use crate::log::{ChannelInfo, Retention, StoreError};

/// See the module.
pub(super) struct Tail {
    shared: Arc<SharedConnection>,
    hub: Arc<Hub>,
    retention: Retention,
    /// How many messages the next read may return. An answer that took too long lowers it: on a slow link, or with
    /// large messages, the same answer would take too long again.
    messages_max: AtomicUsize,
    // A plain mutex: never held across an await.
    channels: Mutex<Channels>,
    // The same.
    hearing: Mutex<Hearing>,
    node: String,
    /// There are channels to read.
    to_read: Notify,
    /// There are channels whose subscription has to change.
    to_subscribe: Notify,
    missed: Counter,
}

/// `epoch, first, head, last`
type State = (String, u64, u64, String);

impl Tail {
    pub fn new(shared: Arc<SharedConnection>, parts: &Parts) -> Self {
        Tail {
            shared,
            hub: parts.hub.clone(),
            retention: parts.retention,
            messages_max: AtomicUsize::new(MESSAGES_MAX),
            channels: Mutex::default(),
            hearing: Mutex::default(),
            node: parts.node.clone(),
            to_read: Notify::new(),
            to_subscribe: Notify::new(),
            missed: parts.missed_wakeups.clone(),
        }
    }

    /// See [`Store::follow`](crate::log::Store::follow). It takes one command: a node follows thousands of channels when
    /// its clients reconnect.
    pub async fn follow(&self, ch: &str) -> Result<ChannelInfo, StoreError> {
        let key = keys::log(ch);
        loop {
            let was_followed = self.lock().contains(&key);
            let state: State = {
                let _turn = self.shared.turn().await; // first: many may wait, and a command takes memory
                self.shared.run_now(&scripts::state(ch, None, self.retention)).await?
            };
            let (epoch, first, head, _) = &state;
            let info = ChannelInfo { epoch: epoch.clone(), first: *first, head: *head };
            if was_followed {
                return Ok(info);
            }
            if self.lock().follow(&key, Followed::from(ch, seen(state)?)) {
                self.to_subscribe.notify_one();
                return Ok(info);
            }
            // Another caller was faster. What the reader follows from may be later than this extent, so it is read again.
        }
    }

    /// Starts over in a log that is not the one that was known. The new state is set before the hub ends the live
    /// stream: a listener that reads the log after that receives everything later from the new stream.
    fn start_over(&self, key: &str, state: State) {
        let ch = {
            let mut channels = self.lock();
            let Some(followed) = channels.get_mut(key) else { return };
            info!(ch = followed.ch(), seen = ?followed.seen, found = ?state, "the log was replaced");
            let ch = followed.ch().to_owned();
            match seen(state) {
                Ok(seen) => followed.start_over(seen),
                Err(_) => drop(channels.remove(key)), // to follow it again reports the error
            }
            ch
        };
        self.hub.reset(&ch);
    }

    /// A channel was deleted. It is created again, because it has listeners here. If this node does not hear of the
    /// deletion, or cannot look, the next message shows it.
    async fn deleted(&self, key: &str) {
        let followed =
            self.lock().get_mut(key).map(|followed| (followed.ch().to_owned(), followed.seen.clone()));
        let Some((ch, seen)) = followed else { return };
        let state: Result<State, _> =
            self.shared.run_now(&scripts::state(&ch, Some(&seen), self.retention)).await;
        match state {
            Ok(state) if state.0 != seen.epoch => self.start_over(key, state),
            Ok(_) | Err(_) => {}
        }
    }

    /// Stops following a channel that cannot be read, so that it does not stop the others. Its listeners read the log
    /// again, and get the error.
    fn give_up(&self, key: &str, ch: &str, why: &str) {
        error!(ch, "cannot read the stream of this channel: {why}; check its keys in Redis");
        self.lock().remove(key);
        self.to_subscribe.notify_one();
        self.hub.reset(ch);
    }

    fn lock(&self) -> MutexGuard<'_, Channels> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn seen((epoch, _, offset, id): State) -> Result<Seen, StoreError> {
    Ok(Seen { epoch, offset, id: super::parse_id(&id)? })
}
