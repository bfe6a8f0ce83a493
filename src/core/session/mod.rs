//! The client as a state machine: one connection, many channels, one outbox.
//!
//! A driver tells a session what happens (`handle_*`) and what the application wants (the other
//! methods that take `now`), and after each such call performs everything that [`Session::poll_output`]
//! gives, in order, until it gives nothing. [`Session::poll_timeout`] says when to call
//! [`Session::handle_timeout`]; after any other call it may say something else.

mod connection;
mod handle;
mod patience;
mod token;

use self::token::Token;

use super::backoff::{Backoff, FLOOR_MS};
use super::channel::{Channel, Context, Interest, Refusal};
use super::config::Config;
use super::error::Error;
use super::event::{Batch, ChannelId, Event, PublishId};
use super::heartbeat::{Beat, Heartbeat, SLEPT_MS};
use super::outbox::{self, Blame, Outbox};
use super::output::{FetchId, Output, Outputs, SocketId};
use super::state::{Reason, ReasonCode, State};
use super::stats::Stats;
use super::timer::{Instant, Timer, Timers};
use crate::wire::{self, ClientFrame, Position, ServerFrame, StartAt, close, code};

/// A wake sign lets the next attempt follow the last one no sooner than this, however many signs
/// come: a flapping network must not become a storm.
const WAKE_SPACING_MS: u64 = 1_000;
/// Each time that a wake sign has begun an attempt anew, the next one gets twice as long before another sign may,
/// up to this many doublings: on a slow link, signs that keep coming must not keep it from succeeding.
const WAKE_DOUBLINGS_MAX: u32 = 4;
/// A retry hint of the server is obeyed up to this.
const RETRY_HINT_MS_MAX: u64 = 300_000;
/// Ephemeral events are dropped while more than this waits in the socket.
const CAST_BUFFERED_BYTES_MAX: u64 = 65_536;

/// The connection.
#[derive(Debug)]
enum Link {
    /// `connect` was not called yet.
    Idle,
    /// The application's token is on its way.
    AwaitingToken,
    /// The socket is opening.
    Opening(SocketId),
    /// `hello` is sent.
    Greeting(SocketId),
    /// The server has said `welcome`.
    Open {
        socket: SocketId,
        heartbeat: Heartbeat,
        heartbeat_ms: u64,
        max_frame_bytes: u64,
        /// Until when the large frame that the server has announced may take.
        incoming_until: Instant,
    },
    /// The next attempt waits for [`Timer::Retry`]; without that, in a page that is put away, for a
    /// wake sign.
    Waiting,
    /// There will be no further attempt.
    Closed,
}

/// A client session. `B` holds the messages of a frame, `D` a single payload.
#[derive(Debug)]
pub struct Session<B, D> {
    config: Config,
    now: Instant,
    link: Link,
    timers: Timers,
    backoff: Backoff,
    /// Boxed: moving a pointer is less code than moving a channel.
    #[allow(clippy::vec_box)]
    channels: Vec<Box<Channel<B>>>,
    outbox: Outbox<D>,
    out: Outputs<B, D>,
    stats: Stats,
    token: Token,
    /// How often in a row a token was refused before a welcome.
    refusals: u32,
    /// How long the server asked to stay away after the next close.
    retry_hint_ms: Option<u64>,
    /// Until when it asked to stay away; no wake sign shortens that.
    stay_away_until: Instant,
    attempted_at: Instant,
    /// A wake sign came, and nothing has shown yet that the connection is alive: should it turn out
    /// dead, the backoff is cut short.
    woken: bool,
    /// How many attempts in a row a wake sign has begun anew.
    renewals: u32,
    /// A deadline came late, and what had arrived by then is still to be read.
    late: bool,
    /// What waits in the socket, as the driver said last.
    buffered_bytes: u64,
    /// Until when ephemeral events that were sent may be on their way.
    casts_until: Instant,
    next_socket: SocketId,
    next_id: u32,
    /// How many times it has subscribed.
    subs: u64,
}

impl<B, D: Clone> Session<B, D> {
    /// A session that waits for `connect`. The jitter comes from `seed`.
    pub fn new(config: Config, seed: u64, now: Instant) -> Self {
        let backoff = Backoff::new(config.backoff.initial_ms, config.backoff.max_ms, seed);
        Session {
            config,
            now,
            link: Link::Idle,
            timers: Timers::default(),
            backoff,
            channels: Vec::new(),
            outbox: Outbox::new(),
            out: Outputs::new(),
            stats: Stats::default(),
            token: Token::Missing,
            refusals: 0,
            retry_hint_ms: None,
            stay_away_until: now,
            attempted_at: now,
            woken: false,
            renewals: 0,
            late: false,
            buffered_bytes: 0,
            casts_until: now,
            next_socket: 0,
            next_id: 0,
            subs: 0,
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output<B, D>> {
        self.out.pop()
    }

    /// When to call `handle_timeout`, if nothing else happens.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// What was counted so far.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The subscriptions: their channels' names, their ids, and where they stand.
    pub(crate) fn channels(&self) -> impl Iterator<Item = (&str, ChannelId, Option<&Position>)> {
        self.channels.iter().map(|channel| (channel.name.as_str(), channel.id, channel.position()))
    }

    /// Connects, and stays connected from then on.
    pub fn connect(&mut self, now: Instant) {
        self.advance(now);
        if matches!(self.link, Link::Idle) {
            self.attempt();
        }
    }

    /// Ends the session: acknowledges what was processed, closes the socket, fails what waits.
    pub fn close(&mut self, now: Instant) {
        self.advance(now);
        self.acknowledge();
        self.disconnect(close::NORMAL);
        self.end(Reason {
            code: ReasonCode::ClosedByApplication,
            message: "closed by the application".to_owned(),
            close_code: None,
        });
    }

    /// Subscribes to a channel: after `position`, or else where `from` says, or else where the server
    /// last knew this client id to be.
    pub fn subscribe(
        &mut self,
        now: Instant,
        name: String,
        from: Option<StartAt>,
        position: Option<Position>,
    ) -> Result<ChannelId, Error> {
        self.open_channel(now, name, Interest::Messages, from, position)
    }

    /// Subscribes to a channel for its ephemeral events, and to learn when it is live. Its messages are
    /// neither replayed nor delivered: who wants them ends this subscription and subscribes again.
    pub fn subscribe_to_casts(&mut self, now: Instant, name: String) -> Result<ChannelId, Error> {
        self.open_channel(now, name, Interest::Casts, Some(StartAt::Tail), None)
    }

    fn open_channel(
        &mut self,
        now: Instant,
        name: String,
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
            return Err(Error::new(code::ALREADY_SUBSCRIBED, "there is a subscription already"));
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

    /// Ends a subscription; nothing of it is told any more.
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

    /// Publishes a message under an idempotency key. The answer is an event, `Published` or
    /// `PublishFailed`, and is never among the outputs of this very call: whoever waits for it must
    /// know the id first. `bytes` is the payload's size as JSON.
    pub fn publish(
        &mut self,
        now: Instant,
        name: String,
        key: String,
        data: D,
        bytes: u64,
    ) -> Result<PublishId, Error> {
        self.advance(now);
        check_name(&name)?;
        if key.is_empty() || key.len() > wire::KEY_BYTES_MAX {
            return Err(Error::new(code::BAD_KEY, "an idempotency key has 1 to 200 bytes"));
        }
        match self.link {
            Link::Closed => return Err(closed()),
            Link::Open { max_frame_bytes, .. }
                if outbox::frame_bytes(&name, &key, bytes) > max_frame_bytes =>
            {
                return Err(too_large());
            }
            _ => {}
        }
        if self.outbox.len() as u64 >= self.config.outbox_messages_max {
            return Err(Error::new(code::OUTBOX_FULL, "too many publications wait; try again later"));
        }
        let id = self.draw_id();
        self.outbox.push(id, name, key, data, bytes);
        self.flush_outbox();
        Ok(id)
    }

    /// Sends an ephemeral event, if it can go now; it is not worth waiting for. `bytes` is the
    /// payload's size as JSON, `buffered_bytes` what already waits in the socket.
    pub fn cast(
        &mut self,
        now: Instant,
        name: String,
        data: D,
        bytes: u64,
        buffered_bytes: u64,
    ) -> Result<(), Error> {
        self.advance(now);
        check_name(&name)?;
        match self.link {
            Link::Closed => return Err(closed()),
            Link::Open { max_frame_bytes, .. } if outbox::frame_bytes(&name, "", bytes) > max_frame_bytes => {
                return Err(too_large());
            }
            _ => {}
        }
        if buffered_bytes <= CAST_BUFFERED_BYTES_MAX {
            self.casts_until = patience::until(self.casts_until.max(self.now), bytes);
            self.send(ClientFrame::Cast { ch: name, data });
        }
        Ok(())
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

    fn flush_outbox(&mut self) {
        let Link::Open { socket, max_frame_bytes, .. } = self.link else { return };
        for publish in self.outbox.too_large(max_frame_bytes) {
            self.emit(Event::PublishFailed { publish, error: too_large() });
        }
        while let Some(frame) = self.outbox.next(self.now) {
            self.out.send(socket, frame);
        }
        match self.outbox.next_at(self.now) {
            Some(at) => self.timers.set(Timer::Outbox, at),
            None => self.timers.stop(Timer::Outbox),
        }
    }

    /// Another channel was closed: one that was too many may have room now.
    fn subscribe_within_limit(&mut self) {
        let (channels, mut cx) = self.split();
        if let Some(channel) = channels.iter_mut().find(|channel| channel.is_over_limit()) {
            channel.subscribe(&mut cx);
        }
    }

    /// Subscribes again where the moment for it has come.
    fn subscribe_again(&mut self) {
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

    /// Sees to it that what was processed is acknowledged before long.
    fn plan_ack(&mut self) {
        let unacked = self.channels.iter().any(|channel| channel.unacked());
        if unacked && matches!(self.link, Link::Open { .. }) && self.timers.at(Timer::Ack).is_none() {
            self.timers.set(Timer::Ack, self.now.after_ms(self.config.ack_interval_ms));
        }
    }

    fn acknowledge(&mut self) {
        self.timers.stop(Timer::Ack);
        let (channels, mut cx) = self.split();
        for channel in channels {
            channel.ack(&mut cx);
        }
    }

    fn send(&mut self, frame: ClientFrame<D>) {
        if let Link::Open { socket, .. } = self.link {
            self.out.send(socket, frame);
        }
    }

    pub(crate) fn emit(&mut self, event: Event<B, D>) {
        self.out.emit(event);
    }

    fn draw_id(&mut self) -> u32 {
        self.next_id = self.next_id.wrapping_add(1);
        self.next_id
    }

    /// The socket whose reports count.
    fn socket(&self) -> Option<SocketId> {
        match self.link {
            Link::Opening(socket) | Link::Greeting(socket) | Link::Open { socket, .. } => Some(socket),
            Link::Idle | Link::AwaitingToken | Link::Waiting | Link::Closed => None,
        }
    }

    fn split(&mut self) -> (&mut [Box<Channel<B>>], Context<'_, B, D>) {
        let socket = match self.link {
            Link::Open { socket, .. } => Some(socket),
            _ => None,
        };
        let Session { out, stats, config, subs, timers, now, .. } = self;
        let cx = Context { out, stats, config, subs, socket, timers, now: *now };
        (&mut self.channels, cx)
    }

    fn with_channel(&mut self, name: &str, f: impl FnOnce(&mut Channel<B>, &mut Context<'_, B, D>)) {
        let (channels, mut cx) = self.split();
        if let Some(channel) = channels.iter_mut().find(|channel| channel.name == name) {
            f(channel, &mut cx);
        }
    }
}

fn closed() -> Error {
    Error::new(code::CLOSED, "the client is closed")
}

fn too_large() -> Error {
    Error::new(code::TOO_LARGE, "it is larger than the server takes (max_frame_bytes)")
}

fn check_name(name: &str) -> Result<(), Error> {
    match wire::is_channel_name(name) {
        true => Ok(()),
        false => Err(Error::new(code::BAD_CHANNEL, wire::CHANNEL_NAME_RULE)),
    }
}
