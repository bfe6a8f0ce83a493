//! Frames from the server.

use super::Session;
use super::link::Link;
use crate::core::channel::Refusal;
use crate::core::reconnect::pause_ms;
use crate::core::{Batch, Error, Event, Instant, Reason, ReasonCode, SocketId};
use crate::wire::{Position, ServerFrame, Text, TextRef, close, code, known};

impl<B, D: Clone> Session<B, D> {
    /// A frame of messages arrived.
    pub fn handle_messages(&mut self, now: Instant, socket: SocketId, name: &TextRef, batch: Batch<B>) {
        if let Some(true) = self.listens(now, socket)
            && let Some((channel, mut cx)) = self.channel(name)
        {
            channel.messages(batch, &mut cx);
        }
    }

    /// Any other frame arrived.
    pub fn handle_frame(&mut self, now: Instant, socket: SocketId, frame: ServerFrame<D>) {
        let Some(is_open) = self.listens(now, socket) else { return };
        match frame {
            ServerFrame::Welcome { heartbeat_ms, max_frame_bytes, .. } => {
                self.welcome(socket, heartbeat_ms, max_frame_bytes);
            }
            ServerFrame::Drain { reconnect_in_ms } => self.drain(reconnect_in_ms),
            ServerFrame::Err { code, message, ch, reference, retry_after_ms } => {
                let error = Error::from_server(code, message);
                self.server_error(is_open, error, ch, reference, retry_after_ms);
            }
            _ if !is_open => {}
            ServerFrame::Pong => self.pong(),
            ServerFrame::Incoming { bytes } => self.incoming(bytes),
            ServerFrame::PubAck { ch, key, id, offset } => self.published(&ch, &key, id, offset),
            ServerFrame::PubNack { ch, key, code, message, retry_after_ms } => {
                self.publish_refused(&ch, &key, Error::from_server(code, message), retry_after_ms);
            }
            ServerFrame::Subd { ch, epoch, first, head, at, at_epoch, reference, .. } => {
                self.subscribed(&ch, reference, epoch, first, head, at, at_epoch);
            }
            ServerFrame::Live { ch, head, reference } => self.live(&ch, head, reference),
            ServerFrame::Cast { ch, data } => self.cast_arrived(&ch, data),
        }
    }

    /// A frame with an unknown `op` arrived: the server is newer than this client, and alive.
    pub fn handle_unknown_frame(&mut self, now: Instant, socket: SocketId) {
        self.advance(now);
        self.heard(socket);
    }

    /// A frame that violates the protocol arrived. Something may be missing in its place, and only a new
    /// connection brings it reliably.
    pub fn handle_bad_frame(&mut self, now: Instant, socket: SocketId, message: Text) {
        self.advance(now);
        if self.link.socket() != Some(socket) {
            return;
        }
        self.emit(Event::Error {
            channel: None,
            error: Error::with_text(known!(code::BAD_FRAME), message.clone()),
        });
        self.disconnect(close::BAD_FRAME);
        self.schedule_reconnect(Reason { code: ReasonCode::ProtocolError, message, close_code: None });
    }

    // A frame of each kind, for `handle_frame` and for the npm package, whose script reads the frames.

    /// Whether frames of this socket count, and then whether it is open. Before the welcome, the server can send only
    /// that, or the reason why there will be none.
    pub(crate) fn listens(&mut self, now: Instant, socket: SocketId) -> Option<bool> {
        self.advance(now);
        let is_open = self.heard(socket);
        (is_open || self.link.socket() == Some(socket)).then_some(is_open)
    }

    pub(crate) fn welcome(&mut self, socket: SocketId, heartbeat_ms: u64, max_frame_bytes: u64) {
        if let Link::Greeting { since, .. } = self.link {
            self.welcomed(socket, since, heartbeat_ms, max_frame_bytes);
        }
    }

    pub(crate) fn pong(&mut self) {
        if let Some(open) = self.link.open_mut() {
            open.in_transit.answered(self.now);
        }
    }

    pub(crate) fn incoming(&mut self, bytes: u64) {
        if let Some(open) = self.link.open_mut() {
            open.in_transit.announced(self.now, bytes);
        }
    }

    pub(crate) fn drain(&mut self, reconnect_in_ms: u64) {
        self.reconnect.pause(Some(reconnect_in_ms));
    }

    #[allow(clippy::too_many_arguments)]
    pub(crate) fn subscribed(
        &mut self,
        ch: &TextRef,
        reference: Option<u64>,
        epoch: Text,
        first: u64,
        head: u64,
        at: u64,
        at_epoch: Option<Text>,
    ) {
        if let Some((channel, mut cx)) = self.channel(ch)
            && channel.is_answered_by(reference)
        {
            let at_epoch = at_epoch.unwrap_or_else(|| epoch.clone());
            let at = Position { epoch: at_epoch, offset: at, id: None };
            channel.subscribed(epoch, first, head, at, &mut cx);
        }
    }

    pub(crate) fn live(&mut self, ch: &TextRef, head: u64, reference: Option<u64>) {
        if let Some((channel, mut cx)) = self.channel(ch)
            && channel.is_answered_by(reference)
        {
            channel.live(head, &mut cx);
        }
        self.plan_ack(); // one that came due during the replay was left out
    }

    pub(crate) fn cast_arrived(&mut self, ch: &TextRef, data: D) {
        if let Some((channel, cx)) = self.channel(ch) {
            cx.out.emit(Event::Cast { channel: channel.id, data });
        }
    }

    /// `err`: about a channel, or without one about the connection.
    pub(crate) fn server_error(
        &mut self,
        is_open: bool,
        error: Error,
        ch: Option<Text>,
        reference: Option<u64>,
        retry_after_ms: Option<u64>,
    ) {
        if ch.is_none() {
            self.reconnect.pause(retry_after_ms);
        }
        let Some(ch) = ch.filter(|_| is_open) else {
            return self.emit(Event::Error { channel: None, error });
        };
        let refusal = match retry_after_ms {
            Some(ms) => Refusal::Until(self.now.after_ms(pause_ms(ms))),
            None if error.code == known!(code::TOO_MANY_CHANNELS) => Refusal::OverLimit,
            None => Refusal::Final,
        };
        // An answer to an earlier `sub` does not affect this one.
        if let Some((channel, cx)) = self.channel(&ch)
            && (reference.is_none() || channel.is_answered_by(reference))
        {
            channel.refused(refusal, cx.stats);
            cx.out.emit(Event::Error { channel: Some(channel.id), error });
        }
        self.subscribe_again();
    }
}
