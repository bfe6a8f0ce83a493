//! One handle of a channel: what is queued for it, what the application has had, and what of that is processed.

use std::collections::VecDeque;
use std::task::Waker;

use super::effect::Effects;
use super::frames::{Messages, Received};
use super::item::{Cast, Item, Message};
use super::payload::Data;
use super::shared::Shared;
use super::start::{Count, StartFrom, Stream, missed};
use crate::core::{Batch, Gap, GapReason, Reason};
use crate::wire::Position;

/// Identifies a handle of a client.
pub(super) type HandleId = u32;

/// How many ephemeral events and errors may wait for the application. Further ones are dropped.
const EXTRAS_MAX: usize = 64;

/// Messages of a frame that came from a stream.
struct Run {
    stream: u64,
    epoch: Shared<str>,
    n: u64,
    messages: Messages,
    replayed: bool,
    next: usize,
}

/// What is queued, in the channel's order.
enum Entry {
    Run(Run),
    Gap(Gap, Position),
    /// Not for the application: it only counts.
    Silent(Done),
    Live,
    Cast(Data),
    Error(super::Error),
}

/// Something that the application has had, or that it need not have: it counts as processed later.
pub(super) enum Done {
    Message {
        stream: u64,
        epoch: Shared<str>,
        offset: u64,
        messages: Messages,
        place: usize,
    },
    /// Messages that this handle had before.
    Skipped {
        stream: u64,
        count: u64,
        at: Position,
    },
    Gap(Position),
    /// A gap of the stream itself.
    Step {
        stream: u64,
        at: Position,
    },
}

impl Done {
    fn is_silent(&self) -> bool {
        matches!(self, Done::Skipped { .. } | Done::Step { .. })
    }
}

/// Up to where everything counts as processed.
#[derive(Clone, Copy)]
pub(super) enum Through<'a> {
    /// Everything that the application has had.
    All,
    /// A message and what came before it.
    Message(&'a Message),
    /// Only what is not for the application.
    Silent,
}

/// Whether a handle still gets something.
enum Life {
    Open,
    Closed(Reason),
    Over,
}

/// See the module.
pub(super) struct Handle {
    pub id: HandleId,
    /// The requested start point.
    pub from: StartFrom,
    /// Whether it follows the stream. Otherwise it will: at the tail, when the replay is over; elsewhere, when the
    /// server has answered.
    pub follows: bool,
    /// Everything up to here is processed.
    pub position: Option<Position>,
    /// How much of the current stream is processed, counted like what arrived.
    pub processed: Count,
    /// The stream's position after that. This handle may be ahead of it.
    pub at: Option<Position>,
    /// The connection on which `live` was last queued.
    pub live_on: Option<u64>,
    /// Whether the application reports what it has processed.
    pub is_manual: bool,
    /// What counts is processed of this stream. Earlier ones may still be in the queue.
    stream: u64,
    /// Everything up to here was queued or skipped. The id is that of a message that arrived.
    had: Option<Position>,
    /// The first offset of the current stream that was skipped.
    skipped: Option<u64>,
    queue: VecDeque<Entry>,
    extras: usize,
    done: VecDeque<Done>,
    waker: Option<Waker>,
    life: Life,
}

impl Handle {
    pub fn new(id: HandleId, from: StartFrom) -> Self {
        Handle {
            id,
            follows: false,
            position: from.position().cloned(),
            from,
            processed: Count::default(),
            at: None,
            live_on: None,
            is_manual: false,
            stream: 0,
            had: None,
            skipped: None,
            queue: VecDeque::new(),
            extras: 0,
            done: VecDeque::new(),
            waker: None,
            life: Life::Open,
        }
    }

    /// It follows a stream from now on: after `position` if it has not followed another one.
    pub fn begin(&mut self, stream: &Stream, position: Option<Position>) {
        self.stream = stream.id;
        self.skipped = None;
        self.processed = stream.arrived;
        self.at.clone_from(&stream.position);
        if let Some(position) = position {
            self.start_at(position);
        }
    }

    fn start_at(&mut self, position: Position) {
        self.had = Some(Position { id: None, ..position.clone() });
        self.position = Some(position);
    }

    /// The server has answered: the stream continues after this position.
    pub fn attached(&mut self, position: &Position) {
        match self.had {
            Some(_) => self.gap(GapReason::Trimmed, position, None),
            None => self.start_at(position.clone()),
        }
    }

    /// Queues a frame's messages from `skip` on, except those that this handle has had.
    pub fn deliver(&mut self, stream: u64, epoch: &Shared<str>, batch: &Batch<Messages>, skip: u64) {
        let (n, messages) = (batch.n, &batch.payload);
        let offset = self.had.as_ref().map(|had| had.offset);
        let had = offset.map_or(0, |offset| offset.saturating_add(1).saturating_sub(n)); // how many of the frame
        let next = had.max(skip).min(batch.count);
        if next > skip {
            let from = *self.skipped.get_or_insert(n.saturating_add(skip));
            self.compare(from, epoch, batch);
            let at = position_after(&messages[next as usize - 1], n.saturating_add(next - 1), epoch);
            self.queue.push_back(Entry::Silent(Done::Skipped { stream, count: next - skip, at }));
        }
        let Some(last) = messages.last().filter(|_| next < batch.count) else { return };
        self.had = Some(Position {
            epoch: epoch.as_ref().to_owned(),
            offset: batch.end(),
            id: last.id.parse().ok(),
        });
        self.queue.push_back(Entry::Run(Run {
            stream,
            epoch: Shared::clone(epoch),
            n,
            messages: Shared::clone(messages),
            replayed: batch.replay,
            next: next as usize,
        }));
    }

    /// If this handle has had another message with an offset of this frame, the log was rewound, and has grown beyond
    /// it again.
    fn compare(&mut self, from: u64, epoch: &Shared<str>, batch: &Batch<Messages>) {
        let Some(Position { offset, id: Some(id), .. }) = self.had else { return };
        let place = offset.saturating_sub(batch.n);
        let here = batch.payload.get(place as usize).filter(|_| offset >= batch.n);
        if here.is_some_and(|here| here.id.parse() != Ok(id)) {
            let gap = Gap { from, to: Some(offset), reason: GapReason::Rewound };
            self.lost(gap, Position { epoch: epoch.as_ref().to_owned(), offset, id: None });
        }
    }

    /// The stream continues after `position`. This counts as a step of `stream`, if it is set.
    pub fn gap(&mut self, reason: GapReason, position: &Position, stream: Option<u64>) {
        if let Some(gap) = self.had.as_ref().and_then(|had| missed(had, position, reason)) {
            self.lost(gap, position.clone());
        }
        if let Some(stream) = stream {
            self.queue.push_back(Entry::Silent(Done::Step { stream, at: position.clone() }));
        }
    }

    fn lost(&mut self, gap: Gap, position: Position) {
        self.had = Some(position.clone());
        self.queue.push_back(Entry::Gap(gap, position));
    }

    /// The channel is live, on the connection of this number.
    pub fn live(&mut self, connects: u64) {
        self.live_on = Some(connects);
        // A server may report it often while the application is busy.
        if !matches!(self.queue.back(), Some(Entry::Live)) {
            self.queue.push_back(Entry::Live);
        }
    }

    pub fn cast(&mut self, data: Data) {
        self.extra(Entry::Cast(data));
    }

    pub fn error(&mut self, error: super::Error) {
        self.extra(Entry::Error(error));
    }

    /// The core does not limit events of these kinds.
    fn extra(&mut self, entry: Entry) {
        if self.extras < EXTRAS_MAX {
            self.extras += 1;
            self.queue.push_back(entry);
        }
    }

    /// The client is closed. What is queued was not acknowledged and comes again.
    pub fn end(&mut self, reason: Reason) {
        if let Life::Open = self.life {
            self.life = Life::Closed(reason);
        }
        self.queue.clear();
        self.done.clear();
        self.extras = 0;
    }

    /// Whether there will be no further item.
    pub fn is_over(&self) -> bool {
        matches!(self.life, Life::Over)
    }

    /// The next available item.
    pub fn next(&mut self) -> Option<Item> {
        loop {
            let Some(entry) = self.queue.front_mut() else { return self.last() };
            if let Entry::Run(run) = entry {
                let (message, done) = run.take();
                if run.next == run.messages.len() {
                    self.queue.pop_front();
                }
                self.done.push_back(done);
                return Some(Item::Message(message));
            }
            match self.queue.pop_front()? {
                Entry::Run(_) => {}
                Entry::Silent(done) => self.done.push_back(done),
                Entry::Gap(gap, position) => {
                    self.done.push_back(Done::Gap(position));
                    return Some(Item::Gap(gap));
                }
                Entry::Live => return Some(Item::Live),
                Entry::Cast(data) => {
                    self.extras -= 1;
                    return Some(Item::Cast(Cast(data)));
                }
                Entry::Error(error) => {
                    self.extras -= 1;
                    return Some(Item::Error(error));
                }
            }
        }
    }

    fn last(&mut self) -> Option<Item> {
        match std::mem::replace(&mut self.life, Life::Over) {
            Life::Closed(reason) => Some(Item::Closed(reason)),
            life => {
                self.life = life;
                None
            }
        }
    }

    /// The next thing that counts as processed, if everything through `through` does.
    pub fn take_done(&mut self, through: Through<'_>) -> Option<Done> {
        if self.done.is_empty() {
            // What is not for the application counts at once, if nothing before it is unprocessed.
            let is_next = matches!(self.queue.front(), Some(Entry::Silent(_)));
            let Some(Entry::Silent(done)) = is_next.then(|| self.queue.pop_front()).flatten() else {
                return None;
            };
            return Some(done);
        }
        let counts = match through {
            Through::All => true,
            Through::Message(message) => self.done.iter().any(|done| done.is(message)),
            Through::Silent => false,
        };
        let is_silent = self.done.front().is_some_and(Done::is_silent);
        if counts || is_silent { self.done.pop_front() } else { None }
    }

    /// Something is processed.
    pub fn count(&mut self, done: Done) {
        let (stream, messages, steps, at) = match done {
            Done::Message { stream, epoch, offset, messages, place } => {
                let at = position_after(&messages[place], offset, &epoch);
                self.position = Some(at.clone());
                (stream, 1, 1, at)
            }
            Done::Skipped { stream, count, at } => (stream, count, count, at),
            Done::Step { stream, at } => (stream, 0, 1, at),
            Done::Gap(position) => {
                self.position = Some(position);
                return;
            }
        };
        if stream == self.stream {
            self.processed.messages += messages;
            self.processed.steps += steps;
            self.at = Some(at);
        }
    }

    /// The application waits for an item. Returns the former waker, which must be dropped with nothing locked.
    pub fn wait(&mut self, waker: Waker) -> Option<Waker> {
        self.waker.replace(waker)
    }

    /// Wakes the application if there is something for it.
    pub fn wake(&mut self, effects: &mut Effects) {
        let is_ready = !self.queue.is_empty() || matches!(self.life, Life::Closed(_));
        if is_ready && let Some(waker) = self.waker.take() {
            effects.wake(waker);
        }
    }
}

impl Run {
    fn take(&mut self) -> (Message, Done) {
        let place = self.next;
        let offset = self.n.saturating_add(place as u64);
        self.next += 1;
        let Received { id, data, .. } = &self.messages[place];
        let message = Message { id: id.clone(), offset, replayed: self.replayed, data: data.clone() };
        let (epoch, messages) = (Shared::clone(&self.epoch), Shared::clone(&self.messages));
        (message, Done::Message { stream: self.stream, epoch, offset, messages, place })
    }
}

impl Done {
    fn is(&self, message: &Message) -> bool {
        matches!(self, Done::Message { offset, messages, place, .. }
            if *offset == message.offset && messages[*place].id == message.id)
    }
}

/// The position after a message.
pub(super) fn position_after(message: &Received, offset: u64, epoch: &Shared<str>) -> Position {
    Position { epoch: epoch.as_ref().to_owned(), offset, id: message.position_id }
}
