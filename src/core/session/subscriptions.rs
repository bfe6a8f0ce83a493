//! An application's calls about channels: subscribe, acknowledge, unsubscribe.

use super::link::Link;
use super::{Session, check_name, closed};
use crate::core::channel::{Channel, Interest};
use crate::core::timer::Timer;
use crate::core::{ChannelId, Error, Instant};
use crate::wire::{ClientFrame, Position, StartAt, Text, code, known};

impl<B, D: Clone> Session<B, D> {
    /// Subscribes to a channel: after `position`, else at `from`, else at the position that the server stores
    /// for this client id.
    pub fn subscribe(
        &mut self,
        now: Instant,
        name: Text,
        from: Option<StartAt>,
        position: Option<Position>,
    ) -> Result<ChannelId, Error> {
        self.open_channel(now, name, Interest::Messages, from, position)
    }

    /// Subscribes to a channel for its ephemeral events and `live` only. Its messages are neither replayed
    /// nor delivered. To receive them, end this subscription and subscribe again.
    pub fn subscribe_to_casts(&mut self, now: Instant, name: Text) -> Result<ChannelId, Error> {
        self.open_channel(now, name, Interest::Casts, Some(StartAt::Tail), None)
    }

    fn open_channel(
        &mut self,
        now: Instant,
        name: Text,
        interest: Interest,
        from: Option<StartAt>,
        position: Option<Position>,
    ) -> Result<ChannelId, Error> {
        self.advance(now);
        check_name(&name)?;
        if matches!(self.link, Link::Closed) {
            return Err(closed());
        }
        if self.channels.iter().any(|channel| channel.name == name) {
            return Err(Error::new(
                known!(code::ALREADY_SUBSCRIBED),
                known!("already subscribed to this channel; unsubscribe first"),
            ));
        }
        let id = self.draw_id();
        let mut channel = Box::new(Channel::new(id, name, interest, from, position));
        let (_, mut cx) = self.split();
        if cx.socket.is_some() {
            channel.subscribe(&mut cx);
        }
        self.channels.push(channel);
        Ok(id)
    }

    /// Ends a subscription. It emits no further event.
    pub fn unsubscribe(&mut self, now: Instant, id: ChannelId) {
        self.advance(now);
        let Some(at) = self.channels.iter().position(|channel| channel.id == id) else { return };
        let mut channel = self.channels.remove(at);
        let (_, mut cx) = self.split();
        channel.ack(&mut cx);
        channel.detach(cx.stats);
        self.send(ClientFrame::Unsub { ch: channel.name });
        self.subscribe_within_limit();
    }

    /// The application has processed `count` more messages of a channel, and everything up to
    /// `position`. Only this moves the position that the server stores.
    pub fn processed(&mut self, now: Instant, id: ChannelId, count: u64, position: Position) {
        self.advance(now);
        let (channels, mut cx) = self.split();
        let Some(channel) = channels.iter_mut().find(|channel| channel.id == id) else { return };
        channel.processed(count, position, &mut cx);
        self.plan_ack();
    }

    /// Another channel was closed: one that was over the limit may have room now.
    pub(super) fn subscribe_within_limit(&mut self) {
        let (channels, mut cx) = self.split();
        if let Some(channel) = channels.iter_mut().find(|channel| channel.is_over_limit()) {
            channel.subscribe(&mut cx);
        }
    }

    /// Subscribes again to the channels that are due.
    pub(super) fn subscribe_again(&mut self) {
        let now = self.now;
        let (channels, mut cx) = self.split();
        for channel in channels.iter_mut() {
            if channel.subscribe_at().is_some_and(|at| at <= now) {
                channel.subscribe(&mut cx);
            }
        }
        let next = channels.iter().filter_map(|channel| channel.subscribe_at()).min();
        match next {
            Some(at) => self.timers.set(Timer::Subscribe, at),
            None => self.timers.stop(Timer::Subscribe),
        }
    }

    /// Sets the timer for the next acknowledgement, if there is something to acknowledge.
    pub(super) fn plan_ack(&mut self) {
        let unacked = self.channels.iter().any(|channel| channel.unacked());
        if unacked && self.link.open().is_some() && self.timers.at(Timer::Ack).is_none() {
            self.timers.set(Timer::Ack, self.now.after_ms(self.config.ack_interval_ms));
        }
    }

    /// Acknowledges processed messages in all channels.
    pub(super) fn acknowledge(&mut self) {
        self.timers.stop(Timer::Ack);
        let (channels, mut cx) = self.split();
        for channel in channels {
            channel.ack(&mut cx);
        }
    }
}
