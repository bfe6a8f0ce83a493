//! The live stream: what has just been put into the log, to whoever is subscribed here.
//!
//! One broadcast per channel, for as long as someone listens. It is bounded: a listener that falls
//! behind is told how much it missed and takes it from the log. Ephemeral events have a small
//! broadcast of their own, so that a flood of typing cannot push messages out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;

use crate::log::Message;

/// How many messages a listener may be behind. They are shared, not copied, between listeners.
const MESSAGES_MAX: usize = 512;
/// How many ephemeral events; older ones are dropped without a word, as their nature allows.
const CASTS_MAX: usize = 16;

/// An ephemeral event.
#[derive(Clone, Debug)]
pub struct Cast {
    /// The number of the connection that sent it, which does not get it back.
    pub from: u64,
    /// The payload: JSON text.
    pub data: Arc<str>,
}

/// What a subscription listens to.
pub struct Live {
    /// Messages, in log order.
    pub messages: broadcast::Receiver<Arc<Message>>,
    /// Ephemeral events.
    pub casts: broadcast::Receiver<Cast>,
    /// Fields are dropped in order: the receivers are gone when this looks for the last one.
    _prune: Prune,
}

/// Forgets the channel when its last listener goes.
struct Prune {
    hub: Arc<Hub>,
    ch: String,
}

impl Drop for Prune {
    fn drop(&mut self) {
        let mut channels = self.hub.lock();
        if channels.get(&self.ch).is_some_and(|channel| channel.messages.receiver_count() == 0) {
            channels.remove(&self.ch);
        }
    }
}

struct Channel {
    messages: broadcast::Sender<Arc<Message>>,
    casts: broadcast::Sender<Cast>,
}

/// See the module.
#[derive(Default)]
pub struct Hub {
    // A plain mutex: it is held for a map lookup and a push, never across an await.
    channels: Mutex<HashMap<String, Channel>>,
}

impl Hub {
    /// From the moment this returns, nothing that is published in the channel is missed.
    pub fn subscribe(self: &Arc<Self>, ch: &str) -> Live {
        let mut channels = self.lock();
        let channel = channels.entry(ch.to_owned()).or_insert_with(|| Channel {
            messages: broadcast::Sender::new(MESSAGES_MAX),
            casts: broadcast::Sender::new(CASTS_MAX),
        });
        Live {
            messages: channel.messages.subscribe(),
            casts: channel.casts.subscribe(),
            _prune: Prune { hub: self.clone(), ch: ch.to_owned() },
        }
    }

    /// Hands a message to the channel's listeners. Called in log order, by the log.
    pub fn publish(&self, ch: &str, message: Message) {
        if let Some(channel) = self.lock().get(ch) {
            let _ = channel.messages.send(Arc::new(message)); // the last listener is just going
        }
    }

    /// Whether someone listens to the channel.
    pub fn has_listeners(&self, ch: &str) -> bool {
        self.lock().contains_key(ch)
    }

    /// The channel's log is not the one it was. Its listeners get what was handed to them before, and
    /// then the end of the stream: they look at the log again. Called by the log.
    pub fn reset(&self, ch: &str) {
        self.lock().remove(ch);
    }

    /// Hands an ephemeral event to the channel's listeners.
    pub fn cast(&self, ch: &str, cast: Cast) {
        if let Some(channel) = self.lock().get(ch) {
            let _ = channel.casts.send(cast); // nobody there: nobody to tell
        }
    }

    /// Nothing in here can panic while holding the lock, so a poisoned one is as good as any.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Channel>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
