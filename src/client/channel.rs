//! A handle of a channel, as a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::stream::{FusedStream, Stream};
use serde::Serialize;

use super::engine::HandleKey;
use super::item::{Item, Message, Published};
use super::{Client, Error};
use crate::wire::{MessageId, Position};

/// A handle of a channel. As a stream it yields every message from its start point on, once and in order, and every gap
/// in its place. The last item is [`Item::Closed`].
///
/// All handles of a name share one subscription, and each has its own position. The client acknowledges to the server
/// what every handle has processed. If a handle falls far behind, the others wait for it: drop a handle that you no
/// longer need. The subscription ends 1 s after its last handle is dropped. A handle with
/// [`StartFrom::Stored`](super::StartFrom::Stored) that is opened within that second continues after the last message
/// that the dropped one has processed.
///
/// An item counts as processed, and [`Channel::position`] advances, when the next one is polled. If you poll ahead, for
/// example with `ready_chunks`, call [`Channel::manual_commit`] first, and then [`Channel::commit`] for what you have
/// processed.
#[must_use = "a dropped channel receives nothing"]
pub struct Channel {
    client: Client,
    key: HandleKey,
    name: String,
}

impl Channel {
    pub(super) fn new(client: Client, key: HandleKey, name: String) -> Self {
        Channel { client, key, name }
    }

    /// The channel's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Everything up to here was processed. Pass it to [`StartFrom::After`](super::StartFrom::After) to continue here.
    /// Unknown before the server answers.
    pub fn position(&self) -> Option<Position> {
        self.client.driver().read(|engine| engine.position(self.key))
    }

    /// The id of the last processed message, if it is known.
    pub fn last_message_id(&self) -> Option<MessageId> {
        self.position()?.id
    }

    /// From now on, polling processes nothing: only [`Channel::commit`] and [`Channel::commit_through`] do.
    ///
    /// Items that are not committed count as waiting. If there are too many of them, the client fetches no more until
    /// you commit (see [`ClientBuilder::queue_messages`](super::ClientBuilder::queue_messages)).
    pub fn manual_commit(self) -> Self {
        self.client.driver().with(|engine, _| engine.set_manual(self.key));
        self
    }

    /// All items so far are processed. Without [`Channel::manual_commit`], you need this only if the next item may be
    /// polled late or never.
    ///
    /// ```no_run
    /// # use futures::StreamExt;
    /// # async fn run(channel: seamline::Channel) {
    /// let mut chunks = channel.manual_commit().ready_chunks(100);
    /// while let Some(items) = chunks.next().await {
    ///     store(items).await;
    ///     chunks.get_mut().commit();
    /// }
    /// # }
    /// # async fn store(_: Vec<seamline::Item>) {}
    /// ```
    pub fn commit(&mut self) {
        self.client.driver().with(|engine, now| engine.commit(now, self.key, None));
    }

    /// All items up to and including this message are processed. If it was committed before, nothing happens.
    pub fn commit_through(&mut self, message: &Message) {
        self.client.driver().with(|engine, now| engine.commit(now, self.key, Some(message)));
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
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("name", &self.name)
            .field("position", &self.position())
            .finish_non_exhaustive()
    }
}

impl Stream for Channel {
    type Item = Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        let waker = cx.waker().clone(); // with nothing locked: it is the application's
        let (item, _former) = self.client.driver().with(|engine, now| engine.poll(now, self.key, waker));
        item
    }
}

impl FusedStream for Channel {
    fn is_terminated(&self) -> bool {
        self.client.driver().read(|engine| engine.is_over(self.key))
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        let unused = self.client.driver().with(|engine, now| engine.leave(now, self.key));
        drop(unused); // its waker is the application's
    }
}
