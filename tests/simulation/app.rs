//! An application: it processes messages slowly, and does in its handlers what it should not.

use std::collections::VecDeque;

use seamline::core::{ChannelId, Event};
use seamline::wire::{MessageId, Position, StartAt};

use crate::invariants::{Reader, last_id_fits};
use crate::log::{channel_name, epoch_name, epoch_number, message_id};
use crate::page::Page;
use crate::stage::{Ev, Stage};
use crate::world::World;

/// No application subscribes again more often than this: it would make no progress.
const RESUBSCRIBE_MS_MIN: u64 = 100;
/// The size of the payload of most publications.
const PAYLOAD_BYTES: u64 = 8;

/// What waits for the application.
enum Entry {
    /// Messages from this offset on.
    Messages {
        epoch: u64,
        n: u64,
        messages: VecDeque<u64>,
    },
    Gap {
        to: (u64, u64),
        rewound: bool,
    },
}

/// One channel, from the application's side.
pub struct Sub {
    pub id: Option<ChannelId>,
    from: Option<StartAt>,
    /// What the previous page processed last, if its application did not store it.
    forgotten: Option<(u64, u64)>,
    /// Whether the page began at a position that its application had stored. The server stores none for it before the
    /// first `ack`: an application that keeps positions must give one at each load.
    began_at_place: bool,
    /// What the application processed last, and would store.
    pub place: Option<(u64, u64, Option<MessageId>)>,
    pub reader: Reader,
    /// Whether it has processed anything in this subscription: then that must be acknowledged.
    pub worked: bool,
    pub live: bool,
    queue: VecDeque<Entry>,
}

/// All its channels.
pub struct App {
    pub subs: Vec<Sub>,
    working: bool,
    published: u64,
    resubscribed_at: u64,
}

impl App {
    pub fn new(stage: &mut Stage) -> Self {
        let mut sub = || Sub {
            id: None,
            from: [None, Some(StartAt::Start), Some(StartAt::Tail)][stage.rng.below(3) as usize],
            forgotten: None,
            began_at_place: false,
            place: None,
            reader: Reader::default(),
            worked: false,
            live: false,
            queue: VecDeque::new(),
        };
        App {
            subs: (0..stage.faults.channels).map(|_| sub()).collect(),
            working: false,
            published: 0,
            resubscribed_at: 0,
        }
    }

    /// The connection is lost.
    pub fn detached(&mut self) {
        for sub in &mut self.subs {
            sub.live = false;
        }
    }

    /// Whether a rewind of a log has not been reported to it yet. What it stores before that report cannot be
    /// distinguished from a position in the rewound log.
    pub fn rewind_waits(&self) -> bool {
        self.subs.iter().any(Sub::rewind_waits)
    }

    /// What the next page knows: the stored positions, if any.
    pub fn reloaded(mut self, forgets: bool) -> Self {
        for sub in &mut self.subs {
            if forgets && let Some((epoch, offset, _)) = sub.place.take() {
                sub.forgotten = (!sub.began_at_place).then_some((epoch, offset));
                sub.from = None;
            }
            sub.began_at_place = sub.place.is_some();
            sub.id = None;
            sub.queue.clear();
            sub.live = false;
        }
        self.working = false;
        self
    }
}

impl Page {
    pub fn subscribe_all(&mut self, world: &mut World) {
        for ch in 0..self.app.subs.len() {
            self.subscribe(ch, world);
        }
    }

    fn subscribe(&mut self, ch: usize, world: &mut World) {
        let sub = &mut self.app.subs[ch];
        sub.queue.clear();
        sub.live = false;
        sub.worked = false;
        sub.reader = Reader::at(sub.place.map(|(epoch, offset, _)| (epoch, offset)));
        let from = sub.from;
        let position = sub.place.map(|(epoch, offset, id)| Position { epoch: epoch_name(epoch), offset, id });
        let now = self.tell_time(&world.stage);
        match self.session.subscribe(now, channel_name(ch), from, position) {
            Ok(id) => self.app.subs[ch].id = Some(id),
            Err(error) => world.stage.fail(|| format!("a subscription is refused: {error:?}")),
        }
        self.publish_position(ch, &mut world.stage);
    }

    /// An event of a channel. As in a page, it is called while further outputs wait.
    pub fn channel_event(&mut self, event: Event<Vec<u64>, u64>, world: &mut World) -> Result<(), String> {
        let (Event::Attached { channel: id, .. }
        | Event::Deliver { channel: id, .. }
        | Event::Gap { channel: id, .. }
        | Event::Live { channel: id }) = event
        else {
            return Ok(());
        };
        // Outputs of a subscription that has ended meanwhile may still wait.
        let Some(ch) = self.app.subs.iter().position(|sub| sub.id == Some(id)) else { return Ok(()) };
        let (index, log) = (self.index as u64, &world.server.logs[ch]);
        let sub = &mut self.app.subs[ch];
        match event {
            Event::Attached { position, .. } => {
                sub.reader.attached(&position)?;
                sub.skips_nothing()?;
                sub.place = Some((epoch_number(&position.epoch), position.offset, None));
                world
                    .stage
                    .note("client is attached to channel, offset", &[index, ch as u64, position.offset]);
            }
            Event::Deliver { batch, skip, .. } => {
                sub.reader.deliver(&batch, skip, log, &self.config)?;
                let epoch = sub.reader.position.map_or(0, |at| at.0);
                if !last_id_fits(&batch, epoch) {
                    return Err("the last id is not the last message's".to_owned());
                }
                let n = batch.n + skip;
                world
                    .stage
                    .note("client delivers of channel, from", &[index, ch as u64, n, batch.count - skip]);
                let messages = batch.payload.into_iter().skip(skip as usize).collect();
                sub.queue.push_back(Entry::Messages { epoch, n, messages });
            }
            Event::Gap { gap, position, .. } => {
                let to = gap.to.unwrap_or(0);
                let numbers = [index, ch as u64, gap.from, to, position.offset, gap.reason as u64];
                world.stage.note("client has a gap in channel, from, to, on from, reason", &numbers);
                sub.reader.gap(&gap, &position, log)?;
                let rewound = gap.reason.as_str() == "rewound";
                let to = (epoch_number(&position.epoch), position.offset);
                sub.queue.push_back(Entry::Gap { to, rewound });
            }
            _ => {
                world.stage.note("client is live on channel", &[index, ch as u64]);
                sub.live = true;
                sub.reader.live()?;
            }
        }
        self.publish_position(ch, &mut world.stage);
        self.plan_work(&mut world.stage);
        self.perhaps_resubscribe(ch, world);
        Ok(())
    }

    /// Occasionally a handler ends its subscription and subscribes again.
    fn perhaps_resubscribe(&mut self, ch: usize, world: &mut World) {
        let soonest = self.app.resubscribed_at + RESUBSCRIBE_MS_MIN;
        if world.stage.rng.chance(world.stage.faults.resubscribe)
            && world.stage.now >= soonest
            && !self.app.subs[ch].rewind_waits()
        {
            self.app.resubscribed_at = world.stage.now;
            self.resubscribe(ch, world);
        }
    }

    /// Inside a handler: ends the subscription and subscribes again at the processed position.
    fn resubscribe(&mut self, ch: usize, world: &mut World) {
        world.stage.note("client subscribes again to channel", &[self.index as u64, ch as u64]);
        let now = self.tell_time(&world.stage);
        if let Some(id) = self.app.subs[ch].id {
            self.session.unsubscribe(now, id);
            self.session.unsubscribe(now, id);
        }
        self.subscribe(ch, world);
    }

    fn plan_work(&mut self, stage: &mut Stage) {
        if self.app.working {
            return;
        }
        self.app.working = true;
        let wait_ms = if stage.rng.chance(stage.faults.app_hangs) {
            stage.rng.below(30_000)
        } else {
            stage.rng.below(stage.faults.app_slow_ms_max + 1)
        };
        stage.after(wait_ms, Ev::Work { client: self.index });
    }

    /// Processes some of what waits.
    pub fn work(&mut self, world: &mut World) {
        self.app.working = false;
        for ch in 0..self.app.subs.len() {
            self.work_on(ch, world);
        }
        if self.app.subs.iter().any(|sub| !sub.queue.is_empty()) {
            self.plan_work(&mut world.stage);
        }
    }

    fn work_on(&mut self, ch: usize, world: &mut World) {
        let sub = &mut self.app.subs[ch];
        let (Some(id), Some(entry)) = (sub.id, sub.queue.front_mut()) else { return };
        let (count, place) = match entry {
            Entry::Messages { epoch, n, messages } => {
                let all = messages.len() as u64;
                let count = if world.stage.rng.chance(500) { all } else { world.stage.rng.between(1, all) };
                let last = messages.drain(..count as usize).next_back().unwrap_or(0);
                *n += count;
                (count, (*epoch, *n - 1, Some(message_id(*epoch, *n - 1, last))))
            }
            Entry::Gap { to, .. } => (0, (to.0, to.1, None)),
        };
        if !matches!(entry, Entry::Messages { messages, .. } if !messages.is_empty()) {
            sub.queue.pop_front();
        }
        sub.place = Some(place);
        sub.worked = true;
        sub.reader.pending -= count;
        // Until a rewind is reported, only the position that it names counts in the rewound log.
        if sub.rewound_to().is_none_or(|to| to == (place.0, place.1) && place.2.is_none()) {
            sub.reader.processed = Some((place.0, place.1));
        }
        let position = Position { epoch: epoch_name(place.0), offset: place.1, id: place.2 };
        self.publish_position(ch, &mut world.stage);
        self.call(world, |session, now| session.processed(now, id, count, position));
    }

    /// Publishes something.
    pub fn publish(&mut self, world: &mut World) {
        let ch = world.stage.rng.below(world.stage.faults.channels) as usize;
        let message = world.server.draw_message();
        if world.stage.rng.chance(world.stage.faults.casts) {
            return self.call(world, |session, now| {
                let _ = session.cast(now, channel_name(ch), message, PAYLOAD_BYTES, 0); // a closed session rejects it
            });
        }
        self.app.published += 1;
        let key = format!("{}-{}-{}", self.index, self.number, self.app.published);
        let now = self.tell_time(&world.stage);
        let large = world.stage.faults.large_publications;
        let is_large = large > 0 && world.stage.rng.chance(large);
        let bytes = if is_large { world.server.enlarge(message) } else { PAYLOAD_BYTES };
        // Not through `call`: the id must be known before its answer arrives.
        match self.session.publish(now, channel_name(ch), key.clone(), message, bytes) {
            Ok(id) => self.publications.accepted(id, key, ch, (message, bytes)),
            Err(error) if error.code == "too_large" => {
                world.stage.check(is_large, || "a small publication is too large".to_owned());
            }
            Err(error) => {
                let full = self.publications.unsettled() >= self.config.outbox_messages_max;
                let ended = self.dismissed && error.code == "closed";
                world.stage.check(full || ended, || format!("a publication is refused: {error:?}"));
            }
        }
        self.call(world, |_, _| ());
    }

    /// Reports this client's positions to the stage.
    fn publish_position(&self, ch: usize, stage: &mut Stage) {
        let sub = &self.app.subs[ch];
        let place = sub.place.map(|(epoch, offset, _)| (epoch, offset));
        stage.positions[self.index][ch] = sub.reader.position;
        stage.places[self.index][ch] = match place {
            _ if sub.rewind_waits() => None, // nothing starts here before it is processed
            _ => place,
        };
    }
}

impl Sub {
    fn rewind_waits(&self) -> bool {
        self.rewound_to().is_some()
    }

    /// Where the last unreported rewind went.
    fn rewound_to(&self) -> Option<(u64, u64)> {
        self.queue.iter().rev().find_map(|entry| match entry {
            Entry::Gap { to, rewound: true } => Some(*to),
            _ => None,
        })
    }

    /// A page whose application stored no position begins where the server says: not beyond what the previous
    /// page processed.
    fn skips_nothing(&mut self) -> Result<(), String> {
        match (self.reader.position, self.forgotten.take()) {
            (Some(at), Some(processed)) if at > processed => {
                Err(format!("a page begins at {at:?}, but the one before it has processed {processed:?}"))
            }
            _ => Ok(()),
        }
    }

    /// Whether everything that arrived is processed.
    pub fn idle(&self) -> bool {
        self.queue.is_empty()
    }
}
