//! The connection's life: attempts, the welcome, the heartbeat, the end.

use super::*;

impl<B, D: Clone> Session<B, D> {
    /// A clock that was set back must not hold up the timers.
    pub(super) fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    pub(super) fn attempt(&mut self) {
        self.attempted_at = self.now;
        self.woken = false;
        self.retry_hint_ms = None;
        self.emit(Event::State(State::Connecting));
        self.obtain_token();
    }

    pub(super) fn connect_timeout(&mut self) {
        let (code, message) = match self.link {
            Link::AwaitingToken => (ReasonCode::TokenFailed, "the token function did not answer in time"),
            _ => (ReasonCode::ConnectTimeout, "the server did not answer in time"),
        };
        self.disconnect(close::NORMAL);
        self.lost(code, message.to_owned(), None);
    }

    pub(super) fn open_socket(&mut self) {
        let socket = self.next_socket;
        self.next_socket = self.next_socket.wrapping_add(1);
        self.link = Link::Opening(socket);
        self.timers.set(Timer::Connect, self.now.after_ms(self.config.connect_timeout_ms));
        self.out.push(Output::Connect(socket));
    }

    pub(super) fn welcomed(&mut self, socket: SocketId, frame: ServerFrame<D>) {
        let ServerFrame::Welcome { heartbeat_ms, max_frame_bytes, .. } = frame else { return };
        let asked_ms = self.config.heartbeat_ms;
        let heartbeat_ms = if asked_ms > 0 { asked_ms } else { heartbeat_ms.max(1) };
        let heartbeat = Heartbeat::Heard(self.now);
        self.link = Link::Open { socket, heartbeat, heartbeat_ms, max_frame_bytes, incoming_until: self.now };
        self.casts_until = self.now;
        self.buffered_bytes = 0;
        self.outbox.opened(self.now);
        self.refusals = 0;
        self.renewals = 0;
        self.stats.connects += 1;
        self.timers.stop(Timer::Connect);
        self.timers.set(Timer::Stable, self.now.after_ms(self.config.stable_ms));
        self.timers.set(Timer::Heartbeat, self.now.after_ms(heartbeat_ms));
        self.emit(Event::State(State::Open));
        let (channels, mut cx) = self.split();
        for channel in channels.iter_mut() {
            channel.subscribe(&mut cx);
        }
        self.plan_ack();
        self.flush_outbox();
    }

    /// Whether this came from the open connection; then it is a sign of life.
    pub(super) fn heard(&mut self, from: SocketId) -> bool {
        let Link::Open { socket, heartbeat, heartbeat_ms, incoming_until, .. } = &mut self.link else {
            return false;
        };
        if *socket != from {
            return false;
        }
        // While no question is open, the timer may fire early and look again: nothing to do per frame.
        if matches!(heartbeat, Heartbeat::Asked { .. }) {
            self.timers.set(Timer::Heartbeat, self.now.after_ms(*heartbeat_ms));
        }
        *heartbeat = Heartbeat::Heard(self.now);
        *incoming_until = self.now;
        self.woken = false;
        true
    }

    pub(super) fn beat(&mut self) {
        let timeout_ms = self.config.pong_timeout_ms.saturating_add(self.transfer_ms());
        let Link::Open { heartbeat, heartbeat_ms, .. } = &mut self.link else { return };
        let beat = heartbeat.beat(self.now, *heartbeat_ms, timeout_ms);
        self.act_on(beat);
    }

    /// The page woke up: asks the connection, and replaces it at once if there is no answer.
    pub(super) fn probe(&mut self) {
        let timeout_ms = self.config.probe_timeout_ms.saturating_add(self.transfer_ms());
        let Link::Open { heartbeat, .. } = &mut self.link else { return };
        self.woken = true;
        let beat = heartbeat.probe(self.now, timeout_ms);
        self.act_on(beat);
    }

    fn act_on(&mut self, beat: Beat) {
        match beat {
            Beat::Later(at) => self.timers.set(Timer::Heartbeat, at),
            Beat::Ask(deadline) => {
                self.timers.set(Timer::Heartbeat, deadline);
                self.send(ClientFrame::Ping);
            }
            Beat::Dead => {
                self.disconnect(close::NORMAL);
                self.lost(ReasonCode::HeartbeatTimeout, "the server did not answer a ping".to_owned(), None);
            }
        }
    }

    /// The connection is gone, or did not come about: wait, then try again. A page that is put away
    /// waits without a timer; that is no failed attempt, and no way around the server's hint either.
    pub(super) fn lost(&mut self, code: ReasonCode, message: String, close_code: Option<u16>) {
        self.detach();
        // An attempt that never became a connection says nothing of publications.
        let casts = self.casts_until > self.now;
        if matches!(self.link, Link::Open { .. })
            && let Some((publish, error)) = self.outbox.closed(self.now, Blame::of(close_code), casts)
        {
            self.emit(Event::PublishFailed { publish, error });
        }
        self.link = Link::Waiting;
        let hint_ms = self.retry_hint_ms.take().unwrap_or(0).min(RETRY_HINT_MS_MAX);
        self.stay_away_until = self.stay_away_until.max(self.now.after_ms(hint_ms));
        let put_away = code == ReasonCode::PageHidden;
        let retry_in_ms = match put_away {
            true => self.soonest().ms_since(self.now),
            false => self.backoff.next_ms().max(hint_ms),
        };
        if !put_away {
            self.timers.set(Timer::Retry, self.now.after_ms(retry_in_ms));
        }
        let reason = Reason { code, message, close_code };
        self.emit(Event::State(State::Waiting { attempt: self.backoff.attempt(), retry_in_ms, reason }));
        if self.woken && !put_away {
            self.hasten();
        }
    }

    /// When a wake sign may have the next attempt made.
    pub(super) fn soonest(&self) -> Instant {
        let spaced = self.attempted_at.after_ms(WAKE_SPACING_MS);
        spaced.max(self.stay_away_until).max(self.now)
    }

    /// Cuts the backoff short. However many signs a wake has, they all mean the same moment.
    pub(super) fn hasten(&mut self) {
        let soonest = self.soonest();
        if self.timers.at(Timer::Retry).is_none_or(|retry| soonest < retry) {
            self.timers.set(Timer::Retry, soonest);
        }
    }

    /// A token that the server had accepted has expired, or one that is new to it was refused. The
    /// next attempt brings a fresh one; if that is refused too, there is no sense in a third.
    pub(super) fn unauthorized(&mut self, welcomed: bool, message: String) {
        self.forget_token();
        self.refusals = if welcomed { 1 } else { self.refusals + 1 };
        let code = ReasonCode::Unauthorized;
        let close_code = Some(close::UNAUTHORIZED);
        if self.config.has_token && self.refusals < 2 {
            self.lost(code, message, close_code);
        } else {
            self.end(Reason { code, message, close_code });
        }
    }

    pub(super) fn end(&mut self, reason: Reason) {
        if matches!(self.link, Link::Closed) {
            return;
        }
        self.detach();
        self.link = Link::Closed;
        for publish in self.outbox.drain() {
            self.emit(Event::PublishFailed { publish, error: closed() });
        }
        self.emit(Event::State(State::Closed { reason }));
    }

    pub(super) fn detach(&mut self) {
        // A throttled page may learn of the close before its timer fires.
        if self.timers.at(Timer::Stable).is_some_and(|at| at <= self.now) {
            self.backoff.reset();
        }
        self.timers.stop_all();
        self.late = false;
        for channel in &mut self.channels {
            channel.detach(&mut self.stats);
        }
    }

    /// Gives up a connection for one that replays.
    pub(crate) fn replace_connection(&mut self, now: Instant, socket: SocketId, message: &str) {
        self.advance(now);
        if self.socket() == Some(socket) {
            self.disconnect(close::NORMAL);
            self.lost(ReasonCode::ConnectionLost, message.to_owned(), None);
        }
    }

    pub(super) fn disconnect(&mut self, code: u16) {
        if let Some(socket) = self.socket() {
            self.out.push(Output::Disconnect { socket, code });
        }
    }
}
