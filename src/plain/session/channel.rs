//! The one channel of a plain connection: which subscription owns it, and where it begins.

use super::PlainSession;
use super::connection::Stage;
use super::replay::{Replay, Subscription};
use crate::core::ChannelId;
use crate::plain::history::History;
use crate::plain::id::Numbering;
use crate::plain::order::Order;
use crate::wire::{Position, ServerFrame, StartAt, code};

impl<M: Clone> PlainSession<M> {
    pub(super) fn subscribe(&mut self, name: String, position: Option<Position>, from: Option<StartAt>) {
        let taken = self.name.as_ref().is_some_and(|open| *open != name && self.channel_id(open).is_some());
        if taken {
            let why = "the server has one channel per connection; create another client for this one";
            return self.reject(name, code::ONE_CHANNEL, why);
        }
        if position.is_none() && from == Some(StartAt::Tail) {
            let why = "the server has no tail to start at; leave out `from`, and ignore messages that are `replayed`";
            return self.reject(name, code::NOT_SUPPORTED, why);
        }
        let restarted = self.adopt(self.channel_id(&name), position);
        self.name = Some(name);
        let resume = self.history.resume();
        let settled_at = self.settled_at();
        let Some(open) = self.connection.open() else { return };
        if !matches!(open.stage, Stage::Fresh) || restarted && !open.replays_after(resume) {
            // Only another replay brings the messages that were sent meanwhile or dropped.
            let why = "earlier messages come only with a new connection";
            return self.session.replace_connection(self.now, open.socket, why);
        }
        open.stage = Stage::Subscribed(Subscription::new(settled_at));
        if self.history.numbering != Numbering::Unknown {
            self.attach(self.history.offset);
        }
    }

    /// Reports to a channel once why it is not available.
    fn reject(&mut self, name: String, code: &str, why: &str) {
        if !self.rejected.contains(&name) {
            self.rejected.push(name.clone());
            self.answers.push(ServerFrame::Err {
                code: code.to_owned(),
                message: ["cannot subscribe to channel \"", &name, "\": ", why].concat(),
                ch: Some(name),
                reference: None,
                retry_after_ms: None,
            });
        }
    }

    /// The channel is closed, or its application cannot keep up. It accepts no more messages.
    pub(super) fn unsubscribe(&mut self, name: &str) {
        self.rejected.retain(|rejected| rejected != name);
        if self.name.as_deref() != Some(name) {
            return;
        }
        if self.channel_id(name).is_none() {
            self.name = None;
        }
        self.order.clear();
        if let Some(open) = self.connection.open()
            && matches!(open.stage, Stage::Subscribed(_))
        {
            open.stage = Stage::Spent;
        }
    }

    /// Continues the history if it ends where the channel begins; otherwise begins another one. Returns whether it
    /// began another one.
    pub(super) fn adopt(&mut self, channel: Option<ChannelId>, position: Option<Position>) -> bool {
        let same_channel = std::mem::replace(&mut self.channel, channel) == channel;
        if self.history.ends_at(position.as_ref(), same_channel) {
            return false;
        }
        self.history = History::new(position, &self.config);
        self.order = Order::new(self.config.window_max());
        true
    }

    /// The subscription of this name.
    pub(super) fn channel_id(&self, name: &str) -> Option<ChannelId> {
        self.session.channels().find(|(open, ..)| *open == name).map(|(_, id, _)| id)
    }

    /// Answers the session's `sub`. `base` is the position if none is known.
    pub(super) fn attach(&mut self, base: u64) {
        let (Some(open), Some(name)) = (self.connection.open(), &self.name) else { return };
        let Some((epoch, known)) = self.history.begin(base) else { return };
        let offset = self.history.offset;
        let subd = ServerFrame::Subd {
            ch: name.clone(),
            epoch: epoch.to_owned(),
            first: if known { 1 } else { offset.saturating_add(1) },
            head: offset,
            at: offset,
            at_epoch: None,
            reference: None,
            resumed: known,
        };
        self.session.handle_frame(self.now, open.socket, subd);
        if self.connection.subscription().is_some_and(|subscription| subscription.replay == Replay::Over) {
            self.pass_live(0);
        }
    }
}
