//! One subscription: its position, its phase, and the credit that it grants.

mod messages;
mod progress;

use self::progress::Progress;
use super::config::Config;
use super::event::{Batch, ChannelId, Event, Gap, GapReason, Outputs, SocketId, Stats};
use super::position::Position;
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
    /// How far the application has come with that.
    progress: Progress,
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
            progress: Progress::new(position.clone()),
            position,
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
        self.progress.forget_acks();
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
        if let Some(position) = &self.position {
            self.progress.rewound(position);
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

    /// The application has processed `count` more messages, and everything up to `position`.
    pub fn processed<D>(&mut self, count: u64, position: Position, cx: &mut Context<'_, B, D>) {
        self.progress.processed(count, position);
        if matches!(self.phase, Phase::Lagging) && self.progress.pending() <= limit(cx.config) / 2 {
            self.subscribe(cx);
        } else {
            self.grant(cx);
        }
    }

    /// Whether there is something to acknowledge.
    pub fn unacked(&self) -> bool {
        self.progress.unacked()
    }

    /// Acknowledges what was processed.
    pub fn ack<D>(&mut self, cx: &mut Context<'_, B, D>) {
        let attached = matches!(self.phase, Phase::Replaying { .. } | Phase::Live);
        let Some(position) = self.position.as_ref().filter(|_| attached) else { return };
        if let Some(Position { epoch, offset, id }) = self.progress.next_ack(position) {
            cx.send(ClientFrame::Ack { ch: self.name.clone(), epoch, offset, id });
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
        limit(config).saturating_sub(self.progress.pending())
    }
}

/// How many replayed messages may be on their way or wait for the application.
fn limit(config: &Config) -> u64 {
    config.replay_credit.min(config.queue_messages_max).max(1)
}
