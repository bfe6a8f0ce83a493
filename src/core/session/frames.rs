//! Frames from the server.

use super::Session;
use super::link::Link;
use crate::core::channel::Refusal;
use crate::core::reconnect::pause_ms;
use crate::core::{Batch, Error, Event, Instant, Reason, ReasonCode, SocketId};
use crate::wire::{Position, ServerFrame, Text, TextRef, close, code};

impl<B, D: Clone> Session<B, D> {
    /// A frame of messages arrived.
    pub fn handle_messages(&mut self, now: Instant, socket: SocketId, name: &TextRef, batch: Batch<B>) {
        self.advance(now);
        if !self.heard(socket) {
            return;
        }
        let (channels, mut cx) = self.split();
        if let Some(channel) = channels.iter_mut().find(|channel| channel.name == *name) {
            channel.messages(batch, &mut cx);
        }
    }

    /// Any other frame arrived.
    pub fn handle_frame(&mut self, now: Instant, socket: SocketId, frame: ServerFrame<D>) {
        self.advance(now);
        if self.heard(socket) {
            self.frame(frame);
        } else if self.link.socket() == Some(socket) {
            self.frame_before_welcome(socket, frame);
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
        self.emit(Event::Error { channel: None, error: Error::with_text(code::BAD_FRAME, message.clone()) });
        self.disconnect(close::BAD_FRAME);
        self.schedule_reconnect(Reason { code: ReasonCode::ProtocolError, message, close_code: None });
    }

    /// Before the welcome, the server can send only that, or the reason why there will be none.
    fn frame_before_welcome(&mut self, socket: SocketId, frame: ServerFrame<D>) {
        match frame {
            ServerFrame::Welcome { heartbeat_ms, max_frame_bytes, .. } => {
                if let Link::Greeting { since, .. } = self.link {
                    self.welcomed(socket, since, heartbeat_ms, max_frame_bytes);
                }
            }
            ServerFrame::Err { code, message, ch, retry_after_ms, .. } => {
                if ch.is_none() {
                    self.reconnect.pause(retry_after_ms);
                }
                self.emit(Event::Error { channel: None, error: Error::from_server(code, message) });
            }
            ServerFrame::Drain { reconnect_in_ms } => self.reconnect.pause(Some(reconnect_in_ms)),
            _ => {}
        }
    }

    fn frame(&mut self, frame: ServerFrame<D>) {
        match frame {
            ServerFrame::Welcome { .. } => {}
            ServerFrame::Pong => {
                if let Some(open) = self.link.open_mut() {
                    open.in_transit.answered(self.now);
                }
            }
            ServerFrame::Incoming { bytes } => {
                if let Some(open) = self.link.open_mut() {
                    open.in_transit.announced(self.now, bytes);
                }
            }
            ServerFrame::Drain { reconnect_in_ms } => self.reconnect.pause(Some(reconnect_in_ms)),
            ServerFrame::PubAck { ch, key, id, offset } => self.published(&ch, &key, id, offset),
            ServerFrame::PubNack { ch, key, code, message, retry_after_ms } => {
                self.publish_refused(&ch, &key, Error::from_server(code, message), retry_after_ms);
            }
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

    /// `err`: about a channel, or without one about the connection.
    fn server_error(
        &mut self,
        error: Error,
        ch: Option<Text>,
        reference: Option<u64>,
        retry_after_ms: Option<u64>,
    ) {
        let Some(ch) = ch else {
            self.reconnect.pause(retry_after_ms);
            return self.emit(Event::Error { channel: None, error });
        };
        let refusal = match retry_after_ms {
            Some(ms) => Refusal::Until(self.now.after_ms(pause_ms(ms))),
            None if error.code == code::TOO_MANY_CHANNELS => Refusal::OverLimit,
            None => Refusal::Final,
        };
        self.with_channel(&ch, |channel, cx| {
            // An answer to an earlier `sub` does not affect this one.
            if reference.is_none() || channel.is_answered_by(reference) {
                channel.refused(refusal, cx.stats);
                cx.out.emit(Event::Error { channel: Some(channel.id), error });
            }
        });
        self.subscribe_again();
    }
}
