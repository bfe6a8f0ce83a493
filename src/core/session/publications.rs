//! What an application sends: publications, which wait in the outbox until the log has them, and ephemeral events.

use super::link::Link;
use super::{Session, check_name, closed};
use crate::core::outbox::{Line, Next, frame_bytes};
use crate::core::reconnect::pause_ms;
use crate::core::timer::Timer;
use crate::core::{Error, Event, Instant, PublishId};
use crate::wire::{ClientFrame, KEY_BYTES_MAX, KEY_RULE, MessageId, Text, TextRef, code, known};

/// Ephemeral events are dropped while more than this waits in the socket.
const CAST_BUFFERED_BYTES_MAX: u64 = 65_536;

impl<B, D: Clone> Session<B, D> {
    /// Publishes a message under an idempotency key. The answer is an event, [`Event::Published`] or
    /// [`Event::PublishFailed`], and is never among the outputs of this very call: the caller must know the id
    /// first. `bytes` is the payload's size as JSON.
    pub fn publish(
        &mut self,
        now: Instant,
        name: Text,
        key: Text,
        data: D,
        bytes: u64,
    ) -> Result<PublishId, Error> {
        self.advance(now);
        check_name(&name)?;
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            return Err(Error::new(known!(code::BAD_KEY), known!(KEY_RULE)));
        }
        let bytes = frame_bytes(name.len() + key.len(), bytes);
        self.check_frame(bytes)?;
        if self.outbox.len() as u64 >= self.config.outbox_messages_max {
            return Err(Error::new(
                known!(code::OUTBOX_FULL),
                known!("too many publications wait; try again later"),
            ));
        }
        let id = self.draw_id();
        self.outbox.push(id, name, key, data, bytes);
        self.flush_outbox();
        Ok(id)
    }

    /// Sends an ephemeral event, if it can be sent now; otherwise it is dropped. `bytes` is the payload's size as
    /// JSON, `buffered_bytes` what already waits in the socket.
    pub fn cast(
        &mut self,
        now: Instant,
        name: Text,
        data: D,
        bytes: u64,
        buffered_bytes: u64,
    ) -> Result<(), Error> {
        self.advance(now);
        check_name(&name)?;
        self.check_frame(frame_bytes(name.len(), bytes))?;
        if let Some(open) = self.link.open_mut()
            && buffered_bytes <= CAST_BUFFERED_BYTES_MAX
        {
            open.in_transit.cast(self.now, bytes);
            self.out.send(open.socket, ClientFrame::Cast { ch: name, data });
        }
        Ok(())
    }

    /// Whether a frame of this size may be sent at all.
    fn check_frame(&self, bytes: u64) -> Result<(), Error> {
        match &self.link {
            Link::Closed => Err(closed()),
            Link::Open(_) if self.frame_bytes_max.is_some_and(|max| bytes > max) => Err(too_large()),
            _ => Ok(()),
        }
    }

    /// Sends the publications that may be sent now, and sets the timer for the rest. Before `welcome`, that is what
    /// fits the limit of the last one.
    pub(super) fn flush_outbox(&mut self) {
        let (Some(socket), Some(frame_bytes_max)) = (self.link.greeted(), self.frame_bytes_max) else {
            return;
        };
        let opened_at = self.link.open().map(|open| open.opened_at);
        // The page was busy, and a close may be unread in the socket.
        if self.outbox.is_isolating() && self.timers.is_late(Timer::Outbox, self.now) {
            return;
        }
        while let Some(next) = self.outbox.next(self.now, Line { opened_at, frame_bytes_max }) {
            match next {
                Next::Send(frame) => self.out.send(socket, frame),
                Next::TooLarge(publish) => {
                    self.out.emit(Event::PublishFailed { publish, error: too_large() });
                }
            }
        }
        match self.outbox.next_at(self.now, opened_at) {
            Some(at) => self.timers.set(Timer::Outbox, at),
            None => self.timers.stop(Timer::Outbox),
        }
    }

    /// `puback`: a publication is in the log.
    pub(crate) fn published(&mut self, ch: &TextRef, key: &TextRef, id: MessageId, offset: u64) {
        if let Some(publish) = self.outbox.answered(ch, key, self.now) {
            self.stats.published += 1;
            self.emit(Event::Published { publish, id, offset });
        }
        self.flush_outbox();
    }

    /// `pubnack`: the server rejected a publication, for good or until a pause is over.
    pub(crate) fn publish_refused(
        &mut self,
        ch: &TextRef,
        key: &TextRef,
        error: Error,
        retry_after_ms: Option<u64>,
    ) {
        if let Some(ms) = retry_after_ms {
            self.outbox.pause(ch, key, self.now, self.now.after_ms(pause_ms(ms)));
        } else if let Some(publish) = self.outbox.answered(ch, key, self.now) {
            self.emit(Event::PublishFailed { publish, error });
        }
        self.flush_outbox();
    }
}

fn too_large() -> Error {
    Error::new(
        known!(code::TOO_LARGE),
        known!("the payload is larger than the server accepts (max_frame_bytes); split it"),
    )
}
