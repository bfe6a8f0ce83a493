//! What happens to a run of messages: it is delivered, buffered ahead of a replay, dropped, or shows a hole.

use super::phase::{Buffer, Stage, Subscription};
use super::repair::{Repair, Step};
use super::{Channel, Context, Cursor, Interest, Phase};
use crate::core::seam::{Seam, classify};
use crate::core::sum::sum;
use crate::core::timer::Timer;
use crate::core::{Batch, Event, GapReason};
use crate::wire::ClientFrame;

impl<B> Channel<B> {
    /// `msgs`: a run of messages.
    pub fn messages<D>(&mut self, batch: Batch<B>, cx: &mut Context<'_, B, D>) {
        cx.stats.received += batch.count;
        if !self.phase.is_streaming() || self.interest == Interest::Casts {
            cx.stats.discarded += batch.count; // and it used up the credit of an earlier `sub`
            return;
        }
        self.progress.queue.learn_size(&batch);
        if let Some(subscription) = self.phase.subscription_mut().filter(|_| batch.replay) {
            subscription.used = sum(subscription.used, batch.count);
        }
        match classify(self.offset(), batch.n, batch.count) {
            Seam::Hole { .. } if !batch.replay && self.phase.buffer().is_some() => self.buffer(batch, cx),
            Seam::Hole { to, .. } => self.hole(to, None, batch, cx),
            Seam::Fresh { skip } => self.deliver(batch, skip, cx),
            Seam::Seen => cx.stats.duplicates += batch.count,
        }
        self.grant(cx);
    }

    /// Delivers the messages from `skip` on, unless too many wait for the application: then the
    /// channel drops them, and fetches them from the log when the application has caught up.
    fn deliver<D>(&mut self, batch: Batch<B>, skip: u64, cx: &mut Context<'_, B, D>) {
        let fresh = batch.count - skip;
        if !self.progress.queue.has_room(fresh, batch.bytes, cx.config) {
            cx.stats.discarded += batch.count;
            self.progress.queue.overflowed();
            self.enter(Phase::Lagging, cx.stats);
            cx.send(ClientFrame::Unsub { ch: self.name.clone() });
            return;
        }
        if let Some(cursor) = &mut self.cursor {
            cx.stats.repairs += u64::from(cursor.advance(batch.end(), batch.last_id.to_owned()));
        }
        self.progress.queue.delivered(fresh, batch.bytes);
        cx.stats.duplicates += skip;
        cx.stats.delivered += fresh;
        cx.emit(Event::Deliver { channel: self.id, batch, skip });
    }

    /// A live frame ahead of a running replay: the replay will bring what lies between.
    fn buffer<D>(&mut self, batch: Batch<B>, cx: &mut Context<'_, B, D>) {
        let Some(buffer) = self.phase.buffer() else { return };
        let count = batch.count;
        if !buffer.push(batch, cx.config.queue_messages_max, cx.config.queue_bytes_max) {
            cx.stats.discarded += count; // the buffer remembers that it is to be fetched
        }
    }

    /// Messages are missing before this batch. They are requested again, once. What the server still skips is
    /// lost, except for messages from `dropped_from` on, for which the buffer had no room.
    fn hole<D>(&mut self, to: u64, dropped_from: Option<u64>, batch: Batch<B>, cx: &mut Context<'_, B, D>) {
        if self.request_again(batch.end(), cx) {
            cx.stats.discarded += batch.count;
            return;
        }
        let to = lost_to(to, dropped_from);
        self.gap(Some(to), GapReason::Hole, to, cx);
        match classify(self.offset(), batch.n, batch.count) {
            Seam::Hole { to, .. } => self.hole(to, None, batch, cx), // requests: this position is another one
            _ => self.deliver(batch, 0, cx),
        }
    }

    /// Requests the messages after the position again, unless that has already failed once. A message at
    /// `seen` has arrived, or the server has reported that the log has it.
    fn request_again<D>(&mut self, seen: u64, cx: &mut Context<'_, B, D>) -> bool {
        if let Some(cursor) = &mut self.cursor {
            if cursor.repair.is_some() {
                return false;
            }
            cursor.repair = Some(Repair::new(seen));
        }
        self.subscribe(cx);
        true
    }

    /// `live`: the replay has ended at `head`. Now the buffered frames must follow it; what is still missing is a
    /// hole.
    pub fn live<D>(&mut self, head: u64, cx: &mut Context<'_, B, D>) {
        let buffer = self.phase.subscription_mut().and_then(Subscription::go_live);
        let Some((batches, buffered_end, dropped_from)) = buffer.map(Buffer::into_parts) else { return };
        if self.interest == Interest::Casts {
            return cx.emit(Event::Live { channel: self.id });
        }
        for batch in batches {
            if !self.phase.is_live() {
                cx.stats.discarded += batch.count; // a second replay has begun
                continue;
            }
            match classify(self.offset(), batch.n, batch.count) {
                Seam::Seen => cx.stats.duplicates += batch.count,
                Seam::Fresh { skip } => self.deliver(batch, skip, cx),
                Seam::Hole { to, .. } => self.hole(to, dropped_from, batch, cx),
            }
        }
        let end = buffered_end.map_or(head, |end| end.max(head));
        while self.phase.is_live() && self.offset() < end {
            if self.request_again(end, cx) {
                return;
            }
            let to = lost_to(end, dropped_from);
            self.gap(Some(to), GapReason::Hole, to, cx);
        }
        if self.phase.is_live() && !self.waits_for_repair(cx) {
            cx.emit(Event::Live { channel: self.id });
        }
    }

    /// The replay is over. Returns whether messages that were requested again have still not arrived, and
    /// must be requested once more.
    fn waits_for_repair<D>(&mut self, cx: &mut Context<'_, B, D>) -> bool {
        let Some(Cursor { repair: Some(repair), .. }) = &mut self.cursor else { return false };
        match repair.nothing_came(cx.now) {
            None => false,
            Some(Step::AskAt(at)) => {
                if let Some(subscription) = self.phase.subscription_mut() {
                    subscription.stage = Stage::Live { ask_at: Some(at) };
                }
                cx.timers.set_earlier(Timer::Subscribe, at);
                true
            }
            Some(Step::GiveUp(to)) => {
                self.gap(Some(to), GapReason::Hole, to, cx);
                false
            }
        }
    }
}

/// The last offset that is lost because the second replay has not brought it either. It is before the
/// messages for which the buffer had no room.
fn lost_to(to: u64, dropped_from: Option<u64>) -> u64 {
    dropped_from.map_or(to, |from| to.min(from.saturating_sub(1)))
}
