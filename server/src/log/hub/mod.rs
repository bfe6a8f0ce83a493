//! The live stream: passes each new message of a channel to its listeners on this server.
//!
//! There is one [`Backlog`] per channel, for as long as it has listeners. It is bounded: a listener that falls behind
//! learns how much it missed and reads that from the log. Ephemeral events have a small backlog of their own, so a
//! flood of them cannot push out messages.

mod backlog;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use self::backlog::{Backlog, Bounds, Budget, Found};
use crate::log::Message;

/// How far a listener may fall behind. Listeners share messages; nothing is copied per listener.
const MESSAGES_MAX: Bounds = Bounds { items: 512, bytes: 2 * 1024 * 1024 };
/// The same for ephemeral events. Older ones are dropped silently: they carry no guarantee.
const CASTS_MAX: Bounds = Bounds { items: 16, bytes: 256 * 1024 };

/// An ephemeral event.
#[derive(Clone, Debug)]
pub struct Cast {
    /// The number of the connection that sent it, which does not receive it.
    pub from: u64,
    /// The payload: JSON text.
    pub data: Arc<str>,
}

/// What a listener gets next.
pub enum Next {
    /// Messages with contiguous offsets, in log order; at least one.
    Messages(Vec<Arc<Message>>),
    /// An ephemeral event.
    Cast(Cast),
    /// This many messages were dropped because the listener was slow.
    Missed(u64),
    /// The stream ends: the log has been replaced.
    End,
    /// Nothing is buffered.
    Nothing,
}

/// A channel's live stream as one listener sees it.
pub struct LiveStream {
    hub: Arc<Hub>,
    ch: String,
    channel: Arc<Channel>,
    /// The cursors into the two backlogs.
    message: u64,
    cast: u64,
    /// Whether an ephemeral event comes next if both are buffered, so that neither starves.
    cast_first: bool,
}

impl LiveStream {
    /// Waits until there is something to take.
    pub async fn ready(&self) {
        loop {
            let changed = self.channel.changed.notified(); // sees every change from here on
            if self.is_ready() {
                return;
            }
            changed.await;
        }
    }

    fn is_ready(&self) -> bool {
        let state = self.channel.lock();
        state.messages.has(self.message) || state.casts.has(self.cast) || state.ended
    }

    /// Takes what is buffered: up to this many messages and bytes of payload, but at least one message.
    pub fn take(&mut self, messages_max: usize, bytes_max: usize) -> Next {
        let mut state = self.channel.lock();
        self.cast_first = !self.cast_first;
        if self.cast_first || !state.messages.has(self.message) {
            loop {
                match state.casts.take(&mut self.cast, |_| true) {
                    Found::Item(cast) => return Next::Cast(cast),
                    Found::Missed(_) => {}
                    Found::Nothing => break,
                }
            }
        }
        let first = match state.messages.take(&mut self.message, |_| true) {
            Found::Item(message) => message,
            Found::Missed(missed) => return Next::Missed(missed),
            Found::Nothing if state.ended => return Next::End,
            Found::Nothing => return Next::Nothing,
        };
        let mut bytes = first.data.len();
        let mut next_offset = first.offset.saturating_add(1);
        let mut run = vec![first];
        while run.len() < messages_max {
            let fits = |message: &Arc<Message>| {
                message.offset == next_offset && bytes + message.data.len() <= bytes_max
            };
            let Found::Item(message) = state.messages.take(&mut self.message, fits) else { break };
            bytes += message.data.len();
            next_offset = next_offset.saturating_add(1);
            run.push(message);
        }
        Next::Messages(run)
    }
}

/// Removes the channel with its last listener.
impl Drop for LiveStream {
    fn drop(&mut self) {
        let mut channels = self.hub.lock();
        let mut state = self.channel.lock();
        state.messages.leave(self.message);
        state.casts.leave(self.cast);
        state.listeners -= 1;
        // After a reset, another channel may have the same name.
        let current = channels.get(&self.ch).is_some_and(|channel| Arc::ptr_eq(channel, &self.channel));
        if state.listeners == 0 && current {
            channels.remove(&self.ch);
        }
    }
}

struct Channel {
    // A plain mutex, for the reason given at `Hub`.
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    messages: Backlog<Arc<Message>>,
    casts: Backlog<Cast>,
    listeners: usize,
    ended: bool,
}

impl Channel {
    fn new(budget: &Arc<Budget>) -> Self {
        let state = State {
            messages: Backlog::new(MESSAGES_MAX, budget.clone()),
            casts: Backlog::new(CASTS_MAX, budget.clone()),
            listeners: 0,
            ended: false,
        };
        Channel { state: Mutex::new(state), changed: Notify::new() }
    }

    fn change(&self, action: impl FnOnce(&mut State)) {
        action(&mut self.lock());
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The live streams of all channels.
pub struct Hub {
    // A plain mutex: it is held for a map lookup and a push, never across an await. A channel's mutex may be locked
    // while this one is held, but not the other way round.
    channels: Mutex<HashMap<String, Arc<Channel>>>,
    budget: Arc<Budget>,
}

impl Hub {
    /// A hub that buffers at most this many bytes for slow listeners.
    pub fn new(bytes_max: usize) -> Self {
        Hub { channels: Mutex::default(), budget: Arc::new(Budget::new(bytes_max)) }
    }

    /// Adds a listener. It receives everything that is published in the channel once this has returned.
    pub fn subscribe(self: &Arc<Self>, ch: &str) -> LiveStream {
        let mut channels = self.lock();
        let channel = channels.entry(ch.to_owned()).or_insert_with(|| Arc::new(Channel::new(&self.budget)));
        let mut state = channel.lock();
        state.listeners += 1;
        let (message, cast) = (state.messages.end(), state.casts.end());
        drop(state);
        LiveStream {
            hub: self.clone(),
            ch: ch.to_owned(),
            channel: channel.clone(),
            message,
            cast,
            cast_first: false,
        }
    }

    /// Passes a message to the channel's listeners. The store calls this in log order.
    pub fn publish(&self, ch: &str, message: Message) {
        if let Some(channel) = self.lock().get(ch) {
            let bytes = message.data.len();
            channel.change(|state| state.messages.push(Arc::new(message), bytes, state.listeners));
        }
    }

    /// Whether the channel has listeners.
    pub fn has_listeners(&self, ch: &str) -> bool {
        self.lock().contains_key(ch)
    }

    /// Ends the channel's live stream because its log has been replaced. Listeners receive what is buffered, then the
    /// end, and read the log again. The store calls this.
    pub fn reset(&self, ch: &str) {
        if let Some(channel) = self.lock().remove(ch) {
            channel.change(|state| state.ended = true);
        }
    }

    /// Passes an ephemeral event to the channel's listeners.
    pub fn cast(&self, ch: &str, cast: Cast) {
        if let Some(channel) = self.lock().get(ch) {
            let bytes = cast.data.len();
            channel.change(|state| state.casts.push(cast, bytes, state.listeners));
        }
    }

    /// How many bytes are buffered for slow listeners.
    pub fn waiting_bytes(&self) -> usize {
        self.budget.waiting()
    }

    /// Nothing panics while it holds the lock, so a poisoned one can be used.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Channel>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
