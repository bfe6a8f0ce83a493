//! What a driver drives: a session, in whichever dialect its server speaks.

use super::error::Error;
use super::event::{Batch, ChannelId, PublishId};
use super::output::{FetchId, Output, SocketId};
use super::session::Session;
use super::stats::Stats;
use super::timer::Instant;
use crate::wire::{ClientFrame, Position, ServerFrame, StartAt, Text, TextRef};

/// A session as its driver sees it: [`Session`] for `seamline.v1`, [`PlainSession`](crate::plain::PlainSession)
/// for servers of the plain dialect.
///
/// The driver reports what happens on the wire and in the page (`handle_*`) and passes on the application's calls.
/// After each of them it performs every output that [`poll_output`](Protocol::poll_output) returns, in order, until
/// there is none, and asks [`poll_timeout`](Protocol::poll_timeout) when to call
/// [`handle_timeout`](Protocol::handle_timeout). The methods do what those of [`Session`] with the same name do.
pub trait Protocol {
    /// The messages of a batch.
    type Messages;
    /// A single payload.
    type Data;
    /// What the server sends.
    type Incoming;
    /// What the client sends.
    type Frame;

    /// Connects, and stays connected from then on.
    fn connect(&mut self, now: Instant);
    /// Ends the session.
    fn close(&mut self, now: Instant);
    /// Subscribes to a channel.
    fn subscribe(
        &mut self,
        now: Instant,
        name: Text,
        from: Option<StartAt>,
        position: Option<Position>,
    ) -> Result<ChannelId, Error>;
    /// Subscribes to a channel for its ephemeral events only.
    fn subscribe_to_casts(&mut self, now: Instant, name: Text) -> Result<ChannelId, Error>;
    /// Ends a subscription.
    fn unsubscribe(&mut self, now: Instant, channel: ChannelId);
    /// Publishes a message.
    fn publish(
        &mut self,
        now: Instant,
        name: Text,
        key: Text,
        data: Self::Data,
        bytes: u64,
    ) -> Result<PublishId, Error>;
    /// Sends an ephemeral event.
    fn cast(
        &mut self,
        now: Instant,
        name: Text,
        data: Self::Data,
        bytes: u64,
        buffered_bytes: u64,
    ) -> Result<(), Error>;
    /// The application has processed messages.
    fn processed(&mut self, now: Instant, channel: ChannelId, count: u64, position: Position);
    /// The counters so far.
    fn stats(&self) -> Stats;

    /// A socket is open.
    fn handle_open(&mut self, now: Instant, socket: SocketId);
    /// The server sent something.
    fn handle_incoming(&mut self, now: Instant, socket: SocketId, incoming: Self::Incoming);
    /// The server sent something that the driver could not read, and the reason.
    fn handle_bad_frame(&mut self, now: Instant, socket: SocketId, message: Text);
    /// A socket is closed, or never opened.
    fn handle_close(&mut self, now: Instant, socket: SocketId, code: u16, message: Text);
    /// The application's token function has an answer.
    fn handle_token(&mut self, now: Instant, fetch: FetchId, token: Result<Option<Text>, Text>);
    /// The page woke up.
    fn handle_wake(&mut self, now: Instant);
    /// The page may end soon.
    fn handle_hide(&mut self, now: Instant);
    /// The page goes into the back/forward cache.
    fn handle_suspend(&mut self, now: Instant);
    /// A deadline of `poll_timeout` has passed.
    fn handle_timeout(&mut self, now: Instant);
    /// How many bytes wait in the socket; reported before `handle_wake` and `handle_timeout`.
    fn set_buffered_bytes(&mut self, bytes: u64);

    /// The next thing to do.
    fn poll_output(&mut self) -> Option<Output<Self::Messages, Self::Data, Self::Frame>>;
    /// When to call `handle_timeout`, if nothing else happens.
    fn poll_timeout(&self) -> Option<Instant>;
    /// The URL of the current attempt, if it is not the application's.
    fn url(&self) -> Option<&TextRef>;
}

/// What a server of `seamline.v1` sends.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming<B, D> {
    /// A `msgs` frame of this channel.
    Messages(Text, Batch<B>),
    /// Any other frame.
    Frame(ServerFrame<D>),
    /// A frame with an unknown op.
    Unknown,
}

/// The session's own methods, one for one.
impl<B, D: Clone> Protocol for Session<B, D> {
    type Messages = B;
    type Data = D;
    type Incoming = Incoming<B, D>;
    type Frame = ClientFrame<D>;

    fn connect(&mut self, now: Instant) {
        self.connect(now);
    }

    fn close(&mut self, now: Instant) {
        self.close(now);
    }

    fn subscribe(
        &mut self,
        now: Instant,
        name: Text,
        from: Option<StartAt>,
        position: Option<Position>,
    ) -> Result<ChannelId, Error> {
        self.subscribe(now, name, from, position)
    }

    fn subscribe_to_casts(&mut self, now: Instant, name: Text) -> Result<ChannelId, Error> {
        self.subscribe_to_casts(now, name)
    }

    fn unsubscribe(&mut self, now: Instant, channel: ChannelId) {
        self.unsubscribe(now, channel);
    }

    fn publish(
        &mut self,
        now: Instant,
        name: Text,
        key: Text,
        data: D,
        bytes: u64,
    ) -> Result<PublishId, Error> {
        self.publish(now, name, key, data, bytes)
    }

    fn cast(
        &mut self,
        now: Instant,
        name: Text,
        data: D,
        bytes: u64,
        buffered_bytes: u64,
    ) -> Result<(), Error> {
        self.cast(now, name, data, bytes, buffered_bytes)
    }

    fn processed(&mut self, now: Instant, channel: ChannelId, count: u64, position: Position) {
        self.processed(now, channel, count, position);
    }

    fn stats(&self) -> Stats {
        self.stats()
    }

    fn handle_open(&mut self, now: Instant, socket: SocketId) {
        self.handle_open(now, socket);
    }

    fn handle_incoming(&mut self, now: Instant, socket: SocketId, incoming: Incoming<B, D>) {
        match incoming {
            Incoming::Messages(channel, batch) => self.handle_messages(now, socket, &channel, batch),
            Incoming::Frame(frame) => self.handle_frame(now, socket, frame),
            Incoming::Unknown => self.handle_unknown_frame(now, socket),
        }
    }

    fn handle_bad_frame(&mut self, now: Instant, socket: SocketId, message: Text) {
        self.handle_bad_frame(now, socket, message);
    }

    fn handle_close(&mut self, now: Instant, socket: SocketId, code: u16, message: Text) {
        self.handle_close(now, socket, code, message);
    }

    fn handle_token(&mut self, now: Instant, fetch: FetchId, token: Result<Option<Text>, Text>) {
        self.handle_token(now, fetch, token);
    }

    fn handle_wake(&mut self, now: Instant) {
        self.handle_wake(now);
    }

    fn handle_hide(&mut self, now: Instant) {
        self.handle_hide(now);
    }

    fn handle_suspend(&mut self, now: Instant) {
        self.handle_suspend(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.handle_timeout(now);
    }

    fn set_buffered_bytes(&mut self, bytes: u64) {
        self.set_buffered_bytes(bytes);
    }

    fn poll_output(&mut self) -> Option<Output<B, D>> {
        self.poll_output()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.poll_timeout()
    }

    fn url(&self) -> Option<&TextRef> {
        None
    }
}
