//! The connection's life: attempts, the welcome, closes, the end.

use super::Session;
use super::answer_deadline::InTransit;
use super::link::{Link, Open};
use crate::core::heartbeat::Heartbeat;
use crate::core::outbox::{Blame, Close};
use crate::core::reconnect::Wait;
use crate::core::timer::Timer;
use crate::core::{Event, Instant, Output, Reason, ReasonCode, SocketId, State};
use crate::wire::{self, ClientFrame, Text, close, known};

impl<B, D: Clone> Session<B, D> {
    pub(super) fn attempt(&mut self) {
        self.reconnect.begin(self.now);
        self.emit(Event::State(State::Connecting));
        self.obtain_token();
    }

    pub(super) fn open_socket(&mut self) {
        let socket = self.next_socket;
        self.next_socket = self.next_socket.wrapping_add(1);
        self.link = Link::Opening(socket);
        self.timers.set(Timer::Connect, self.now.after_ms(self.config.connect_timeout_ms));
        self.out.push(Output::Connect(socket));
    }

    /// A socket is open.
    pub fn handle_open(&mut self, now: Instant, socket: SocketId) {
        self.advance(now);
        if matches!(self.link, Link::Opening(current) if current == socket) {
            self.link = Link::Greeting { socket, since: self.now };
            let hello = ClientFrame::Hello {
                v: wire::VERSION,
                client_id: self.config.client_id.clone(),
                lineage: self.config.lineage.clone(),
                token: self.known_token().cloned(),
                ordered: true,
            };
            self.out.send(socket, hello);
            // In the same flight: the first missed message is one round trip away.
            let (channels, mut cx) = self.split();
            for channel in channels.iter_mut() {
                channel.subscribe(&mut cx);
            }
            self.flush_outbox();
        }
    }

    pub(super) fn welcomed(
        &mut self,
        socket: SocketId,
        greeted_at: Instant,
        heartbeat_ms: u64,
        max_frame_bytes: u64,
    ) {
        let configured_ms = self.config.heartbeat_ms;
        let heartbeat_ms = if configured_ms > 0 { configured_ms } else { heartbeat_ms.max(1) };
        self.link = Link::Open(Open {
            socket,
            opened_at: self.now,
            heartbeat: Heartbeat::Heard(self.now),
            heartbeat_ms,
            round_trip_ms: self.now.ms_since(greeted_at),
            in_transit: InTransit::new(self.now),
        });
        self.frame_bytes_max = Some(max_frame_bytes);
        self.outbox.welcomed();
        self.token.accepted();
        self.reconnect.connected();
        self.stats.connects += 1;
        self.timers.stop(Timer::Connect);
        self.timers.set(Timer::Stable, self.now.after_ms(self.config.stable_ms));
        self.timers.set(Timer::Heartbeat, self.now.after_ms(heartbeat_ms));
        self.emit(Event::State(State::Open));
        self.plan_ack();
        self.flush_outbox();
    }

    /// A socket is closed, or could not be opened.
    pub fn handle_close(&mut self, now: Instant, socket: SocketId, close_code: u16, message: Text) {
        self.advance(now);
        if self.link.socket() != Some(socket) {
            return;
        }
        let welcomed = self.link.open().is_some();
        let (lost, unsaid) = match self.link {
            Link::Opening(_) => (ReasonCode::ConnectFailed, known!("the connection could not be opened")),
            _ => (ReasonCode::ConnectionLost, known!("the connection was lost")),
        };
        let message = if message.is_empty() { Text::from(unsaid) } else { message };
        let code = match close_code {
            close::UNAUTHORIZED => ReasonCode::Unauthorized,
            close::FORBIDDEN => ReasonCode::Forbidden,
            close::REPLACED => ReasonCode::Replaced,
            close::BAD_FRAME if !welcomed => ReasonCode::ProtocolError,
            close::SERVICE_RESTART => ReasonCode::Drained,
            _ => lost,
        };
        let reason = Reason { code, message, close_code: Some(close_code) };
        match code {
            ReasonCode::Unauthorized => self.unauthorized(welcomed, reason),
            ReasonCode::Forbidden | ReasonCode::Replaced | ReasonCode::ProtocolError => self.end(reason),
            _ => self.schedule_reconnect(reason),
        }
    }

    /// The token, the handshake or the welcome takes too long.
    pub(super) fn connect_timeout(&mut self) {
        let (code, message) = match self.link {
            Link::AwaitingToken => {
                (ReasonCode::TokenFailed, known!("the token function did not answer in time"))
            }
            _ => (ReasonCode::ConnectTimeout, known!("the server did not answer in time")),
        };
        self.disconnect(close::NORMAL);
        self.schedule_reconnect(Reason::local(code, message));
    }

    /// A token that the server had accepted has expired, or a new one was rejected. The next attempt uses a
    /// fresh one. If that is rejected too, a third would not help.
    fn unauthorized(&mut self, welcomed: bool, reason: Reason) {
        let another = self.token.rejected(welcomed);
        if self.config.has_token && another {
            self.schedule_reconnect(reason);
        } else {
            self.end(reason);
        }
    }

    /// The connection is lost or drained, or the attempt has failed. Sets the timer for the next attempt.
    pub(super) fn schedule_reconnect(&mut self, reason: Reason) {
        self.connection_ended(reason.close_code);
        let wait = match reason.code {
            ReasonCode::Drained => self.reconnect.drained(self.now),
            _ => self.reconnect.failed(self.now),
        };
        self.enter_waiting(wait, reason);
    }

    /// The page is suspended: closes the connection, and sets no timer. The next wake event connects.
    pub(super) fn suspend(&mut self) {
        self.disconnect(close::NORMAL);
        self.connection_ended(None);
        let wait = self.reconnect.suspended(self.now);
        let message = known!("the page entered the back/forward cache");
        self.enter_waiting(wait, Reason::local(ReasonCode::PageHidden, message));
    }

    /// Asks the outbox what the end of a connection reveals about its publications. An attempt that failed before
    /// `welcome` reveals nothing.
    fn connection_ended(&mut self, close_code: Option<u16>) {
        self.detach();
        let open = self.link.open();
        let close = Close {
            now: self.now,
            opened_at: open.map(|open| open.opened_at),
            blame: Blame::of(close_code),
            casts: open.is_some_and(|open| open.in_transit.has_casts(self.now)),
        };
        if let Some((publish, error)) = self.outbox.closed(close) {
            self.emit(Event::PublishFailed { publish, error });
        }
    }

    fn enter_waiting(&mut self, wait: Wait, reason: Reason) {
        self.link = Link::Waiting;
        if let Some(until) = wait.until {
            self.timers.set(Timer::Retry, until);
        }
        self.emit(Event::State(State::Waiting { attempt: wait.failed, retry_in_ms: wait.ms, reason }));
    }

    pub(super) fn end(&mut self, reason: Reason) {
        if matches!(self.link, Link::Closed) {
            return;
        }
        self.detach();
        self.link = Link::Closed;
        while let Some(publish) = self.outbox.pop() {
            self.emit(Event::PublishFailed { publish, error: super::closed() });
        }
        self.emit(Event::State(State::Closed { reason }));
    }

    fn detach(&mut self) {
        // In a throttled page, the close may arrive before the timer fires.
        if self.timers.at(Timer::Stable).is_some_and(|at| at <= self.now) {
            self.reconnect.proved();
        }
        self.timers.stop_all();
        for channel in &mut self.channels {
            channel.detach(&mut self.stats);
        }
    }

    /// Replaces a connection by one that replays.
    #[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
    pub(crate) fn replace_connection(&mut self, now: Instant, socket: SocketId, message: &'static str) {
        self.advance(now);
        if self.link.socket() == Some(socket) {
            self.disconnect(close::NORMAL);
            self.schedule_reconnect(Reason::local(ReasonCode::ConnectionLost, message));
        }
    }

    pub(super) fn disconnect(&mut self, code: u16) {
        if let Some(socket) = self.link.socket() {
            self.out.push(Output::Disconnect { socket, code });
        }
    }
}
