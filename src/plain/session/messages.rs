//! What each message does: new or seen, next or ahead, with numbers or without.

use super::PlainSession;
use super::connection::Stage;
use super::replay::Replay;
use crate::core::{Batch, Error, Event, Instant, SocketId};
use crate::plain::config::NUMBER_MAX;
use crate::plain::frame::{Incoming, Message};
use crate::plain::id::{Key, Numbering};
use crate::wire::{MessageId, ServerFrame, code, push_number};

impl<M: Clone> PlainSession<M> {
    /// An object arrived.
    pub(super) fn received(&mut self, socket: SocketId, incoming: Incoming<M>) {
        let settled_at = self.settled_at();
        let Some(open) = self.connection.open().filter(|open| open.socket == socket) else { return };
        open.heard(self.now);
        self.session.handle_frame(self.now, socket, ServerFrame::Pong); // alive, whatever it is
        let Incoming { id, number, object } = incoming;
        let Some(id) = id else { return self.cast(object) };
        let Stage::Subscribed(subscription) = &mut open.stage else {
            open.stage = Stage::Spent;
            return;
        };
        subscription.arrived(settled_at);
        let message = Message { id, position_id: None, object };
        let number = self.checked_number(number);
        match (self.history.numbering, number) {
            (Numbering::Unknown, Some(number)) => self.first_number(number, message),
            (Numbering::Unknown, None) => {
                self.history.numbering = Numbering::Ids;
                self.attach(0);
                self.by_id(message);
            }
            (Numbering::Numbers, Some(number)) => self.by_number(number, message),
            (Numbering::Numbers, None) => self.unnumbered(message),
            (Numbering::Ids, _) => self.by_id(message),
        }
    }

    /// A number that the npm package cannot report as an offset is ignored, and reported as an error once.
    fn checked_number(&mut self, number: Option<u64>) -> Option<u64> {
        let number = number?;
        if number <= NUMBER_MAX || self.history.numbering == Numbering::Ids {
            return Some(number);
        }
        if !std::mem::replace(&mut self.bad_number_reported, true) {
            let mut message = String::from("the number of a message is above 2^53 - 1: ");
            push_number(&mut message, number);
            message.push_str(". Set `plain.numberPath` to `false` if the numbers are not 1, 2, 3, ...");
            let channel = self.name.as_ref().and_then(|name| self.channel_id(name));
            self.session.emit(Event::Error { channel, error: Error::with_text(code::BAD_NUMBER, message) });
        }
        None
    }

    fn cast(&mut self, data: M) {
        if let (Some(open), Some(name)) = (self.connection.open(), &self.name) {
            self.session.handle_frame(self.now, open.socket, ServerFrame::Cast { ch: name.clone(), data });
        }
    }

    /// A message of a server that does not number them.
    fn by_id(&mut self, message: Message<M>) {
        if let Key::Ordered(id) = message.key() {
            self.history.arrived(self.now, id);
            self.catch_up_if_young(message.key());
        }
        let is_new = !self.history.has(message.key());
        self.pass(self.history.offset.saturating_add(is_new.into()), message);
    }

    /// An object with an id but no number, on a server that numbers its messages. It has no place in their
    /// order, so it is emitted like an ephemeral event, but once.
    fn unnumbered(&mut self, message: Message<M>) {
        if !self.history.has(message.key()) {
            self.history.add(message.key());
            self.cast(message.object);
        }
    }

    /// The first number decides where the channel begins. A message that is older than the connection is from
    /// the replay. The replay is in order, so nothing precedes the message. A newer message may have
    /// overtaken the replay, and waits for a while.
    fn first_number(&mut self, number: u64, message: Message<M>) {
        let settled_at = self.settled_at();
        let Some(open) = self.connection.open() else { return };
        let message_settled =
            message.key().ordered().map(|id| Instant(id.ms).after_ms(self.config.settle_ms));
        let replayed = message_settled.is_some_and(|settled| settled < open.opened_at);
        if self.history.starts_at_number() || number == 1 || replayed {
            let lowest = self.order.lowest().unwrap_or(number).min(number);
            self.history.numbering = Numbering::Numbers;
            self.attach(lowest.saturating_sub(1));
            self.by_number(number, message);
        } else if let Some(subscription) = self.connection.subscription() {
            subscription.hole_at.get_or_insert(settled_at);
            self.order.buffer(number, message);
        }
    }

    /// A message of a server that numbers them: delivered at its turn.
    fn by_number(&mut self, number: u64, message: Message<M>) {
        let wait_until = self.settled_at();
        let missing = self.is_number_missing();
        let Some(subscription) = self.connection.subscription() else { return };
        if number <= self.history.offset {
            // The replay is still in transit, and may bring the missing messages. A server that only repeats
            // itself gets no more time.
            if number > subscription.repeated_to {
                subscription.repeated_to = number;
                subscription.hole_at = missing.then_some(wait_until);
            }
            return self.pass(number, message);
        }
        if self.order.has(number) {
            return self.pass(self.history.offset, message);
        }
        subscription.hole_at.get_or_insert(wait_until); // until the position moves
        if number == self.history.offset.saturating_add(1) {
            self.catch_up_if_young(message.key());
            return self.pass(number, message);
        }
        self.order.buffer(number, message);
        self.pass_next();
    }

    /// Passes the next message in order, if it is here.
    pub(super) fn pass_next(&mut self) {
        let next = self.history.offset.saturating_add(1);
        if let Some(message) = self.order.take(next) {
            self.catch_up_if_young(message.key());
            self.pass(next, message);
        }
    }

    /// Passes a message to the session, which classifies it by its offset, as always: new, seen, or after a hole.
    pub(super) fn pass(&mut self, n: u64, message: Message<M>) {
        let last_id = message.key().ordered().unwrap_or(MessageId { ms: 0, seq: 0 });
        let (Some(open), Some(name)) = (self.connection.open(), &self.name) else { return };
        let socket = open.socket;
        let replay = !matches!(&open.stage, Stage::Subscribed(at) if at.replay == Replay::Over);
        let batch = Batch { n, count: 1, last_id, replay, bytes: 0, payload: message };
        self.session.handle_messages(self.now, socket, name, batch);
    }
}
