//! A channel as a stream.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures::stream::{FusedStream, Stream};
use serde::Serialize;

use super::Client;
use super::dialect::AnyMessages;
use super::item::{Item, Message, Published};
use crate::browser::value::Data;
use crate::core::{Batch, ChannelId, Error, Event, Protocol};
use crate::wire::{MessageId, Position};

/// How many ephemeral events and errors may wait for the application. Further ones are dropped.
const EXTRAS_MAX: usize = 64;

/// The items that wait for the application, in the channel's order. The core limits how many messages wait.
#[derive(Default)]
pub(super) struct Inbox(RefCell<Waiting>);

#[derive(Default)]
struct Waiting {
    events: VecDeque<Event<AnyMessages, Data>>,
    /// How many of them are ephemeral events or errors.
    extras: usize,
    ended: bool,
    waker: Option<Waker>,
}

impl Inbox {
    pub fn push(&self, event: Event<AnyMessages, Data>) {
        let mut waiting = self.0.borrow_mut();
        if is_extra(&event) {
            if waiting.extras == EXTRAS_MAX {
                return;
            }
            waiting.extras += 1;
        }
        // A server may send `live` often while the application is busy.
        let is_live = |event: Option<&Event<_, _>>| matches!(event, Some(Event::Live { .. }));
        if is_live(Some(&event)) && is_live(waiting.events.back()) {
            return;
        }
        waiting.events.push_back(event);
        wake(waiting);
    }

    pub fn end(&self) {
        let mut waiting = self.0.borrow_mut();
        waiting.ended = true;
        wake(waiting);
    }

    fn pop(&self) -> Option<Event<AnyMessages, Data>> {
        let mut waiting = self.0.borrow_mut();
        let event = waiting.events.pop_front()?;
        if is_extra(&event) {
            waiting.extras -= 1;
        }
        Some(event)
    }
}

/// Whether the core does not limit events of this kind.
fn is_extra(event: &Event<AnyMessages, Data>) -> bool {
    matches!(event, Event::Cast { .. } | Event::Error { .. })
}

/// Wakes the application with nothing borrowed.
fn wake(mut waiting: std::cell::RefMut<'_, Waiting>) {
    let waker = waiting.waker.take();
    drop(waiting);
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// A subscription to a channel. As a stream it yields every message once, in order, and every gap in its
/// place. An item counts as processed, and [`Channel::position`] advances, when the next one is polled.
/// Dropping the channel ends the subscription.
pub struct Channel {
    client: Client,
    id: ChannelId,
    name: String,
    inbox: Rc<Inbox>,
    /// The frame that is being delivered, and the index of its next message.
    batch: Option<(Batch<AnyMessages>, u64)>,
    /// What was delivered last: how many messages, and the position after it.
    delivered: Option<(u64, Position)>,
    position: Option<Position>,
}

impl Channel {
    pub(super) fn new(client: Client, id: ChannelId, name: String, position: Option<Position>) -> Self {
        let inbox = Rc::new(Inbox::default());
        client.driver().host().open(id, &inbox);
        Channel { client, id, name, inbox, batch: None, delivered: None, position }
    }

    /// The channel's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Everything up to here was processed. Pass it to [`StartFrom::After`](super::StartFrom::After) to
    /// continue here. Unknown before the server answers.
    pub fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    /// The id of the last processed message, if it is known.
    pub fn last_message_id(&self) -> Option<MessageId> {
        self.position.as_ref()?.id
    }

    /// See [`Client::publish`].
    pub fn publish<T: Serialize + ?Sized>(
        &self,
        data: &T,
    ) -> impl Future<Output = Result<Published, Error>> + use<T> {
        self.client.publish(&self.name, data)
    }

    /// See [`Client::cast`].
    pub fn cast<T: Serialize + ?Sized>(&self, data: &T) -> Result<(), Error> {
        self.client.cast(&self.name, data)
    }

    /// Marks what was delivered last as processed.
    fn settle(&mut self) {
        if let Some((count, position)) = self.delivered.take() {
            self.position = Some(position.clone());
            let id = self.id;
            self.client.driver().with(|session, now| session.processed(now, id, count, position));
        }
    }

    /// The next available item.
    fn next_item(&mut self) -> Option<Item> {
        loop {
            if let Some(message) = self.next_message() {
                return Some(Item::Message(message));
            }
            match self.inbox.pop()? {
                Event::Deliver { batch, skip, .. } => self.batch = Some((batch, skip)),
                Event::Attached { position, .. } => self.position = Some(position),
                Event::Gap { gap, position, .. } => {
                    self.delivered = Some((0, position));
                    return Some(Item::Gap(gap));
                }
                Event::Live { .. } => return Some(Item::Live),
                Event::Cast { data, .. } => return Some(Item::Cast(data)),
                Event::Error { error, .. } => return Some(Item::Error(error)),
                Event::State(_) | Event::Published { .. } | Event::PublishFailed { .. } => {}
            }
        }
    }

    fn next_message(&mut self) -> Option<Message> {
        let (batch, next) = self.batch.as_mut()?;
        let offset = batch.n + *next;
        let (id, position_id, data) = batch.payload.get(*next);
        let replayed = batch.replay;
        *next += 1;
        if *next == batch.count {
            self.batch = None;
        }
        let epoch = self.position.as_ref().map(|at| at.epoch.clone()).unwrap_or_default();
        self.delivered = Some((1, Position { epoch, offset, id: position_id }));
        Some(Message { id, offset, replayed, data })
    }
}

impl Stream for Channel {
    type Item = Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        let channel = self.get_mut();
        channel.settle();
        if let Some(item) = channel.next_item() {
            return Poll::Ready(Some(item));
        }
        if channel.inbox.0.borrow().ended {
            return Poll::Ready(None);
        }
        let waker = cx.waker().clone();
        let former = channel.inbox.0.borrow_mut().waker.replace(waker);
        drop(former); // with nothing borrowed: it is the application's
        Poll::Pending
    }
}

impl FusedStream for Channel {
    fn is_terminated(&self) -> bool {
        let waiting = self.inbox.0.borrow();
        waiting.ended && waiting.events.is_empty() && self.batch.is_none()
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        let driver = self.client.driver();
        driver.host().forget(self.id);
        driver.with(|session, now| session.unsubscribe(now, self.id));
    }
}
