//! A client without its surroundings: the session, and the handles and futures that wait for it. A driver calls it under
//! one lock, and then performs its effects with nothing locked. The rule makes re-entry harmless: an application's waker
//! may call the client at any time.
//!
//! Whatever waits for an answer is registered before the lock is released, because another thread may receive the
//! answer at once.

use std::task::{Poll, Waker};

use futures_channel::oneshot;

use super::dialect::AnySession;
use super::effect::{Answer, Effect, Effects};
use super::frames::{self, Messages};
use super::handle::{Handle, HandleId, Through};
use super::item::{Item, Published};
use super::left::Left;
use super::payload::Data;
#[cfg(feature = "plain")]
use super::plain;
use super::start::StartFrom;
use super::status::{DiagnosticKind, Status};
use super::subscription::{Calls, Subscription};
use super::{Error, Message};
#[cfg(feature = "plain")]
use crate::core::Protocol;
use crate::core::{self, Batch, ChannelId, Event, Instant, Output, PublishId, State};
use crate::wire::{Position, code};

/// Names a handle.
#[derive(Clone, Copy, Debug)]
pub(super) struct HandleKey {
    subscription: u32,
    handle: HandleId,
}

/// See the module.
pub(super) struct Engine {
    pub session: AnySession,
    pub status: Status,
    subscriptions: Vec<Subscription>,
    left: Left,
    answers: Vec<(PublishId, oneshot::Sender<Answer>)>,
    /// The last number that a subscription or handle got.
    last_key: u32,
    replays: bool,
    effects: Effects,
    /// Whether somebody performs the effects now.
    performing: bool,
}

impl Engine {
    pub fn new(session: AnySession, replays: bool, unix_ms: fn() -> u64) -> Self {
        Engine {
            session,
            status: Status::new(unix_ms),
            subscriptions: Vec::new(),
            left: Left::default(),
            answers: Vec::new(),
            last_key: 0,
            replays,
            effects: Effects::default(),
            performing: false,
        }
    }

    /// Opens a handle.
    pub fn open(&mut self, now: Instant, name: &str, from: StartFrom) -> Result<HandleKey, Error> {
        if self.status.closed().is_some() {
            return Err(core::Error::new(code::CLOSED, "the client is closed").into());
        }
        let handle = self.draw_key();
        let place = match self.subscriptions.iter().position(|subscription| subscription.name == name) {
            Some(place) => place,
            None => {
                let key = self.draw_key();
                self.subscriptions.push(Subscription::new(key, name.to_owned(), self.left.of(name)));
                self.subscriptions.len() - 1
            }
        };
        if !self.replays {
            self.make_room(now); // a connection of the plain dialect carries one channel
        }
        let (mut calls, subscriptions) = self.calls(now);
        let Some(subscription) = subscriptions.get_mut(place) else { return Err(lost()) };
        let subscription_key = subscription.key;
        let joined = subscription.join(&mut calls, Handle::new(handle, from));
        self.sweep();
        joined.map(|()| HandleKey { subscription: subscription_key, handle })
    }

    /// Closes a handle, which must be dropped with nothing locked.
    pub fn leave(&mut self, now: Instant, key: HandleKey) -> Option<Handle> {
        let (mut calls, subscriptions) = self.calls(now);
        let handle =
            find(subscriptions, key).and_then(|subscription| subscription.leave(&mut calls, key.handle));
        self.sweep();
        handle
    }

    /// The next item of a handle. Returns the former waker, too, which must be dropped with nothing locked.
    pub fn poll(
        &mut self,
        now: Instant,
        key: HandleKey,
        waker: Waker,
    ) -> (Poll<Option<Item>>, Option<Waker>) {
        let (mut calls, subscriptions) = self.calls(now);
        let Some(subscription) = find(subscriptions, key) else { return (Poll::Ready(None), Some(waker)) };
        let is_manual = subscription.handle(key.handle).is_some_and(|handle| handle.is_manual);
        subscription.settle(&mut calls, key.handle, if is_manual { Through::Silent } else { Through::All });
        let Some(handle) = subscription.handle(key.handle) else { return (Poll::Ready(None), Some(waker)) };
        match handle.next() {
            Some(item) => (Poll::Ready(Some(item)), Some(waker)),
            None if handle.is_over() => (Poll::Ready(None), Some(waker)),
            None => (Poll::Pending, handle.wait(waker)),
        }
    }

    /// Everything that the handle has had counts as processed, or what came up to a message.
    pub fn commit(&mut self, now: Instant, key: HandleKey, message: Option<&Message>) {
        let (mut calls, subscriptions) = self.calls(now);
        if let Some(subscription) = find(subscriptions, key) {
            subscription.settle(&mut calls, key.handle, message.map_or(Through::All, Through::Message));
        }
    }

    pub fn set_manual(&mut self, key: HandleKey) {
        if let Some(handle) = self.handle(key) {
            handle.is_manual = true;
        }
    }

    /// Everything up to here is processed.
    pub fn position(&mut self, key: HandleKey) -> Option<Position> {
        self.handle(key)?.position.clone()
    }

    /// Whether a handle has had its last item.
    pub fn is_over(&mut self, key: HandleKey) -> bool {
        self.handle(key).is_none_or(|handle| handle.is_over())
    }

    /// Publishes a message.
    pub fn publish(
        &mut self,
        now: Instant,
        channel: &str,
        key: &str,
        data: Data,
    ) -> Result<oneshot::Receiver<Answer>, Error> {
        let bytes = data.len() as u64;
        let id = self.session.publish(now, channel.to_owned(), key.to_owned(), data, bytes)?;
        let (sender, receiver) = oneshot::channel();
        self.answers.push((id, sender));
        Ok(receiver)
    }

    /// A deadline has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.session.handle_timeout(now);
        let (mut calls, subscriptions) = self.calls(now);
        for subscription in subscriptions {
            if subscription.linger_until.is_some_and(|until| until <= now) {
                subscription.end_linger(&mut calls);
            }
        }
        self.sweep();
    }

    /// When `handle_timeout` is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let mut next = self.session.poll_timeout();
        for subscription in &self.subscriptions {
            if let Some(until) = subscription.linger_until {
                next = Some(next.map_or(until, |at| at.min(until)));
            }
        }
        next
    }

    /// Something happened around the client, for `diagnostics`.
    pub fn record(&mut self, event: &'static str) {
        self.status.record(DiagnosticKind::Event(event));
    }

    /// Takes the session's outputs. The driver calls this before it releases the lock.
    pub fn settle_outputs(&mut self, now: Instant) {
        loop {
            match &mut self.session {
                AnySession::Seamline(session) => match session.poll_output() {
                    Some(output) => self.output(now, output, frames::encode, |messages| messages),
                    None => return,
                },
                #[cfg(feature = "plain")]
                AnySession::Plain(session) => match session.poll_output() {
                    Some(output) => self.output(now, output, plain::encode, plain::single),
                    None => return,
                },
            }
        }
    }

    /// An output of either dialect.
    fn output<B, F>(
        &mut self,
        now: Instant,
        output: Output<B, Data, F>,
        encode: impl FnOnce(F) -> String,
        messages: impl FnOnce(B) -> Messages,
    ) {
        self.effects.push(match output {
            Output::Connect(socket) => Effect::Connect(socket),
            Output::Disconnect { socket, code } => Effect::Disconnect { socket, code },
            Output::Send { socket, frame } => Effect::Send { socket, frame: encode(frame) },
            Output::FetchToken { fetch, refresh } => Effect::FetchToken { fetch, refresh },
            Output::Event(event) => return self.event(now, event, messages),
        });
    }

    /// Whether the caller performs the effects: nobody else does. It must do so until there is none.
    pub fn begin_performing(&mut self) -> bool {
        !std::mem::replace(&mut self.performing, true)
    }

    /// The next effect for the one who performs.
    pub fn next_effect(&mut self) -> Option<Effect> {
        let effect = self.effects.pop();
        self.performing = effect.is_some();
        effect
    }

    fn event<B>(&mut self, now: Instant, event: Event<B, Data>, messages: impl FnOnce(B) -> Messages) {
        match event {
            Event::State(state) => self.set_state(state),
            Event::Published { publish, id, offset } => self.answered(publish, Ok(Published { id, offset })),
            Event::PublishFailed { publish, error } => self.answered(publish, Err(error.into())),
            // Errors of the connection as a whole are also in its state.
            Event::Error { channel: None, .. } => {}
            Event::Error { channel: Some(channel), error } => self.refused(now, channel, error),
            Event::Attached { channel, position } => {
                self.of(now, channel, |subscription, calls| subscription.attached(calls, &position));
            }
            Event::Deliver { channel, batch, skip } => {
                let Batch { n, count, last_id, replay, bytes, payload } = batch;
                let batch = Batch { n, count, last_id, replay, bytes, payload: messages(payload) };
                self.of(now, channel, |subscription, calls| subscription.deliver(calls, &batch, skip));
            }
            Event::Gap { channel, gap, position } => {
                self.of(now, channel, |subscription, calls| subscription.gap(calls, gap.reason, &position));
            }
            Event::Live { channel } => self.of(now, channel, Subscription::live),
            Event::Cast { channel, data } => {
                self.of(now, channel, |subscription, calls| subscription.cast(calls.effects, &data));
            }
        }
    }

    fn of(&mut self, now: Instant, channel: ChannelId, call: impl FnOnce(&mut Subscription, &mut Calls<'_>)) {
        let (mut calls, subscriptions) = self.calls(now);
        if let Some(subscription) =
            subscriptions.iter_mut().find(|subscription| subscription.id() == Some(channel))
        {
            call(subscription, &mut calls);
        }
    }

    fn refused(&mut self, now: Instant, channel: ChannelId, error: core::Error) {
        // The server allows no further channel. The session subscribes again when another one ends.
        if error.code == code::TOO_MANY_CHANNELS && self.make_room(now) {
            return;
        }
        self.of(now, channel, |subscription, calls| subscription.error(calls.effects, &error.into()));
    }

    /// Ends a subscription that lingers, if there is one. Returns whether it did.
    fn make_room(&mut self, now: Instant) -> bool {
        let (mut calls, subscriptions) = self.calls(now);
        // One is enough: each channel that the server rejects asks for room itself.
        subscriptions.iter_mut().any(|subscription| subscription.end_linger(&mut calls))
    }

    fn set_state(&mut self, state: State) {
        self.status.set(state, &mut self.effects);
        let Some(reason) = self.status.closed() else { return };
        for subscription in &mut self.subscriptions {
            subscription.end(&mut self.effects, reason);
        }
    }

    fn answered(&mut self, id: PublishId, answer: Answer) {
        if let Some(place) = self.answers.iter().position(|(waiting, _)| *waiting == id) {
            let (_, sender) = self.answers.remove(place);
            self.effects.push(Effect::Answer(sender, answer));
        }
    }

    fn handle(&mut self, key: HandleKey) -> Option<&mut Handle> {
        find(&mut self.subscriptions, key)?.handle(key.handle)
    }

    fn calls(&mut self, now: Instant) -> (Calls<'_>, &mut Vec<Subscription>) {
        let Engine { session, effects, replays, subscriptions, .. } = self;
        (Calls { session, now, effects, replays: *replays }, subscriptions)
    }

    /// Forgets subscriptions that nothing needs, but not where their last handles were.
    fn sweep(&mut self) {
        let left = &mut self.left;
        self.subscriptions.retain_mut(|subscription| {
            let is_unused = subscription.is_unused();
            if let Some(position) = subscription.left.take_if(|_| is_unused) {
                left.keep(std::mem::take(&mut subscription.name), position);
            }
            !is_unused
        });
    }

    fn draw_key(&mut self) -> u32 {
        self.last_key = self.last_key.wrapping_add(1);
        self.last_key
    }
}

fn find(subscriptions: &mut [Subscription], key: HandleKey) -> Option<&mut Subscription> {
    subscriptions.iter_mut().find(|subscription| subscription.key == key.subscription)
}

fn lost() -> Error {
    core::Error::new(code::CLOSED, "the channel is closed").into()
}
