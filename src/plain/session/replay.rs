//! The progress of the replay, its end, and when a missing number counts as lost.

use super::PlainSession;
use crate::core::{Event, Instant};
use crate::plain::id::{Key, Numbering};
use crate::wire::ServerFrame;

/// The channel's side of a connection.
#[derive(Debug)]
pub(super) struct Subscription {
    pub replay: Replay,
    /// The highest number that arrived a second time: the progress of the replay.
    pub repeated_to: u64,
    /// When the client stops waiting for a missing number, if it waits for one.
    pub hole_at: Option<Instant>,
    /// Whether the application knows that the channel is live.
    pub live_reported: bool,
}

/// The state of the replay, as shown by silence and the messages' age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replay {
    /// It is over if nothing arrives until then.
    Running {
        until: Instant,
    },
    /// Nothing arrived for a while, but numbers are missing: it may begin late.
    Stalled,
    Over,
}

impl Subscription {
    pub fn new(until: Instant) -> Self {
        let replay = Replay::Running { until };
        Subscription { replay, repeated_to: 0, hole_at: None, live_reported: false }
    }

    /// A message arrived: an unfinished replay continues.
    pub fn arrived(&mut self, until: Instant) {
        if self.replay != Replay::Over {
            self.replay = Replay::Running { until };
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.quiet_at().into_iter().chain(self.hole_at).min()
    }

    fn quiet_at(&self) -> Option<Instant> {
        match self.replay {
            Replay::Running { until } => Some(until),
            Replay::Stalled | Replay::Over => None,
        }
    }
}

impl<M: Clone> PlainSession<M> {
    pub(super) fn replay_timeout(&mut self) {
        let now = self.now;
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let Some(subscription) = self.connection.subscription() else { return };
        if due(subscription.hole_at) {
            subscription.hole_at = None;
            self.give_up_missing();
        } else if due(subscription.quiet_at()) {
            self.quiet();
        }
    }

    /// Whether a number is known to be missing.
    pub(super) fn is_number_missing(&self) -> bool {
        self.history.offset < self.order.highest()
    }

    /// The position has advanced: missing messages get their time again.
    pub(super) fn wait_for_missing(&mut self) {
        let hole_at = self.is_number_missing().then(|| self.settled_at());
        if let Some(subscription) = self.connection.subscription() {
            subscription.hole_at = hole_at;
        }
    }

    /// The missing messages have not arrived. The session requests them once more, which takes a new
    /// connection. If it has already done so, it reports the gap.
    fn give_up_missing(&mut self) {
        if self.history.numbering == Numbering::Unknown {
            let Some(lowest) = self.order.lowest() else { return };
            self.history.numbering = Numbering::Numbers;
            self.attach(lowest.saturating_sub(1));
            return self.pass_next();
        }
        if let Some((number, message)) = self.order.take_lowest() {
            return self.pass(number, message);
        }
        if let Some(subscription) = self.connection.subscription() {
            subscription.replay = Replay::Over;
            self.pass_live(self.order.highest());
        }
    }

    /// A message that is newer than the connection is not replayed.
    pub(super) fn catch_up_if_young(&mut self, key: Key<'_>) {
        let opened_at = self.connection.open().map(|open| open.opened_at);
        if key.ordered().zip(opened_at).is_some_and(|(id, opened)| id.ms >= opened.0) {
            self.catch_up();
        }
    }

    /// Nothing has arrived for a while.
    fn quiet(&mut self) {
        if self.history.numbering != Numbering::Numbers || !self.is_number_missing() {
            return self.catch_up();
        }
        // A replay that begins late must not look like a finished one. Otherwise the session would forget
        // that it has already requested these messages, and request them again on each connection.
        if let Some(subscription) = self.connection.subscription() {
            subscription.replay = Replay::Stalled;
            self.report_live();
        }
    }

    /// The replay counts as over: no message has arrived for a while, or a newer one has.
    fn catch_up(&mut self) {
        let Some(subscription) = self.connection.subscription() else { return };
        if std::mem::replace(&mut subscription.replay, Replay::Over) == Replay::Over {
            return;
        }
        if self.history.numbering == Numbering::Unknown {
            return self.report_live(); // an empty conversation is up to date, whatever its numbers will be
        }
        self.pass_live(0);
    }

    /// Reports it to the application, but not to the session.
    fn report_live(&mut self) {
        if let Some(channel) = self.name.as_ref().and_then(|name| self.channel_id(name)) {
            self.session.emit(Event::Live { channel });
        }
    }

    /// Reports to the session that the replay is over, and how far it should have gone.
    pub(super) fn pass_live(&mut self, head: u64) {
        let (Some(open), Some(name)) = (self.connection.open(), &self.name) else { return };
        let live = ServerFrame::Live { ch: name.clone(), head, reference: None };
        self.session.handle_frame(self.now, open.socket, live);
    }
}
