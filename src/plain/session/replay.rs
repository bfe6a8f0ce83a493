//! How far the replay is, when it is over, and when a missing number counts as lost.

use super::PlainSession;
use crate::core::{Event, Instant};
use crate::plain::id::{Key, Numbering};
use crate::wire::ServerFrame;

/// The channel's side of a connection.
#[derive(Debug)]
pub(super) struct Subscription {
    pub replay: Replay,
    /// The highest number that came a second time: how far the replay is.
    pub repeated_to: u64,
    /// When a missing number is no longer waited for, if one is.
    pub hole_at: Option<Instant>,
    /// Whether the application knows that the channel is live.
    pub live_reported: bool,
}

/// The replay, as far as silence and the messages' age show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replay {
    /// It is over if nothing comes until then.
    Running {
        until: Instant,
    },
    /// Nothing came for a while, but numbers are missing: it may begin late.
    Stalled,
    Over,
}

impl Subscription {
    pub fn new(until: Instant) -> Self {
        let replay = Replay::Running { until };
        Subscription { replay, repeated_to: 0, hole_at: None, live_reported: false }
    }

    /// A message came: an unfinished replay runs on.
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

    /// The position has moved: whatever is still missing gets its time.
    pub(super) fn wait_for_missing(&mut self) {
        let hole_at = self.is_number_missing().then(|| self.settled_at());
        if let Some(subscription) = self.connection.subscription() {
            subscription.hole_at = hole_at;
        }
    }

    /// What is missing has not come. The session asks for it once more, which takes a new connection;
    /// if it has done so already, it reports the gap.
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

    /// A message that is younger than the connection is no replayed one.
    pub(super) fn catch_up_if_young(&mut self, key: Key<'_>) {
        let opened_at = self.connection.open().map(|open| open.opened_at);
        if key.ordered().zip(opened_at).is_some_and(|(id, opened)| id.ms >= opened.0) {
            self.catch_up();
        }
    }

    /// Nothing has come for a while.
    fn quiet(&mut self) {
        if self.history.numbering != Numbering::Numbers || !self.is_number_missing() {
            return self.catch_up();
        }
        // A replay that begins late must not look like one that is over: the session would forget that it has
        // asked for these messages already, and ask again, on each connection.
        if let Some(subscription) = self.connection.subscription() {
            subscription.replay = Replay::Stalled;
            self.report_live();
        }
    }

    /// The replay counts as over: no message has come for a while, or a younger one has.
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
