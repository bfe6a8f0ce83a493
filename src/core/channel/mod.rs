//! One subscription: its position, its phase, and the credit that it grants.

mod cursor;
mod delivery;
mod phase;
mod progress;
mod queue;
mod repair;

use self::cursor::Cursor;
use self::phase::{Buffer, Phase, Stage, Subscription};
use self::progress::Progress;
use super::config::Config;
use super::event::{ChannelId, Event, Gap, GapReason};
use super::output::{Outputs, SocketId};
use super::stats::Stats;
use super::sum::sum;
use super::timer::{Instant, Timers};
use crate::wire::{Ahead, ClientFrame, Position, StartAt, Text};

/// The credit for a whole window is granted in about so many steps.
const GRANTS_PER_WINDOW: u64 = 8;

/// What a channel needs from its session.
pub(super) struct Context<'a, B, D> {
    pub out: &'a mut Outputs<B, D>,
    pub stats: &'a mut Stats,
    pub config: &'a Config,
    /// The reference of the session's last `sub`.
    pub last_reference: &'a mut u64,
    /// The socket, once `hello` is sent.
    pub socket: Option<SocketId>,
    /// How long the server's answer to `hello` took.
    pub round_trip_ms: u64,
    pub timers: &'a mut Timers,
    pub now: Instant,
}

impl<B, D> Context<'_, B, D> {
    fn send(&mut self, frame: ClientFrame<D>) {
        if let Some(socket) = self.socket {
            self.out.send(socket, frame);
        }
    }

    fn emit(&mut self, event: Event<B, D>) {
        self.out.emit(event);
    }
}

/// What an application wants from a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Ephemeral events, and when the channel is live. Messages are neither replayed nor delivered, and
    /// nothing is acknowledged.
    Casts,
    /// Messages too.
    Messages,
}

/// Why the server ended a subscription, or did not begin it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The channel may be requested again from this moment on.
    Until(Instant),
    /// The connection has reached its limit of channels. The channel is requested again when another one is
    /// closed.
    OverLimit,
    /// The channel is requested again on the next connection.
    Final,
}

/// A subscription.
#[derive(Debug)]
pub(super) struct Channel<B> {
    pub id: ChannelId,
    pub name: Text,
    interest: Interest,
    from: Option<StartAt>,
    /// How far it was delivered. `None` until the application or the first `subd` gives a position.
    cursor: Option<Cursor>,
    /// How far the application has processed it.
    progress: Progress,
    phase: Phase<B>,
}

impl<B> Channel<B> {
    pub fn new(
        id: ChannelId,
        name: Text,
        interest: Interest,
        from: Option<StartAt>,
        position: Option<Position>,
    ) -> Self {
        Channel {
            id,
            name,
            interest,
            from,
            progress: Progress::new(position.clone()),
            cursor: position.map(Cursor::new),
            phase: Phase::Detached,
        }
    }

    /// Everything up to here was delivered; before the first `subd`, where the application begins.
    pub fn position(&self) -> Option<&Position> {
        self.cursor.as_ref().map(Cursor::position)
    }

    /// Asks the server for everything after the position.
    pub fn subscribe<D>(&mut self, cx: &mut Context<'_, B, D>) {
        *cx.last_reference += 1;
        let (reference, credit, ahead) =
            (*cx.last_reference, self.credit(0, 0, cx.config), self.ahead(cx.config));
        self.enter(Phase::requested(reference, credit), cx.stats);
        let position = self.position().cloned();
        let from = self.from.filter(|_| position.is_none());
        let ch = self.name.clone();
        cx.send(ClientFrame::Sub { ch, position, from, credit, ahead, reference: Some(reference) });
    }

    /// The connection is lost.
    pub fn detach(&mut self, stats: &mut Stats) {
        self.enter(Phase::Detached, stats);
        if let Some(Cursor { repair: Some(repair), .. }) = &mut self.cursor {
            repair.detach();
        }
        self.progress.forget_acks();
    }

    /// Changes the phase. Buffered frames of the last phase are dropped.
    fn enter(&mut self, phase: Phase<B>, stats: &mut Stats) {
        stats.discarded += self.phase.buffer().map_or(0, |buffer| buffer.count());
        self.phase = phase;
    }

    /// The server refused the channel: an answer to a `sub`, or (without one) the end of the subscription.
    pub fn refused(&mut self, refusal: Refusal, stats: &mut Stats) {
        let phase = match (&self.phase, refusal) {
            (Phase::Detached | Phase::Lagging, _) => return,
            (_, Refusal::Until(until)) => Phase::Suspended { until },
            (Phase::Attached(Subscription { stage: Stage::Requested, .. }), Refusal::OverLimit) => {
                Phase::OverLimit
            }
            (Phase::Attached(Subscription { stage: Stage::Requested, .. }), Refusal::Final) => {
                Phase::Detached
            }
            _ => return,
        };
        self.enter(phase, stats);
    }

    /// When to subscribe again, if the channel must.
    pub fn subscribe_at(&self) -> Option<Instant> {
        self.phase.subscribe_at()
    }

    /// Whether the channel is over the limit.
    pub fn is_over_limit(&self) -> bool {
        matches!(self.phase, Phase::OverLimit)
    }

    /// Whether an answer is for this subscription: it has the reference of the last `sub`, or none.
    pub fn is_answered_by(&self, reference: Option<u64>) -> bool {
        let Some(subscription) = self.phase.subscription() else { return false };
        reference.is_none_or(|reference| reference == subscription.reference)
    }

    /// `subd`: the numbers of the log. They decide, whatever else the server reports. `at` is the client's
    /// position according to the server, for a client that has none.
    pub fn subscribed<D>(
        &mut self,
        epoch: Text,
        first: u64,
        head: u64,
        at: Position,
        cx: &mut Context<'_, B, D>,
    ) {
        let Some(&Subscription { reference, granted, used, .. }) = self.phase.subscription() else { return };
        let stage = Stage::Replaying(Buffer::default());
        self.enter(Phase::Attached(Subscription { reference, granted, used, stage }), cx.stats);
        if self.interest == Interest::Casts {
            return;
        }
        self.progress.queue.replay_begins(cx.now);
        let before_first = first.saturating_sub(1);
        if self.cursor.is_none() {
            self.cursor = Some(Cursor::new(at.clone()));
            cx.emit(Event::Attached { channel: self.id, position: at });
        }
        let Some(position) = self.position() else { return };
        if position.epoch != epoch {
            self.log_replaced(epoch, before_first, cx);
        } else if position.offset > head {
            self.log_rewound(head, cx);
        } else if position.offset < before_first {
            self.gap(Some(before_first), GapReason::Trimmed, before_first, cx);
        }
    }

    /// Another epoch: all of the new log is new, and nothing is known about the rest of the old one.
    fn log_replaced<D>(&mut self, epoch: Text, before_first: u64, cx: &mut Context<'_, B, D>) {
        let from = sum(self.offset(), 1);
        self.cursor = Some(Cursor::new(Position { epoch, offset: before_first, id: None }));
        self.report(Gap { from, to: None, reason: GapReason::EpochChanged }, cx);
    }

    /// The same epoch, but the log ends before the position.
    fn log_rewound<D>(&mut self, head: u64, cx: &mut Context<'_, B, D>) {
        let gap = Gap { from: sum(head, 1), to: Some(self.offset()), reason: GapReason::Rewound };
        self.jump(head);
        if let Some(cursor) = &self.cursor {
            self.progress.rewound(cursor.position());
        }
        self.report(gap, cx);
    }

    /// What lies between the position and `offset` is lost: delivery continues after it.
    fn gap<D>(&mut self, to: Option<u64>, reason: GapReason, offset: u64, cx: &mut Context<'_, B, D>) {
        let gap = Gap { from: sum(self.offset(), 1), to, reason };
        self.jump(offset);
        self.report(gap, cx);
    }

    fn report<D>(&mut self, gap: Gap, cx: &mut Context<'_, B, D>) {
        let Some(position) = self.position().cloned() else { return };
        cx.stats.gaps += 1;
        cx.emit(Event::Gap { channel: self.id, gap, position });
    }

    fn jump(&mut self, offset: u64) {
        if let Some(cursor) = &mut self.cursor {
            cursor.jump(offset);
        }
    }

    fn offset(&self) -> u64 {
        self.position().map_or(0, |position| position.offset)
    }

    /// The application has processed `count` more messages, and everything up to `position`.
    pub fn processed<D>(&mut self, count: u64, position: Position, cx: &mut Context<'_, B, D>) {
        self.progress.processed(count, position);
        if matches!(self.phase, Phase::Lagging) && self.progress.queue.has_caught_up(cx.config) {
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
        let Some(cursor) = self.cursor.as_ref().filter(|_| self.phase.is_streaming()) else { return };
        if let Some(Position { epoch, offset, id }) = self.progress.next_ack(cursor.position()) {
            cx.send(ClientFrame::Ack { ch: self.name.clone(), epoch, offset, id });
        }
    }

    /// Grants more credit when an eighth of the window is free. So there is no grant per message, and no replay waits
    /// for a grant.
    fn grant<D>(&mut self, cx: &mut Context<'_, B, D>) {
        let Some(&Subscription { granted, used, .. }) = self.phase.subscription() else { return };
        let free = self.credit(granted, used, cx.config);
        if free == 0 || free < self.progress.queue.window(cx.config) / GRANTS_PER_WINDOW {
            return;
        }
        self.progress.queue.replayed(free, cx.now, cx.round_trip_ms, cx.config);
        let more = self.credit(granted, used, cx.config); // the window may be another one now
        if more > 0
            && let Some(subscription) = self.phase.subscription_mut()
        {
            subscription.granted += more;
            cx.send(ClientFrame::More { ch: self.name.clone(), credit: more });
        }
    }

    /// How far the replay may go without credit.
    fn ahead(&self, config: &Config) -> Option<Ahead> {
        self.progress.queue.ahead(config).filter(|_| self.interest == Interest::Messages)
    }

    /// How many more replayed messages may be granted.
    fn credit(&self, granted: u64, used: u64, config: &Config) -> u64 {
        match self.interest {
            Interest::Casts => 0,
            Interest::Messages => self.progress.queue.credit(granted, used, config),
        }
    }
}
