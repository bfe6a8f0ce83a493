//! The client's subscription to one channel, which all handles of that name share. What counts as processed, and is
//! acknowledged to the server, is what every handle has processed. `js/src/subscription.ts` has the same rules.

use super::Error;
use super::dialect::AnySession;
use super::effect::Effects;
use super::frames::Messages;
use super::handle::{Done, Handle, HandleId, Through, position_after};
use super::payload::Data;
use super::shared::Shared;
use super::start::{Count, Join, StartFrom, Stream, join};
use crate::core::{Batch, ChannelId, GapReason, Instant, Reason};
use crate::wire::{Position, code};

/// How long a subscription stays after its last handle has closed. A component that a framework unmounts and mounts
/// again continues on it. It ends at once if another channel needs its place.
pub(super) const LINGER_MS: u64 = 1_000;

/// What a subscription calls.
pub(super) struct Calls<'a> {
    pub session: &'a mut AnySession,
    pub now: Instant,
    pub effects: &'a mut Effects,
    /// Whether a position can be replayed for one handle while others are at another.
    pub replays: bool,
}

/// A stream that handles share.
struct SharedStream {
    stream: Stream,
    /// The position's epoch, for the messages of many frames.
    epoch: Shared<str>,
    /// How far it had arrived before it began again, or is now: where a handle without a start point begins.
    latest: Option<Position>,
    /// How much of it every follower has processed.
    processed: Count,
    /// It has begun again, for one handle: others do not get a second `live` on the same connection.
    is_repeated: bool,
}

/// A subscription that the session knows.
struct Open {
    id: ChannelId,
    /// What it fetches.
    stream: u64,
    live: bool,
    /// Why the server refused the channel, until it is live: a handle that joins late gets this error, too.
    error: Option<Error>,
}

/// See the module.
pub(super) struct Subscription {
    pub key: u32,
    pub name: String,
    handles: Vec<Handle>,
    open: Option<Open>,
    stream: Option<SharedStream>,
    /// How many streams there have been.
    streams: u64,
    /// What the last follower had processed when it closed.
    pub left: Option<Position>,
    /// When it ends, because it has no handle any more.
    pub linger_until: Option<Instant>,
}

impl Subscription {
    pub fn new(key: u32, name: String, left: Option<Position>) -> Self {
        Subscription {
            key,
            name,
            handles: Vec::new(),
            open: None,
            stream: None,
            streams: 0,
            left,
            linger_until: None,
        }
    }

    /// The session's id of it.
    pub fn id(&self) -> Option<ChannelId> {
        self.open.as_ref().map(|open| open.id)
    }

    pub fn handle(&mut self, id: HandleId) -> Option<&mut Handle> {
        self.handles.iter_mut().find(|handle| handle.id == id)
    }

    /// Whether nothing needs it any more.
    pub fn is_unused(&self) -> bool {
        self.handles.is_empty() && self.open.is_none()
    }

    /// A new handle. Fails if the server cannot begin where the handle does.
    pub fn join(&mut self, calls: &mut Calls<'_>, handle: Handle) -> Result<(), Error> {
        let id = handle.id;
        self.handles.push(handle);
        let joined = self.follow(calls, id).and_then(|()| self.subscribe(calls));
        if let Err(error) = joined {
            self.handles.retain(|handle| handle.id != id);
            return Err(error);
        }
        let connects = calls.session.stats().connects;
        let (live, error) = self.open.as_ref().map_or((false, None), |open| (open.live, open.error.clone()));
        if let Some(handle) = self.handle(id) {
            if live {
                handle.live(connects);
            }
            if let Some(error) = error {
                handle.error(error);
            }
        }
        Ok(())
    }

    /// A handle is closed.
    pub fn leave(&mut self, calls: &mut Calls<'_>, id: HandleId) -> Option<Handle> {
        self.report(calls);
        let place = self.handles.iter().position(|handle| handle.id == id)?;
        let handle = self.handles.remove(place);
        if handle.follows {
            self.left.clone_from(&handle.position);
        }
        if self.handles.iter().any(|handle| handle.follows) {
            self.report(calls); // the others may be ahead of it
        } else if self.handles.is_empty() {
            self.linger_until = self.open.is_some().then(|| calls.now.after_ms(LINGER_MS));
        } else {
            self.stream = None;
            self.follow_all(calls, self.ids(|_| true));
        }
        Some(handle)
    }

    /// Ends it, if it only lingers. Returns whether it did.
    pub fn end_linger(&mut self, calls: &mut Calls<'_>) -> bool {
        let lingers = self.linger_until.is_some() && self.open.is_some();
        if lingers {
            self.finish(calls);
        }
        lingers
    }

    fn finish(&mut self, calls: &mut Calls<'_>) {
        self.linger_until = None;
        self.stream = None;
        self.unsubscribe(calls);
    }

    /// The client is closed: so are all handles.
    pub fn end(&mut self, effects: &mut Effects, reason: &Reason) {
        (self.open, self.stream, self.linger_until) = (None, None, None);
        for handle in &mut self.handles {
            handle.end(reason.clone());
            handle.wake(effects);
        }
    }

    /// Counts what a handle has processed, and reports it.
    pub fn settle(&mut self, calls: &mut Calls<'_>, id: HandleId, through: Through<'_>) {
        while let Some(done) = self.handle(id).and_then(|handle| handle.take_done(through)) {
            // By itself: the core distinguishes what was processed before a gap.
            let is_step = matches!(done, Done::Step { .. });
            if is_step {
                self.report(calls);
            }
            if let Some(handle) = self.handle(id) {
                handle.count(done);
            }
            if is_step {
                self.report(calls);
            }
        }
        self.report(calls);
    }

    /// Passes on what every follower has processed.
    fn report(&mut self, calls: &mut Calls<'_>) {
        let (Some(shared), Some(open)) = (&mut self.stream, &self.open) else { return };
        let followers = self.handles.iter().filter(|handle| handle.follows);
        let Some(slowest) = followers.min_by_key(|handle| handle.processed.steps) else { return };
        let Some(at) = slowest.at.as_ref() else { return };
        if open.stream != shared.stream.id || slowest.processed.steps == shared.processed.steps {
            return;
        }
        let count = slowest.processed.messages.saturating_sub(shared.processed.messages);
        shared.processed = slowest.processed;
        calls.session.processed(calls.now, open.id, count, at.clone());
    }

    pub fn attached(&mut self, calls: &mut Calls<'_>, position: &Position) {
        self.arrived(Count::default(), position, false);
        let has_followers = self.handles.iter().any(|handle| handle.follows);
        // The last follower may have closed before this answer: the next one gets what came after it.
        if self.stream.is_some() && !has_followers {
            self.left.get_or_insert_with(|| position.clone());
        }
        self.followers(|handle| handle.attached(position));
        self.run(calls);
        self.follow_all(calls, self.ids(|handle| !handle.follows && handle.from != StartFrom::Tail));
    }

    /// Messages came.
    pub fn deliver(&mut self, calls: &mut Calls<'_>, batch: &Batch<Messages>, skip: u64) {
        let Some(shared) = &self.stream else { return };
        let (stream, epoch) = (shared.stream.id, Shared::clone(&shared.epoch));
        let Some(last) = batch.payload.last() else { return };
        let count = batch.count.saturating_sub(skip);
        let position = position_after(last, batch.end(), &epoch);
        self.arrived(Count { messages: count, steps: count }, &position, false);
        if batch.replay
            && let Some(open) = &mut self.open
        {
            open.live = false;
        }
        self.followers(|handle| handle.deliver(stream, &epoch, batch, skip));
        self.run(calls);
    }

    pub fn gap(&mut self, calls: &mut Calls<'_>, reason: GapReason, position: &Position) {
        self.arrived(Count { messages: 0, steps: 1 }, position, reason == GapReason::Rewound);
        let stream = self.stream.as_ref().map(|shared| shared.stream.id);
        self.followers(|handle| handle.gap(reason, position, stream));
        self.run(calls);
    }

    pub fn live(&mut self, calls: &mut Calls<'_>) {
        if let Some(open) = &mut self.open {
            open.live = true;
            open.error = None;
        }
        let position = self.stream.as_ref().and_then(|shared| shared.stream.position.clone());
        if let Some(position) = &position {
            self.arrived(Count::default(), position, true);
            // The log ends here: what a handle has had beyond it is no longer there.
            self.followers(|handle| handle.gap(GapReason::Rewound, position, None));
        }
        for id in self.ids(|handle| !handle.follows && handle.from == StartFrom::Tail) {
            self.enter(calls, id, position.clone());
        }
        let is_repeated = self.stream.as_mut().is_some_and(|shared| std::mem::take(&mut shared.is_repeated));
        let connects = calls.session.stats().connects;
        for handle in &mut self.handles {
            if !is_repeated || handle.live_on != Some(connects) {
                handle.live(connects);
            }
        }
        self.run(calls);
    }

    pub fn cast(&mut self, effects: &mut Effects, data: &Data) {
        for handle in &mut self.handles {
            handle.cast(data.clone());
            handle.wake(effects);
        }
    }

    pub fn error(&mut self, effects: &mut Effects, error: &Error) {
        if let Some(open) = self.open.as_mut().filter(|open| !open.live) {
            open.error = Some(error.clone());
        }
        for handle in &mut self.handles {
            handle.error(error.clone());
            handle.wake(effects);
        }
    }

    fn followers(&mut self, call: impl FnMut(&mut Handle)) {
        self.handles.iter_mut().filter(|handle| handle.follows).for_each(call);
    }

    /// The handles of one kind.
    fn ids(&self, is_one: fn(&Handle) -> bool) -> Vec<HandleId> {
        let mut ids = Vec::new();
        for handle in &self.handles {
            if is_one(handle) {
                ids.push(handle.id);
            }
        }
        ids
    }

    /// After all of them have got something.
    fn run(&mut self, calls: &mut Calls<'_>) {
        for id in self.ids(|_| true) {
            self.settle(calls, id, Through::Silent);
        }
        for handle in &mut self.handles {
            handle.wake(calls.effects);
        }
    }

    fn follow_all(&mut self, calls: &mut Calls<'_>, handles: Vec<HandleId>) {
        for id in handles {
            let followed = self.follow(calls, id).and_then(|()| self.subscribe(calls));
            if let (Err(error), Some(handle)) = (followed, self.handle(id)) {
                handle.error(error);
                handle.wake(calls.effects);
            }
        }
    }

    fn follow(&mut self, calls: &mut Calls<'_>, id: HandleId) -> Result<(), Error> {
        let Some(handle) = self.handles.iter().find(|handle| handle.id == id) else { return Ok(()) };
        let is_alone = !self.handles.iter().any(|handle| handle.follows);
        let from = match (&handle.from, self.left.clone()) {
            (StartFrom::Stored, Some(left)) if is_alone => StartFrom::After(left),
            (from, _) => from.clone(),
        };
        let is_live = self.open.as_ref().is_some_and(|open| open.live);
        let how = self.stream.as_ref().map(|shared| join(&from, &shared.stream, is_live));
        match how {
            Some(Join::Here) => {}
            _ if is_alone => self.begin(calls, from.clone(), id, None),
            None | Some(Join::Wait) => return self.wait(calls, &from),
            Some(Join::Ahead) => self.require_replays(calls)?,
            Some(Join::Again(again)) => {
                self.require_replays(calls)?;
                let latest = self.stream.as_ref().and_then(|shared| shared.latest.clone());
                self.begin(calls, again, id, latest);
            }
        }
        let Some(shared) = &self.stream else { return Ok(()) };
        let position = match from {
            StartFrom::After(position) => Some(position),
            StartFrom::Stored => shared.latest.clone(),
            StartFrom::Start | StartFrom::Tail => shared.stream.position.clone(),
        };
        self.enter(calls, id, position);
        Ok(())
    }

    fn wait(&self, calls: &Calls<'_>, from: &StartFrom) -> Result<(), Error> {
        if *from == StartFrom::Tail { Ok(()) } else { self.require_replays(calls) }
    }

    fn require_replays(&self, calls: &Calls<'_>) -> Result<(), Error> {
        if calls.replays {
            return Ok(());
        }
        let message = format!(
            "cannot start channel \"{}\" there: in the plain dialect, only one handle has a start point. Pass \
             StartFrom::Stored, or use another client.",
            self.name
        );
        Err(Error::own(code::NOT_SUPPORTED, message))
    }

    /// The handle gets what arrives from now on, as far as that is after its position.
    fn enter(&mut self, calls: &mut Calls<'_>, id: HandleId, position: Option<Position>) {
        self.left = None;
        self.linger_until = None;
        let Some(shared) = &self.stream else { return };
        if let Some(handle) = self.handles.iter_mut().find(|handle| handle.id == id) {
            handle.follows = true;
            handle.begin(&shared.stream, position);
        }
        self.report(calls); // what arrived while nobody followed
    }

    /// Begins a stream for a handle, in place of the one before.
    fn begin(&mut self, calls: &mut Calls<'_>, from: StartFrom, first: HandleId, latest: Option<Position>) {
        self.report(calls);
        let was_repeated = self.stream.as_ref().is_some_and(|shared| shared.is_repeated);
        let is_repeated = self.open.is_some() || was_repeated;
        self.unsubscribe(calls);
        self.streams += 1;
        let position = from.position().cloned();
        let stream = Stream { id: self.streams, from, position: position.clone(), arrived: Count::default() };
        for handle in &mut self.handles {
            if handle.id == first {
                handle.live_on = None;
            }
            if handle.follows {
                handle.begin(&stream, None);
            }
        }
        self.stream = Some(SharedStream {
            epoch: position.as_ref().map_or_else(|| Shared::from(""), |at| Shared::from(at.epoch.as_str())),
            latest: latest.or(position),
            stream,
            processed: Count::default(),
            is_repeated,
        });
    }

    /// Counts what has arrived.
    fn arrived(&mut self, count: Count, position: &Position, is_end: bool) {
        let Some(shared) = &mut self.stream else { return };
        shared.stream.arrived.messages += count.messages;
        shared.stream.arrived.steps += count.steps;
        shared.stream.position = Some(position.clone());
        if *shared.epoch != *position.epoch {
            shared.epoch = Shared::from(position.epoch.as_str());
        }
        let is_behind = |latest: &Position| latest.epoch == position.epoch && latest.offset > position.offset;
        if is_end || !shared.latest.as_ref().is_some_and(is_behind) {
            shared.latest = Some(position.clone());
        }
    }

    fn subscribe(&mut self, calls: &mut Calls<'_>) -> Result<(), Error> {
        let Some(shared) = &self.stream else { return Ok(()) };
        let stream = shared.stream.id;
        if self.open.as_ref().is_some_and(|open| open.stream == stream) {
            return Ok(());
        }
        let (from, position) = shared.stream.from.for_session();
        self.unsubscribe(calls);
        let id = calls.session.subscribe(calls.now, self.name.clone(), from, position)?;
        self.open = Some(Open { id, stream, live: false, error: None });
        Ok(())
    }

    fn unsubscribe(&mut self, calls: &mut Calls<'_>) {
        if let Some(open) = self.open.take() {
            calls.session.unsubscribe(calls.now, open.id);
        }
    }
}
