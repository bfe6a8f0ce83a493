//! The session: a [`Session`] of `seamline.v1`, and everything between it and a plain server.

mod channel;
mod connection;
mod messages;
mod replay;
mod translate;

use self::connection::Connection;
use super::config::PlainConfig;
use super::frame::{Frame, Incoming, Message};
use super::history::History;
use super::order::Order;
use super::url;
use crate::core::{
    ChannelId, Config, Error, FetchId, Instant, Output, Protocol, PublishId, Session, SocketId, Stats,
};
use crate::wire::{MessageId, Position, ServerFrame, StartAt};

/// A client session with a server of the plain dialect. `M` holds an object.
///
/// See the [module](super) for what it does, and [`Protocol`] for how it is driven.
#[derive(Debug)]
pub struct PlainSession<M> {
    session: Session<Message<M>, M>,
    config: PlainConfig,
    /// The application's URL.
    url: String,
    conversation: Option<String>,
    /// The time of the last report.
    now: Instant,
    /// The one channel's name.
    name: Option<String>,
    /// The channel that `history` belongs to. The name may be that of another one by now.
    channel: Option<ChannelId>,
    history: History,
    /// Messages that wait for a number before theirs.
    order: Order<Message<M>>,
    /// Channels that were rejected; each gets one error.
    rejected: Vec<String>,
    /// Whether a number above `NUMBER_MAX` was reported.
    bad_number_reported: bool,
    acknowledged: Option<MessageId>,
    /// Answers in the server's place to the application's calls. They wait for the next timeout, because an
    /// answer must not arrive before the call has returned.
    answers: Vec<ServerFrame<M>>,
    connection: Connection,
}

impl<M: Clone> PlainSession<M> {
    /// A session with the server at `url`, which waits for `connect`. `seed` is the seed of the jitter.
    pub fn new(url: String, config: Config, plain: PlainConfig, seed: u64, now: Instant) -> Self {
        PlainSession {
            session: Session::new(config, seed, now),
            conversation: url::parameter(&url, "conversation_id"),
            url,
            now,
            name: None,
            channel: None,
            history: History::new(None, &plain),
            order: Order::new(plain.window_max()),
            rejected: Vec::new(),
            bad_number_reported: false,
            acknowledged: None,
            answers: Vec::new(),
            connection: Connection::None,
            config: plain,
        }
    }

    /// The settings.
    pub fn config(&self) -> &PlainConfig {
        &self.config
    }

    /// The session, at this time.
    fn at(&mut self, now: Instant) -> &mut Session<Message<M>, M> {
        self.now = now;
        &mut self.session
    }

    /// How long a silence must last to mean something, from now.
    fn settled_at(&self) -> Instant {
        self.now.after_ms(self.config.settle_ms)
    }
}

impl<M: Clone> Protocol for PlainSession<M> {
    type Messages = Message<M>;
    type Data = M;
    type Incoming = Incoming<M>;
    type Frame = Frame<M>;

    fn connect(&mut self, now: Instant) {
        self.at(now).connect(now);
    }

    fn close(&mut self, now: Instant) {
        self.at(now).close(now);
    }

    fn subscribe(
        &mut self,
        now: Instant,
        name: String,
        from: Option<StartAt>,
        position: Option<Position>,
    ) -> Result<ChannelId, Error> {
        self.at(now).subscribe(now, name, from, position)
    }

    fn subscribe_to_casts(&mut self, now: Instant, name: String) -> Result<ChannelId, Error> {
        self.at(now).subscribe_to_casts(now, name)
    }

    fn unsubscribe(&mut self, now: Instant, channel: ChannelId) {
        self.at(now).unsubscribe(now, channel);
    }

    fn publish(
        &mut self,
        now: Instant,
        name: String,
        key: String,
        data: M,
        bytes: u64,
    ) -> Result<PublishId, Error> {
        self.at(now).publish(now, name, key, data, bytes)
    }

    fn cast(
        &mut self,
        now: Instant,
        name: String,
        data: M,
        bytes: u64,
        buffered_bytes: u64,
    ) -> Result<(), Error> {
        self.at(now).cast(now, name, data, bytes, buffered_bytes)
    }

    fn processed(&mut self, now: Instant, channel: ChannelId, count: u64, position: Position) {
        self.at(now).processed(now, channel, count, position);
    }

    fn stats(&self) -> Stats {
        self.session.stats()
    }

    fn handle_open(&mut self, now: Instant, socket: SocketId) {
        self.now = now;
        self.opened(socket);
    }

    fn handle_incoming(&mut self, now: Instant, socket: SocketId, incoming: Incoming<M>) {
        self.now = now;
        self.received(socket, incoming);
    }

    fn handle_bad_frame(&mut self, now: Instant, socket: SocketId, message: String) {
        self.at(now).handle_bad_frame(now, socket, message);
    }

    fn handle_close(&mut self, now: Instant, socket: SocketId, code: u16, message: String) {
        self.now = now;
        self.closed(socket, code, message);
    }

    fn handle_token(&mut self, now: Instant, fetch: FetchId, token: Result<Option<String>, String>) {
        self.at(now).handle_token(now, fetch, token);
    }

    /// Such a server cannot be pinged. So the connection must soon show that it is alive, or it is replaced.
    /// A replay costs little, a dead socket much.
    fn handle_wake(&mut self, now: Instant) {
        self.now = now;
        self.suspect();
        self.session.handle_wake(now);
    }

    fn handle_hide(&mut self, now: Instant) {
        self.at(now).handle_hide(now);
    }

    fn handle_suspend(&mut self, now: Instant) {
        self.at(now).handle_suspend(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        self.connection_timeout();
        self.session.handle_timeout(now);
    }

    fn set_buffered_bytes(&mut self, bytes: u64) {
        self.session.set_buffered_bytes(bytes);
    }

    fn poll_output(&mut self) -> Option<Output<Message<M>, M, Frame<M>>> {
        while let Some(output) = self.session.poll_output() {
            let translated = self.translate(output);
            if translated.is_some() {
                return translated;
            }
        }
        None
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.connection_deadline().into_iter().chain(self.session.poll_timeout()).min()
    }

    fn url(&self) -> Option<&str> {
        self.connection.url()
    }
}
