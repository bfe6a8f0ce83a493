//! One subscription: its position, and what each frame does to it.

use super::config::Config;
use super::event::{Batch, ChannelId, Event, Gap, GapReason, Outputs, SocketId, Stats};
use super::position::Position;
use super::seam::{Seam, judge};
use super::timer::Instant;
use crate::wire::{ClientFrame, StartAt};

/// What a channel needs of its session.
pub(super) struct Context<'a, B, D> {
    pub out: &'a mut Outputs<B, D>,
    pub stats: &'a mut Stats,
    pub config: &'a Config,
    /// How many times this session has subscribed.
    pub subs: &'a mut u64,
    /// The socket, when the connection is open.
    pub socket: Option<SocketId>,
}

impl<B, D> Context<'_, B, D> {
    fn send(&mut self, frame: ClientFrame<D>) {
        if let Some(socket) = self.socket {
            self.out.send(socket, frame);
        }
    }

    fn tell(&mut self, event: Event<B, D>) {
        self.out.tell(event);
    }
}

/// Where a subscription stands in its life.
#[derive(Debug)]
enum Phase<B> {
    /// No connection, or the server refused the channel on this one.
    Detached,
    /// `sub` is sent. Frames that come before `subd` belong to an earlier `sub`, whose replay this
    /// one repeats: they are let go of.
    Subscribing,
    /// The replay runs. Live frames that lie ahead of it wait here until it has met them.
    Replaying { parked: Vec<Batch<B>> },
    /// Frames follow each other without a hole.
    Live,
    /// The application cannot keep up: unsubscribed until it has.
    Lagging,
    /// The server ended the subscription and may take it up again at this moment.
    Resting { until: Instant },
}

/// A subscription.
#[derive(Debug)]
pub(super) struct Channel<B> {
    pub id: ChannelId,
    pub name: String,
    from: Option<StartAt>,
    /// Everything up to here was delivered. `None` until the first `subd`.
    position: Option<Position>,
    /// Everything up to here was processed by the application.
    processed: Option<Position>,
    acked: Option<Position>,
    /// Messages delivered and not yet processed.
    pending: u64,
    /// The first so many of them are of before a rewind: their offsets now name other messages.
    outdated: u64,
    /// Where the log was rewound to, until the application has processed a message from after it.
    rewound: Option<Position>,
    /// Replayed messages that the server may still send.
    credit: u64,
    /// The highest offset seen in a frame that was not delivered.
    ahead: u64,
    /// The lowest offset of a parked frame for which there was no room.
    let_go: u64,
    /// Which `sub` was the last; an answer to an earlier one says nothing of this one.
    reference: u64,
    /// The position after which a missing message was already asked for a second time.
    repair: Option<u64>,
    phase: Phase<B>,
}

impl<B> Channel<B> {
    pub fn new(id: ChannelId, name: String, from: Option<StartAt>, position: Option<Position>) -> Self {
        Channel {
            id,
            name,
            from,
            processed: position.clone(),
            acked: position.clone(),
            position,
            pending: 0,
            outdated: 0,
            rewound: None,
            credit: 0,
            ahead: 0,
            let_go: u64::MAX,
            reference: 0,
            repair: None,
            phase: Phase::Detached,
        }
    }

    /// Everything up to here was delivered; before the first `subd`, where the application begins.
    pub fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    /// Asks the server for everything after the position.
    pub fn subscribe<D>(&mut self, cx: &mut Context<'_, B, D>) {
        self.enter(Phase::Subscribing, cx.stats);
        self.ahead = 0;
        self.let_go = u64::MAX;
        self.credit = self.window(cx.config);
        *cx.subs += 1;
        self.reference = *cx.subs;
        let from = if self.position.is_none() { self.from } else { None };
        cx.send(ClientFrame::Sub {
            ch: self.name.clone(),
            position: self.position.clone(),
            from,
            credit: self.credit,
            reference: Some(self.reference),
        });
    }

    /// The connection is gone.
    pub fn detach(&mut self, stats: &mut Stats) {
        self.enter(Phase::Detached, stats);
        self.acked = None; // the last ack may have been lost with it
    }

    /// Moves on to another phase. What was parked in the last one is let go of.
    fn enter(&mut self, phase: Phase<B>, stats: &mut Stats) {
        if let Phase::Replaying { parked } = std::mem::replace(&mut self.phase, phase) {
            stats.discarded += parked.iter().map(|batch| batch.count).sum::<u64>();
        }
    }

    /// The server refused the channel, for good or until a moment.
    pub fn refused(&mut self, until: Option<Instant>, stats: &mut Stats) {
        match (&self.phase, until) {
            (Phase::Detached | Phase::Lagging, _) => {}
            (_, Some(until)) => self.enter(Phase::Resting { until }, stats),
            (Phase::Subscribing, None) => self.phase = Phase::Detached,
            _ => {}
        }
    }

    /// When to subscribe again, if the server asked for a pause.
    pub fn resting_until(&self) -> Option<Instant> {
        match self.phase {
            Phase::Resting { until } => Some(until),
            _ => None,
        }
    }

    /// Whether a `subd` is meant for this subscription: it answers the last `sub`, or none.
    pub fn is_answered_by(&self, reference: Option<u64>) -> bool {
        let attached = !matches!(self.phase, Phase::Detached | Phase::Lagging | Phase::Resting { .. });
        attached && reference.is_none_or(|reference| reference == self.reference)
    }

    /// `subd`: the numbers of the log. They decide, whatever else the server claims. `at` is where the
    /// server has this client, if the client does not know.
    pub fn subscribed<D>(
        &mut self,
        epoch: String,
        first: u64,
        head: u64,
        at: Position,
        cx: &mut Context<'_, B, D>,
    ) {
        self.enter(Phase::Replaying { parked: Vec::new() }, cx.stats);
        let before_first = first.saturating_sub(1);
        if self.position.is_none() {
            self.position = Some(at.clone());
            cx.tell(Event::Attached { channel: self.id, position: at });
        }
        let Some(position) = &self.position else { return };
        if position.epoch != epoch {
            self.repair = None;
            self.log_replaced(epoch, before_first, cx);
        } else if position.offset > head {
            self.log_rewound(head, cx);
        } else if position.offset < before_first {
            self.gap(Some(before_first), GapReason::Trimmed, before_first, cx);
        }
    }

    /// Another epoch: all of the new log is new, and nothing is known of the rest of the old one.
    fn log_replaced<D>(&mut self, epoch: String, before_first: u64, cx: &mut Context<'_, B, D>) {
        let from = self.offset().saturating_add(1);
        self.position = Some(Position { epoch, offset: before_first, id: None });
        self.report(Gap { from, to: None, reason: GapReason::EpochChanged }, cx);
    }

    /// The same epoch, but the log ends before the position.
    fn log_rewound<D>(&mut self, head: u64, cx: &mut Context<'_, B, D>) {
        let gap = Gap { from: head.saturating_add(1), to: Some(self.offset()), reason: GapReason::Rewound };
        self.move_to(head);
        self.outdated = self.pending;
        self.rewound = self.position.clone();
        if let (Some(processed), Some(position)) = (&self.processed, &self.position)
            && processed.epoch == position.epoch // of another one, it says nothing about this log
            && processed.offset > head
        {
            self.processed = self.position.clone();
        }
        self.report(gap, cx);
    }

    /// What lies between the position and `offset` is lost: go on after it.
    fn gap<D>(&mut self, to: Option<u64>, reason: GapReason, offset: u64, cx: &mut Context<'_, B, D>) {
        let gap = Gap { from: self.offset().saturating_add(1), to, reason };
        self.move_to(offset);
        self.report(gap, cx);
    }

    fn report<D>(&mut self, gap: Gap, cx: &mut Context<'_, B, D>) {
        let Some(position) = self.position.clone() else { return };
        self.repair = None;
        cx.stats.gaps += 1;
        cx.tell(Event::Gap { channel: self.id, gap, position });
    }

    fn move_to(&mut self, offset: u64) {
        if let Some(position) = &mut self.position {
            position.offset = offset;
            position.id = None;
        }
    }

    fn offset(&self) -> u64 {
        self.position.as_ref().map_or(0, |position| position.offset)
    }

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
        if self.pending > 0 && self.pending.saturating_add(fresh) > cx.config.queue_messages_max {
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
        self.pending = self.pending.saturating_add(fresh);
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

    /// The application has processed `count` more messages, and everything up to `position`.
    pub fn processed<D>(&mut self, count: u64, position: Position, cx: &mut Context<'_, B, D>) {
        // A gap of before the rewind counts no messages; only what follows tells it apart.
        if count > self.outdated {
            self.rewound = None;
        }
        self.outdated = self.outdated.saturating_sub(count);
        if self.rewound.as_ref().is_none_or(|rewound| *rewound == position) {
            self.processed = Some(position);
        }
        self.pending = self.pending.saturating_sub(count);
        if matches!(self.phase, Phase::Lagging) && self.pending <= limit(cx.config) / 2 {
            self.subscribe(cx);
        } else {
            self.grant(cx);
        }
    }

    /// Whether there is something to acknowledge.
    pub fn unacked(&self) -> bool {
        self.processed != self.acked
    }

    /// Acknowledges the processed position, unless it is one of a log that was replaced.
    pub fn ack<D>(&mut self, cx: &mut Context<'_, B, D>) {
        let attached = matches!(self.phase, Phase::Replaying { .. } | Phase::Live);
        let (Some(processed), Some(position)) = (&self.processed, &self.position) else { return };
        let ours = processed.epoch == position.epoch && processed.offset <= position.offset;
        if attached && self.unacked() && ours {
            cx.send(ClientFrame::Ack {
                ch: self.name.clone(),
                epoch: processed.epoch.clone(),
                offset: processed.offset,
                id: processed.id,
            });
            self.acked = self.processed.clone();
        }
    }

    /// Grants more credit when half of the window is free: neither a grant per message, nor a
    /// replay that waits for one.
    fn grant<D>(&mut self, cx: &mut Context<'_, B, D>) {
        if matches!(self.phase, Phase::Detached | Phase::Lagging | Phase::Resting { .. }) {
            return;
        }
        let more = self.window(cx.config).saturating_sub(self.credit);
        if more > 0 && more >= limit(cx.config) / 2 {
            self.credit += more;
            cx.send(ClientFrame::More { ch: self.name.clone(), credit: more });
        }
    }

    /// How many replayed messages may be on their way.
    fn window(&self, config: &Config) -> u64 {
        limit(config).saturating_sub(self.pending)
    }
}

/// How many replayed messages may be on their way or wait for the application.
fn limit(config: &Config) -> u64 {
    config.replay_credit.min(config.queue_messages_max).max(1)
}
