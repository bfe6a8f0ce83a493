//! What happens to a session: frames, closes, deadlines, wake signs.

use super::*;
use crate::wire::MessageId;

impl<B, D: Clone> Session<B, D> {
    /// A socket is open.
    pub fn handle_open(&mut self, now: Instant, socket: SocketId) {
        self.advance(now);
        if matches!(self.link, Link::Opening(current) if current == socket) {
            self.link = Link::Greeting(socket);
            let hello = ClientFrame::Hello {
                v: wire::VERSION,
                client_id: self.config.client_id.clone(),
                lineage: self.config.lineage.clone(),
                token: self.known_token().map(str::to_owned),
                ordered: true,
            };
            self.out.send(socket, hello);
        }
    }

    /// A socket is closed, or never opened.
    pub fn handle_close(&mut self, now: Instant, socket: SocketId, code: u16, message: String) {
        self.advance(now);
        if self.socket() != Some(socket) {
            return;
        }
        let welcomed = matches!(self.link, Link::Open { .. });
        let opening = matches!(self.link, Link::Opening(_));
        let unsaid = if opening { "the connection could not be opened" } else { "the connection was lost" };
        let message = if message.is_empty() { unsaid.to_owned() } else { message };
        let reason = match code {
            close::UNAUTHORIZED => return self.unauthorized(welcomed, message),
            close::FORBIDDEN => ReasonCode::Forbidden,
            close::REPLACED => ReasonCode::Replaced,
            close::BAD_FRAME if !welcomed => ReasonCode::ProtocolError,
            close::SERVICE_RESTART => return self.lost(ReasonCode::Drained, message, Some(code)),
            _ if opening => return self.lost(ReasonCode::ConnectFailed, message, Some(code)),
            _ => return self.lost(ReasonCode::ConnectionLost, message, Some(code)),
        };
        self.end(Reason { code: reason, message, close_code: Some(code) });
    }

    /// A frame came that is not one of the protocol's. Where it stood, something may now be missing:
    /// only a new connection is sure to bring it.
    pub fn handle_bad_frame(&mut self, now: Instant, socket: SocketId, message: String) {
        self.advance(now);
        if self.socket() != Some(socket) {
            return;
        }
        self.emit(Event::Error { channel: None, error: Error::new(code::BAD_FRAME, &message) });
        self.disconnect(close::BAD_FRAME);
        self.lost(ReasonCode::ProtocolError, message, None);
    }

    /// A frame of messages came.
    pub fn handle_messages(&mut self, now: Instant, socket: SocketId, name: &str, batch: Batch<B>) {
        self.advance(now);
        if !self.heard(socket) {
            return;
        }
        let (channels, mut cx) = self.split();
        if let Some(channel) = channels.iter_mut().find(|channel| channel.name == name) {
            channel.messages(batch, &mut cx);
        }
    }

    /// Any other frame came.
    pub fn handle_frame(&mut self, now: Instant, socket: SocketId, frame: ServerFrame<D>) {
        self.advance(now);
        if let (Link::Greeting(current), ServerFrame::Welcome { .. }) = (&self.link, &frame)
            && *current == socket
        {
            return self.welcomed(socket, frame);
        }
        if !self.heard(socket) {
            // Before the welcome the server can only say why there will be none.
            if self.socket() == Some(socket) {
                match frame {
                    ServerFrame::Err { code, message, ch, retry_after_ms, .. } => {
                        if ch.is_none() {
                            self.hint(retry_after_ms);
                        }
                        self.emit(Event::Error { channel: None, error: Error::from_server(code, message) });
                    }
                    ServerFrame::Drain { reconnect_in_ms } => self.hint(Some(reconnect_in_ms)),
                    _ => {}
                }
            }
            return;
        }
        match frame {
            ServerFrame::Welcome { .. } => {}
            ServerFrame::Pong => self.casts_until = self.now,
            ServerFrame::Incoming { bytes } => self.announced(bytes),
            ServerFrame::Drain { reconnect_in_ms } => self.hint(Some(reconnect_in_ms)),
            ServerFrame::PubAck { ch, key, id, offset } => self.published(&ch, &key, id, offset),
            ServerFrame::PubNack { ch, key, code, message, retry_after_ms } => match retry_after_ms {
                Some(ms) => self.publish_later(&ch, &key, ms),
                None => self.publish_failed(&ch, &key, Error::from_server(code, message)),
            },
            ServerFrame::Subd { ch, epoch, first, head, at, at_epoch, reference, .. } => {
                self.with_channel(&ch, |channel, cx| {
                    if channel.is_answered_by(reference) {
                        let at_epoch = at_epoch.unwrap_or_else(|| epoch.clone());
                        let at = Position { epoch: at_epoch, offset: at, id: None };
                        channel.subscribed(epoch, first, head, at, cx);
                    }
                });
            }
            ServerFrame::Live { ch, head, reference } => {
                self.with_channel(&ch, |channel, cx| {
                    if channel.is_answered_by(reference) {
                        channel.live(head, cx);
                    }
                });
                self.plan_ack(); // one that came due during the replay was left out
            }
            ServerFrame::Cast { ch, data } => self.with_channel(&ch, |channel, cx| {
                cx.out.emit(Event::Cast { channel: channel.id, data });
            }),
            ServerFrame::Err { code, message, ch, reference, retry_after_ms } => {
                self.server_error(Error::from_server(code, message), ch, reference, retry_after_ms);
            }
        }
    }

    /// A frame came whose op is not known: the server is newer than this client, and alive.
    pub fn handle_unknown_frame(&mut self, now: Instant, socket: SocketId) {
        self.advance(now);
        self.heard(socket);
    }

    /// A deadline of `poll_timeout` has come. Calling it too early or too late does no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
        while let Some((timer, at)) = self.timers.pop(self.now) {
            if self.is_to_look_first(timer, at) {
                continue;
            }
            match timer {
                Timer::Connect => self.connect_timeout(),
                Timer::Retry => self.attempt(),
                Timer::Stable => self.backoff.reset(),
                // A deadline missed by far means that the page slept; nothing else tells so surely.
                Timer::Heartbeat if self.now.ms_since(at) > SLEPT_MS => self.probe(),
                Timer::Heartbeat => self.beat(),
                Timer::Ack => self.acknowledge(),
                Timer::Outbox => self.flush_outbox(),
                Timer::Subscribe => self.subscribe_again(),
            }
        }
    }

    /// The page woke up, became visible, came online or out of the back/forward cache. A connection
    /// that looks healthy is asked, with a short deadline; a waiting attempt is made now. One that was
    /// begun a while ago is made anew: it may be older than the network, and would hang.
    pub fn handle_wake(&mut self, now: Instant) {
        self.advance(now);
        match self.link {
            Link::Open { .. } => self.probe(),
            Link::Waiting => {
                self.hasten();
                self.handle_timeout(now);
            }
            Link::Opening(_) | Link::Greeting(_)
                if self.attempted_at.after_ms(WAKE_SPACING_MS << self.renewals.min(WAKE_DOUBLINGS_MAX))
                    <= self.now =>
            {
                self.renewals = self.renewals.saturating_add(1);
                self.connect_timeout();
                self.handle_wake(now);
            }
            Link::Idle | Link::AwaitingToken | Link::Opening(_) | Link::Greeting(_) | Link::Closed => {}
        }
    }

    /// The page may be about to go: acknowledge what was processed now.
    pub fn handle_hide(&mut self, now: Instant) {
        self.advance(now);
        self.acknowledge();
    }

    /// The page goes into the back/forward cache, where nothing runs and a socket is a burden: it is
    /// closed after a last acknowledgement, and no timer is left. The next wake sign connects.
    pub fn handle_suspend(&mut self, now: Instant) {
        self.handle_hide(now);
        if !matches!(self.link, Link::Idle | Link::Closed) {
            self.disconnect(close::NORMAL);
            self.lost(ReasonCode::PageHidden, "the page entered the back/forward cache".to_owned(), None);
        }
    }

    fn published(&mut self, ch: &str, key: &str, id: MessageId, offset: u64) {
        if let Some(publish) = self.outbox.answered(ch, key) {
            self.stats.published += 1;
            self.emit(Event::Published { publish, id, offset });
        }
        self.flush_outbox();
    }

    fn publish_failed(&mut self, ch: &str, key: &str, error: Error) {
        if let Some(publish) = self.outbox.answered(ch, key) {
            self.emit(Event::PublishFailed { publish, error });
        }
        self.flush_outbox();
    }

    fn publish_later(&mut self, ch: &str, key: &str, retry_after_ms: u64) {
        self.outbox.pause(ch, key, self.now.after_ms(pause_ms(retry_after_ms)));
        self.flush_outbox();
    }

    fn server_error(
        &mut self,
        error: Error,
        ch: Option<String>,
        reference: Option<u64>,
        retry_after_ms: Option<u64>,
    ) {
        let Some(ch) = ch else {
            self.hint(retry_after_ms);
            return self.emit(Event::Error { channel: None, error });
        };
        let refusal = match retry_after_ms {
            Some(ms) => Refusal::Until(self.now.after_ms(pause_ms(ms))),
            None if error.code == code::TOO_MANY_CHANNELS => Refusal::OverLimit,
            None => Refusal::Final,
        };
        self.with_channel(&ch, |channel, cx| {
            // The answer to an earlier `sub` says nothing of this one.
            if reference.is_none() || channel.is_answered_by(reference) {
                channel.refused(refusal, cx.stats);
                cx.out.emit(Event::Error { channel: Some(channel.id), error });
            }
        });
        self.subscribe_again();
    }

    /// The server asks to stay away after the next close. If it asks more than once, the longest counts.
    fn hint(&mut self, retry_after_ms: Option<u64>) {
        self.retry_hint_ms = self.retry_hint_ms.max(retry_after_ms);
    }
}

/// A pause that the server asks for: never none, and not for ever.
fn pause_ms(retry_after_ms: u64) -> u64 {
    retry_after_ms.clamp(FLOOR_MS, RETRY_HINT_MS_MAX)
}
