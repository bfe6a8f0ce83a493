//! One channel of the hub: what waits for its listeners, and which of them are waiting.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;

use slab::Slab;

use super::Cast;
use super::backlog::{Backlog, Bounds, Budget};
use super::inbox::Inbox;
use super::pace::{Pace, Step};
use super::run::Run;
use crate::log::Message;

/// How far a listener may fall behind. Listeners share messages; nothing is copied per listener.
const MESSAGES_MAX: Bounds = Bounds { items: 512, bytes: 2 * 1024 * 1024 };
/// The same for ephemeral events. Older ones are dropped silently: they carry no guarantee.
const CASTS_MAX: Bounds = Bounds { items: 16, bytes: 256 * 1024 };

pub(super) struct Channel {
    pub name: Arc<str>,
    // A plain mutex, for the reason given at `Hub`. An inbox's mutex may be locked while this one is held.
    state: Mutex<State>,
}

pub(super) struct State {
    pub messages: Backlog<Arc<Message>>,
    pub casts: Backlog<Cast>,
    pub listeners: usize,
    pub watchers: Slab<Watcher>,
    pub ended: bool,
    pub pace: Pace,
    /// The run that was taken last and its cursor, until every listener has taken it.
    pub shared: Option<(u64, Arc<Run>)>,
}

/// A listener that is notified.
pub(super) struct Watcher {
    pub inbox: Arc<Inbox>,
    pub key: usize,
    /// Whether its key is in the inbox.
    pub notified: bool,
}

impl Channel {
    pub fn new(name: Arc<str>, budget: &Arc<Budget>) -> Self {
        let state = State {
            messages: Backlog::new(MESSAGES_MAX, budget.clone()),
            casts: Backlog::new(CASTS_MAX, budget.clone()),
            listeners: 0,
            watchers: Slab::new(),
            ended: false,
            pace: Pace::new(Instant::now()),
            shared: None,
        };
        Channel { name, state: Mutex::new(state) }
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a message. Returns when to pass it on.
    pub fn push(&self, message: Message) -> Step {
        let bytes = message.data.len();
        let mut state = self.lock();
        let listeners = state.listeners;
        state.messages.push(Arc::new(message), bytes, listeners);
        state.pace.pushed(Instant::now())
    }

    pub fn push_cast(&self, cast: Cast) {
        let bytes = cast.data.len();
        let mut state = self.lock();
        let listeners = state.listeners;
        state.casts.push(cast, bytes, listeners);
    }

    pub fn end(&self) {
        self.lock().ended = true;
    }

    /// Notifies the listeners of what was held.
    pub fn release_held(&self) {
        self.lock().pace.released(Instant::now());
        self.release();
    }

    /// Notifies the listeners. Their tasks are woken when the lock is free again, because they take it at once.
    pub fn release(&self) {
        let mut state = self.lock();
        let to_wake: Vec<_> = state.watchers.iter_mut().filter_map(|(_, watcher)| watcher.notify()).collect();
        drop(state);
        to_wake.into_iter().for_each(Waker::wake);
    }
}

impl Watcher {
    fn notify(&mut self) -> Option<Waker> {
        if std::mem::replace(&mut self.notified, true) { None } else { self.inbox.put(self.key) }
    }
}
