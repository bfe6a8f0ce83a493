//! One channel of the hub: what waits for its listeners, and which of them are waiting.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;

use slab::Slab;

use super::Cast;
use super::backlog::{Backlog, Bounds, Budget, Found};
use super::inbox::Inbox;
use super::pace::{Pace, Step};
use super::run::Run;
use crate::log::Message;
use crate::trace;

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
    pub messages: Backlog<(Arc<Message>, trace::Published)>,
    /// Most channels have none.
    casts: Option<Box<Backlog<Cast>>>,
    pub listeners: u32,
    pub ended: bool,
    pub watchers: Slab<Watcher>,
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
            casts: None,
            listeners: 0,
            ended: false,
            watchers: Slab::with_capacity(1), // by itself it would begin with four
            pace: Pace::new(Instant::now()),
            shared: None,
        };
        Channel { name, state: Mutex::new(state) }
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a message. Returns when to pass it on.
    pub fn push(&self, message: Message, trace: trace::Published) -> Step {
        let bytes = message.data.len();
        let mut state = self.lock();
        let listeners = state.listeners as usize;
        state.messages.push((Arc::new(message), trace), bytes, listeners);
        state.pace.pushed(Instant::now())
    }

    pub fn push_cast(&self, cast: Cast) {
        let bytes = cast.data.len();
        let State { messages, casts, listeners, .. } = &mut *self.lock();
        let casts = casts.get_or_insert_with(|| Box::new(messages.sibling(CASTS_MAX)));
        casts.push(cast, bytes, *listeners as usize);
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

impl State {
    /// The cursor of a new listener to ephemeral events.
    pub fn casts_end(&self) -> u64 {
        self.casts.as_ref().map_or(0, |casts| casts.end())
    }

    /// Whether a listener at this cursor has one to take.
    pub fn has_cast(&self, cursor: u64) -> bool {
        self.casts.as_ref().is_some_and(|casts| casts.has(cursor))
    }

    /// Takes one, and advances the cursor. Those that were missed are skipped: they carry no guarantee.
    pub fn take_cast(&mut self, cursor: &mut u64) -> Option<Cast> {
        let casts = self.casts.as_mut()?;
        loop {
            match casts.take(cursor, |_| true) {
                Found::Item(cast) => return Some(cast),
                Found::Missed(_) => {}
                Found::Nothing => return None,
            }
        }
    }

    /// Removes a listener.
    pub fn leave(&mut self, message: u64, cast: u64) {
        self.messages.leave(message);
        if let Some(casts) = &mut self.casts {
            casts.leave(cast);
        }
        self.listeners -= 1;
    }
}

impl Watcher {
    fn notify(&mut self) -> Option<Waker> {
        if std::mem::replace(&mut self.notified, true) { None } else { self.inbox.put(self.key) }
    }
}
