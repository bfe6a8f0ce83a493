//! The client as a state machine: one connection, many channels, one outbox.

mod answer_deadline;
mod connection;
mod frames;
mod lifecycle;
mod link;
mod liveness;
mod publications;
mod subscriptions;
mod token;

use self::link::Link;
use self::token::Token;
use super::channel::{Channel, Context};
use super::config::Config;
use super::error::Error;
use super::event::Event;
use super::outbox::Outbox;
use super::output::{Output, Outputs, SocketId};
use super::reconnect::Reconnect;
use super::state::{Reason, ReasonCode};
use super::stats::Stats;
use super::timer::{Instant, Timer, Timers};
use crate::wire::{self, ClientFrame, TextRef, close, code, known};

/// A client session: all decisions between an application and its WebSocket. `B` holds the messages of a
/// frame, `D` a single payload. A session inspects neither.
///
/// A session performs nothing itself. A *driver* reports what happens and what the application wants, with the
/// current time, and performs the outputs. There are four kinds of methods:
///
/// - **Getters**, which take `&self`: [`config`](Session::config), [`stats`](Session::stats).
/// - **Handlers**, named `handle_*`, which report what happened: a socket opened or closed
///   ([`handle_open`](Session::handle_open), [`handle_close`](Session::handle_close)); a frame arrived
///   ([`handle_messages`](Session::handle_messages), [`handle_frame`](Session::handle_frame),
///   [`handle_unknown_frame`](Session::handle_unknown_frame), [`handle_bad_frame`](Session::handle_bad_frame)); the
///   page woke up, was hidden or was suspended ([`handle_wake`](Session::handle_wake),
///   [`handle_hide`](Session::handle_hide), [`handle_suspend`](Session::handle_suspend)); the token function returned
///   ([`handle_token`](Session::handle_token)); a deadline passed ([`handle_timeout`](Session::handle_timeout)). Call
///   [`set_buffered_bytes`](Session::set_buffered_bytes) before `handle_wake` and `handle_timeout`.
/// - **Mutators**, which carry out what the application wants: [`connect`](Session::connect),
///   [`subscribe`](Session::subscribe), [`subscribe_to_casts`](Session::subscribe_to_casts),
///   [`processed`](Session::processed), [`unsubscribe`](Session::unsubscribe), [`publish`](Session::publish),
///   [`cast`](Session::cast) and [`close`](Session::close).
/// - **Polling methods**, which say what to do next: [`poll_output`](Session::poll_output) and
///   [`poll_timeout`](Session::poll_timeout).
///
/// After each call of a handler or a mutator:
///
/// 1. Call `poll_output` until it returns `None`, and perform each [`Output`] in order. Meanwhile the application
///    may call mutators. Their outputs follow those that are already waiting.
/// 2. Call `poll_timeout`, and call `handle_timeout` at the moment that it returned. A later call of `poll_timeout`
///    replaces that moment, or cancels it by returning `None`.
///
/// Handlers take the id of the socket that they report on. Reports on an old socket are ignored, so a driver
/// does not have to check whether a socket is current. A clock that is set back delays nothing: the session's
/// time stops until the clock catches up.
///
/// The [crate's front page](crate) has the loop as an example.
#[derive(Debug)]
pub struct Session<B, D> {
    config: Config,
    /// The latest moment that a driver has reported.
    now: Instant,
    link: Link,
    timers: Timers,
    reconnect: Reconnect,
    token: Token,
    /// Boxed: moving a pointer is less code than moving a channel.
    #[allow(clippy::vec_box)]
    channels: Vec<Box<Channel<B>>>,
    outbox: Outbox<D>,
    /// The largest frame that the server accepts, as the last `welcome` had it.
    frame_bytes_max: Option<u64>,
    out: Outputs<B, D>,
    stats: Stats,
    next_socket: SocketId,
    /// The last id that was assigned to a subscription, a publication or a call of the token function.
    last_id: u32,
    /// The reference of the last `sub` frame. Its answers repeat it.
    last_reference: u64,
}

impl<B, D: Clone> Session<B, D> {
    /// A session that waits for `connect`. `seed` is the seed of the backoff's jitter.
    pub fn new(config: Config, seed: u64, now: Instant) -> Self {
        Session {
            reconnect: Reconnect::new(&config.backoff, seed, now),
            config,
            now,
            link: Link::Idle,
            timers: Timers::default(),
            token: Token::default(),
            channels: Vec::new(),
            outbox: Outbox::new(),
            frame_bytes_max: None,
            out: Outputs::new(),
            stats: Stats::default(),
            next_socket: 0,
            last_id: 0,
            last_reference: 0,
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

    /// The counters so far.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The subscriptions: their channels' names, their ids and their positions.
    #[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
    pub(crate) fn channels(
        &self,
    ) -> impl Iterator<Item = (&TextRef, super::ChannelId, Option<&wire::Position>)> {
        self.channels.iter().map(|channel| {
            let name: &TextRef = &channel.name;
            (name, channel.id, channel.position())
        })
    }

    /// Connects, and stays connected from then on.
    pub fn connect(&mut self, now: Instant) {
        self.advance(now);
        if matches!(self.link, Link::Idle) {
            self.attempt();
        }
    }

    /// Ends the session: acknowledges processed messages, closes the socket and fails unanswered
    /// publications.
    pub fn close(&mut self, now: Instant) {
        self.advance(now);
        self.acknowledge();
        self.disconnect(close::NORMAL);
        self.end(Reason::local(ReasonCode::ClosedByApplication, known!("closed by the application")));
    }

    /// A deadline of `poll_timeout` has passed. A call that is too early or too late does no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
        while let Some((timer, due_at)) = self.timers.pop(self.now) {
            if self.postpones(timer, due_at) {
                continue;
            }
            match timer {
                Timer::Connect => self.connect_timeout(),
                Timer::Retry => self.attempt(),
                Timer::Stable => self.reconnect.proved(),
                Timer::Heartbeat => self.heartbeat(due_at),
                Timer::Ack => self.acknowledge(),
                Timer::Outbox => self.flush_outbox(),
                Timer::Subscribe => self.subscribe_again(),
            }
        }
    }

    /// A clock that was set back must not delay the timers.
    fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    fn send(&mut self, frame: ClientFrame<D>) {
        if let Some(socket) = self.link.greeted() {
            self.out.send(socket, frame);
        }
    }

    pub(crate) fn emit(&mut self, event: Event<B, D>) {
        self.out.emit(event);
    }

    fn draw_id(&mut self) -> u32 {
        self.last_id = self.last_id.wrapping_add(1);
        self.last_id
    }

    /// The channels, and what they need from the session.
    fn split(&mut self) -> (&mut [Box<Channel<B>>], Context<'_, B, D>) {
        let socket = self.link.greeted();
        let round_trip_ms = self.link.open().map_or(0, |open| open.round_trip_ms);
        let Session { out, stats, config, last_reference, timers, now, .. } = self;
        let cx = Context { out, stats, config, last_reference, socket, round_trip_ms, timers, now: *now };
        (&mut self.channels, cx)
    }

    /// The channel of a name, and what it needs from the session.
    fn channel(&mut self, name: &TextRef) -> Option<(&mut Channel<B>, Context<'_, B, D>)> {
        let (channels, cx) = self.split();
        let channel = channels.iter_mut().find(|channel| channel.name == *name)?;
        Some((channel, cx))
    }
}

fn closed() -> Error {
    Error::new(known!(code::CLOSED), known!("the client is closed"))
}

fn check_name(name: &TextRef) -> Result<(), Error> {
    match wire::is_channel_name(name) {
        true => Ok(()),
        false => Err(Error::new(known!(code::BAD_CHANNEL), known!(wire::CHANNEL_NAME_RULE))),
    }
}
