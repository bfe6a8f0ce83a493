//! The live stream: passes each new message of a channel to its listeners on this server.
//!
//! There is one [`Channel`] with a [`backlog`] for as long as it has listeners. It is bounded: a listener that falls
//! behind learns how much it missed and reads that from the log. Ephemeral events have a small backlog of their own, so
//! a flood of them cannot push out messages. A listener has no task. A channel puts the key of a [`LiveStream`] into
//! the [`Inbox`] of its socket, which is woken once for all its channels.

mod backlog;
mod channel;
mod inbox;
mod live_stream;
mod pace;
mod run;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::backlog::Budget;
use self::channel::Channel;
pub use self::inbox::Inbox;
pub use self::live_stream::{LiveStream, Next};
use self::pace::{Pacer, Step};
pub use self::run::Run;
use crate::by_name::{ByName, Named, NamedSet};
use crate::log::Message;
use crate::trace;

/// An ephemeral event.
#[derive(Clone, Debug)]
pub struct Cast {
    /// The number of the connection that sent it, which does not receive it.
    pub from: u64,
    /// The payload: JSON text.
    pub data: Arc<str>,
}

/// The live streams of all channels.
pub struct Hub {
    // A plain mutex: it is held for a map lookup, never across an await. A channel's mutex may be locked while this one
    // is held, but not the other way round.
    channels: Mutex<NamedSet<Arc<Channel>>>,
    budget: Arc<Budget>,
    pacer: Pacer,
}

impl Named for Arc<Channel> {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Hub {
    /// A hub that buffers at most this many bytes for slow listeners.
    pub fn new(bytes_max: usize) -> Self {
        Hub { channels: Mutex::default(), budget: Arc::new(Budget::new(bytes_max)), pacer: Pacer::default() }
    }

    /// Adds a listener. It receives everything that is published in the channel once this has returned.
    pub fn subscribe(self: &Arc<Self>, ch: impl AsRef<str> + Into<Arc<str>>) -> LiveStream {
        let mut channels = self.lock();
        let channel = match channels.get(ch.as_ref()) {
            Some(ByName(channel)) => channel.clone(),
            None => {
                let channel = Arc::new(Channel::new(ch.into(), &self.budget));
                channels.insert(ByName(channel.clone()));
                channel
            }
        };
        // With the map locked: otherwise, the channel's last listener could remove it first.
        LiveStream::new(self.clone(), channel)
    }

    /// A channel's name, which all its listeners share.
    pub fn name(&self, ch: &str) -> Arc<str> {
        self.channel(ch).map_or_else(|| ch.into(), |channel| channel.name.clone())
    }

    /// Passes a message to the channel's listeners, a moment later if the channel is busy. The store calls this in log
    /// order.
    pub fn publish(&self, ch: &str, message: Message) {
        self.publish_traced(ch, message, trace::Published::default());
    }

    /// Like `publish`, for a message whose append may be part of a trace.
    pub fn publish_traced(&self, ch: &str, message: Message, trace: trace::Published) {
        let Some(channel) = self.channel(ch) else { return };
        match channel.push(message, trace) {
            Step::Release => channel.release(),
            Step::HoldUntil(due) => self.pacer.release_at(due, channel),
            Step::Held => {}
        }
    }

    /// Times what is held, for as long as the hub is used. Until this runs, nothing is held.
    pub async fn pace(&self) {
        self.pacer.run().await;
    }

    /// Whether the channel has listeners.
    pub fn has_listeners(&self, ch: &str) -> bool {
        self.lock().contains(ch)
    }

    /// Ends the channel's live stream because its log has been replaced. Listeners receive what is buffered, then the
    /// end, and read the log again. The store calls this.
    pub fn reset(&self, ch: &str) {
        let removed = self.lock().take(ch);
        if let Some(ByName(channel)) = removed {
            channel.end();
            channel.release();
        }
    }

    /// Passes an ephemeral event to the channel's listeners.
    pub fn cast(&self, ch: &str, cast: Cast) {
        if let Some(channel) = self.channel(ch) {
            channel.push_cast(cast);
            channel.release();
        }
    }

    /// How many bytes are buffered for slow listeners.
    pub fn waiting_bytes(&self) -> usize {
        self.budget.waiting()
    }

    /// How many channels have listeners.
    pub fn channel_count(&self) -> usize {
        self.lock().len()
    }

    fn channel(&self, ch: &str) -> Option<Arc<Channel>> {
        self.lock().get(ch).map(|ByName(channel)| channel.clone())
    }

    /// Nothing panics while it holds the lock, so a poisoned one can be used.
    fn lock(&self) -> MutexGuard<'_, NamedSet<Arc<Channel>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
