//! What comes of a run of messages: it is delivered, parked ahead of a replay, dropped, or shows a hole.

use super::{Channel, Context, Phase};
use crate::core::event::{Batch, Event, GapReason};
use crate::core::seam::{Seam, judge};
use crate::wire::ClientFrame;

impl<B> Channel<B> {
    /// `msgs`: a run of messages.
    pub fn messages<D>(&mut self, batch: Batch<B>, cx: &mut Context<'_, B, D>) {
        cx.stats.received += batch.count;
        if !matches!(self.phase, Phase::Replaying { .. } | Phase::Live) {
            cx.stats.discarded += batch.count; // and it used up the credit of an earlier `sub`
            return;
        }
        if batch.replay {
            self.credit = self.credit.saturating_sub(batch.count);
        }
        match judge(self.offset(), batch.n, batch.count) {
            Seam::Hole { .. } if !batch.replay && matches!(self.phase, Phase::Replaying { .. }) => {
                self.park(batch, cx);
            }
            Seam::Hole { to, .. } => self.hole(to, batch, cx),
            Seam::Fresh { skip } => self.deliver(batch, skip, cx),
            Seam::Seen => cx.stats.duplicates += batch.count,
        }
        self.grant(cx);
    }

    /// Hands over the messages from `skip` on, unless too many wait for the application: then the
    /// channel lets go of them, and fetches them from the log when the application has caught up.
    fn deliver<D>(&mut self, batch: Batch<B>, skip: u64, cx: &mut Context<'_, B, D>) {
        let fresh = batch.count - skip;
        let waiting = self.progress.pending();
        if waiting > 0 && waiting.saturating_add(fresh) > cx.config.queue_messages_max {
            cx.stats.discarded += batch.count;
            self.enter(Phase::Lagging, cx.stats);
            cx.send(ClientFrame::Unsub { ch: self.name.clone() });
            return;
        }
        if self.repair.take().is_some() {
            cx.stats.repairs += 1;
        }
        if let Some(position) = &mut self.position {
            position.offset = batch.n.saturating_add(batch.count - 1);
            position.id = Some(batch.last_id);
        }
        self.progress.delivered(fresh);
        cx.stats.duplicates += skip;
        cx.stats.delivered += fresh;
        cx.tell(Event::Deliver { channel: self.id, batch, skip });
    }

    /// A live frame ahead of a running replay: the replay will bring what lies between.
    fn park<D>(&mut self, batch: Batch<B>, cx: &mut Context<'_, B, D>) {
        self.ahead = self.ahead.max(batch.n.saturating_add(batch.count - 1));
        let Phase::Replaying { parked } = &mut self.phase else { return };
        let waiting: u64 = parked.iter().map(|batch| batch.count).sum();
        if waiting.saturating_add(batch.count) > cx.config.replay_credit {
            cx.stats.discarded += batch.count; // `ahead` remembers that it is to be fetched
            self.let_go = self.let_go.min(batch.n);
        } else {
            parked.push(batch);
        }
    }

    /// Messages are missing before this batch: ask the log for them, once. If the server still
    /// skips them, they are lost.
    fn hole<D>(&mut self, to: u64, batch: Batch<B>, cx: &mut Context<'_, B, D>) {
        if self.asked_again(cx) {
            cx.stats.discarded += batch.count;
            return;
        }
        let to = self.lost_to(to);
        self.gap(Some(to), GapReason::Hole, to, cx);
        match judge(self.offset(), batch.n, batch.count) {
            Seam::Hole { to, .. } => self.hole(to, batch, cx), // asks: this position is another one
            _ => self.deliver(batch, 0, cx),
        }
    }

    /// Up to where messages are lost that a second replay has not brought either: at most to those that
    /// only found no room among the parked frames.
    fn lost_to(&self, to: u64) -> u64 {
        to.min(self.let_go.saturating_sub(1))
    }

    /// Asks for what follows the position, unless that was done already without success.
    fn asked_again<D>(&mut self, cx: &mut Context<'_, B, D>) -> bool {
        if self.repair == Some(self.offset()) {
            return false;
        }
        self.repair = Some(self.offset());
        self.subscribe(cx);
        true
    }

    /// `live`: the replay has ended at `head`. Now the parked frames must fit on; what is still
    /// missing is a hole.
    pub fn live<D>(&mut self, head: u64, cx: &mut Context<'_, B, D>) {
        let parked = match &mut self.phase {
            Phase::Replaying { parked } => std::mem::take(parked),
            Phase::Live => Vec::new(), // the server fell back to the log for a while
            _ => return,
        };
        self.phase = Phase::Live;
        for batch in parked {
            if !matches!(self.phase, Phase::Live) {
                cx.stats.discarded += batch.count; // a second replay has begun
                continue;
            }
            match judge(self.offset(), batch.n, batch.count) {
                Seam::Seen => cx.stats.duplicates += batch.count,
                Seam::Fresh { skip } => self.deliver(batch, skip, cx),
                Seam::Hole { to, .. } => self.hole(to, batch, cx),
            }
        }
        let end = head.max(self.ahead);
        while matches!(self.phase, Phase::Live) && self.offset() < end {
            if self.asked_again(cx) {
                return;
            }
            let to = self.lost_to(end);
            self.gap(Some(to), GapReason::Hole, to, cx);
        }
        if matches!(self.phase, Phase::Live) {
            self.repair = None;
            cx.tell(Event::Live { channel: self.id });
        }
    }
}
