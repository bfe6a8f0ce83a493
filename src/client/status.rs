//! The connection's state, who watches it, and the recent history of both.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_core::stream::{FusedStream, Stream};
use serde::Serialize;

use super::effect::Effects;
use super::shared::{Lock, MaybeSend, Shared, Weak};
use crate::core::{Reason, State};

/// How many states and events are remembered.
const DIAGNOSTICS_MAX: usize = 200;
/// How many states may wait for a watcher. The oldest ones are dropped.
const STATES_MAX: usize = 200;

/// An entry of [`Client::diagnostics`](super::Client::diagnostics).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Diagnostic {
    /// The time, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub what: DiagnosticKind,
}

/// What a [`Diagnostic`] reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DiagnosticKind {
    /// The connection's new state.
    State(State),
    /// An event of the page or the machine: `wake`, `hide` or `suspend`.
    Event(&'static str),
}

/// The states of a client, beginning with the present one. Ends after [`State::Closed`].
pub struct States(Shared<Lock<Watch>>);

#[derive(Default)]
struct Watch {
    states: VecDeque<State>,
    is_over: bool,
    waker: Option<Waker>,
}

/// Gets each state.
trait Watcher: MaybeSend {
    /// Returns whether it still listens.
    fn see(&self, state: &State, effects: &mut Effects) -> bool;
}

impl Watcher for Weak<Lock<Watch>> {
    fn see(&self, state: &State, effects: &mut Effects) -> bool {
        let Some(watch) = self.upgrade() else { return false };
        let mut watch = watch.lock();
        if watch.states.len() == STATES_MAX {
            watch.states.pop_front();
        }
        watch.states.push_back(state.clone());
        watch.is_over = matches!(state, State::Closed { .. });
        watch.waker.take().into_iter().for_each(|waker| effects.wake(waker));
        true
    }
}

/// See the module.
pub(super) struct Status {
    state: State,
    history: VecDeque<Diagnostic>,
    /// As objects, so that only a page that calls `states` downloads them.
    watches: Vec<Box<dyn Watcher>>,
    unix_ms: fn() -> u64,
}

impl Status {
    pub fn new(unix_ms: fn() -> u64) -> Self {
        Status { state: State::Connecting, history: VecDeque::new(), watches: Vec::new(), unix_ms }
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    /// Why the client is closed, if it is.
    pub fn closed(&self) -> Option<&Reason> {
        match &self.state {
            State::Closed { reason } => Some(reason),
            _ => None,
        }
    }

    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        self.history.iter().cloned().collect()
    }

    pub fn states(&mut self) -> States {
        let states = VecDeque::from([self.state.clone()]);
        let is_over = self.closed().is_some();
        let watch = Shared::new(Lock::new(Watch { states, is_over, waker: None }));
        self.watches.push(Box::new(Shared::downgrade(&watch)));
        States(watch)
    }

    pub fn set(&mut self, state: State, effects: &mut Effects) {
        self.record(DiagnosticKind::State(state.clone()));
        self.state = state;
        let is_over = self.closed().is_some();
        let state = &self.state;
        self.watches.retain(|watch| watch.see(state, effects) && !is_over);
    }

    pub fn record(&mut self, what: DiagnosticKind) {
        if self.history.len() == DIAGNOSTICS_MAX {
            self.history.pop_front();
        }
        self.history.push_back(Diagnostic { at_ms: (self.unix_ms)(), what });
    }
}

impl Stream for States {
    type Item = State;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<State>> {
        let waker = cx.waker().clone(); // with nothing locked: it is the application's
        let mut watch = self.0.lock();
        match watch.states.pop_front() {
            Some(state) => Poll::Ready(Some(state)),
            None if watch.is_over => Poll::Ready(None),
            None => {
                let former = watch.waker.replace(waker);
                drop(watch);
                drop(former);
                Poll::Pending
            }
        }
    }
}

impl FusedStream for States {
    fn is_terminated(&self) -> bool {
        let watch = self.0.lock();
        watch.is_over && watch.states.is_empty()
    }
}
