//! What each message does: new or seen, next or ahead, with numbers or without.

use super::*;

impl<M: Clone> Plain<M> {
    /// An object came.
    pub fn handle_object(
        &mut self,
        session: &mut Session<M, M>,
        now: Instant,
        socket: SocketId,
        incoming: Incoming<M>,
    ) {
        let Some(connection) = self.connection.as_mut().filter(|open| open.socket == socket) else { return };
        connection.heard(now);
        session.handle_frame(now, socket, ServerFrame::Pong); // a sign of life, whatever it is
        let Incoming { id, number, object } = incoming;
        let Some(id) = id else { return self.cast(session, now, object) };
        if !connection.subscribed {
            connection.touched = true;
            return;
        }
        if !connection.caught_up {
            connection.quiet_at = Some(now.after_ms(self.config.settle_ms));
        }
        let item = Item { id, object };
        let number = self.checked_number(session, number);
        match (self.numbering, number) {
            (Numbering::Unknown, Some(number)) => self.first_number(session, now, number, item),
            (Numbering::Unknown, None) => {
                self.numbering = Numbering::Ids;
                self.attach(session, now, 0);
                self.by_id(session, now, item);
            }
            (Numbering::Numbers, Some(number)) => self.by_number(session, now, number, item),
            (Numbering::Numbers, None) => self.unnumbered(session, now, item),
            (Numbering::Ids, _) => self.by_id(session, now, item),
        }
    }

    /// A number that the npm package cannot give as an offset counts as none, and is reported once.
    fn checked_number(&mut self, session: &mut Session<M, M>, number: Option<u64>) -> Option<u64> {
        let number = number?;
        if number <= NUMBER_MAX || self.numbering == Numbering::Ids {
            return Some(number);
        }
        if !std::mem::replace(&mut self.told_large_number, true) {
            let mut message = String::from("a message has a number above 2^53 - 1: ");
            push_number(&mut message, number);
            message.push_str(". Set `plain.numberPath` to `false` if these numbers are not 1, 2, 3, ...");
            let channel = self.name.as_ref().and_then(|name| session.channel_id(name));
            session.announce(Event::Error { channel, error: Error::new("bad_number", &message) });
        }
        None
    }

    fn cast(&mut self, session: &mut Session<M, M>, now: Instant, data: M) {
        if let (Some(connection), Some(name)) = (&self.connection, &self.name) {
            session.handle_frame(now, connection.socket, ServerFrame::Cast { ch: name.clone(), data });
        }
    }

    /// Answers the session's `sub`. `base` is the position where nothing is known of one.
    pub(super) fn attach(&mut self, session: &mut Session<M, M>, now: Instant, base: u64) {
        let (Some(connection), Some(name)) = (&self.connection, &self.name) else { return };
        let Some(epoch) = self.numbering.epoch() else { return };
        let started = self.start.as_ref().filter(|start| start.epoch == epoch);
        let known = self.offset > 0 || started.is_some();
        self.offset = self.offset.max(started.map_or(base, |start| start.offset));
        let subd = ServerFrame::Subd {
            ch: name.clone(),
            epoch: epoch.to_owned(),
            first: if known { 1 } else { self.offset.saturating_add(1) },
            head: self.offset,
            at: self.offset,
            at_epoch: None,
            reference: None,
            resumed: known,
        };
        let (socket, caught_up, live) = (connection.socket, connection.caught_up, self.live());
        session.handle_frame(now, socket, subd);
        if caught_up {
            session.handle_frame(now, socket, live);
        }
    }

    /// A message of a server that gives no numbers.
    fn by_id(&mut self, session: &mut Session<M, M>, now: Instant, item: Item<M>) {
        if let Key::Ordered(id) = item.key() {
            self.settle.arrived(now, id, &self.window);
            self.catch_up_if_young(session, now, item.key());
        }
        let offset = if self.seen(item.key()) { self.offset } else { self.offset.saturating_add(1) };
        self.hand(session, now, offset, item);
    }

    /// An object with an id but no number, where messages have one: it has no place in their order,
    /// so it is told like an ephemeral event, but once.
    fn unnumbered(&mut self, session: &mut Session<M, M>, now: Instant, item: Item<M>) {
        if !self.seen(item.key()) {
            self.remember(item.key());
            self.cast(session, now, item.object);
        }
    }

    /// The first number decides where the channel begins. A message that is older than the connection
    /// comes from the replay, which comes in order, so that nothing comes before it; a younger one may
    /// have overtaken the replay, and waits for a while.
    fn first_number(&mut self, session: &mut Session<M, M>, now: Instant, number: u64, item: Item<M>) {
        let started =
            self.start.as_ref().is_some_and(|start| Some(start.epoch.as_str()) == Numbering::Numbers.epoch());
        let Some(connection) = &mut self.connection else { return };
        let settled = item.key().ordered().map(|id| Instant(id.ms).after_ms(self.config.settle_ms));
        let replayed = settled.zip(connection.opened_at).is_some_and(|(settled, opened)| settled < opened);
        if started || number == 1 || replayed {
            let lowest = self.order.lowest().unwrap_or(number).min(number);
            self.numbering = Numbering::Numbers;
            self.attach(session, now, lowest.saturating_sub(1));
            self.by_number(session, now, number, item);
        } else {
            connection.hole_at.get_or_insert(now.after_ms(self.config.settle_ms));
            self.order.park(number, item);
        }
    }

    /// A message of a server that gives numbers: handed over at its turn.
    fn by_number(&mut self, session: &mut Session<M, M>, now: Instant, number: u64, item: Item<M>) {
        let Some(connection) = &mut self.connection else { return };
        let wait_until = now.after_ms(self.config.settle_ms);
        if number <= self.offset {
            // The replay is still on its way: what is missing may come with it. A server that only repeats
            // itself gets no more time.
            if number > connection.replayed {
                connection.replayed = number;
                let missing = self.offset < self.order.ahead();
                connection.hole_at = missing.then_some(wait_until);
            }
            return self.hand(session, now, number, item);
        }
        if self.order.has(number) {
            return self.hand(session, now, self.offset, item);
        }
        connection.hole_at.get_or_insert(wait_until); // until the position moves
        if number == self.offset.saturating_add(1) {
            self.catch_up_if_young(session, now, item.key());
            return self.hand(session, now, number, item);
        }
        self.order.park(number, item);
        self.hand_next(session, now);
    }

    /// Hands over the message whose turn it is, if it is there.
    fn hand_next(&mut self, session: &mut Session<M, M>, now: Instant) {
        let next = self.offset.saturating_add(1);
        if let Some(item) = self.order.take(next) {
            self.catch_up_if_young(session, now, item.key());
            self.hand(session, now, next, item);
        }
    }

    /// The session judges by the offset, as always: new, seen, or after a hole.
    fn hand(&mut self, session: &mut Session<M, M>, now: Instant, n: u64, item: Item<M>) {
        let (Some(connection), Some(name)) = (&self.connection, &self.name) else { return };
        let last_id = item.key().ordered().unwrap_or(MessageId { ms: 0, seq: 0 });
        let replay = !connection.caught_up;
        let batch = Batch { n, count: 1, last_id, replay, bytes: 0, payload: item.object };
        self.handing = item.id;
        session.handle_messages(now, connection.socket, name, batch);
    }

    /// What is missing has not come. The session asks for it once more, which takes a new connection;
    /// if it has done so already, it tells the gap.
    pub(super) fn hole(&mut self, session: &mut Session<M, M>, now: Instant) {
        if self.numbering == Numbering::Unknown {
            let Some(lowest) = self.order.lowest() else { return };
            self.numbering = Numbering::Numbers;
            self.attach(session, now, lowest.saturating_sub(1));
            return self.hand_next(session, now);
        }
        if let Some((number, item)) = self.order.take_lowest() {
            return self.hand(session, now, number, item);
        }
        let (Some(connection), Some(name)) = (&mut self.connection, &self.name) else { return };
        connection.caught_up = true;
        connection.quiet_at = None;
        let (ch, head) = (name.clone(), self.order.ahead());
        session.handle_frame(now, connection.socket, ServerFrame::Live { ch, head, reference: None });
    }

    /// An event of the session's.
    pub(super) fn event(
        &mut self,
        session: &mut Session<M, M>,
        now: Instant,
        event: Event<M, M>,
    ) -> Option<Step<M>> {
        match event {
            Event::Deliver { channel, batch, .. } => Some(self.delivered(session, now, channel, batch)),
            Event::Gap { ref position, .. } => {
                self.offset = position.offset;
                self.progress(now);
                Some(Step::Other(Output::Event(event)))
            }
            Event::Live { .. } => {
                let connection = self.connection.as_mut()?;
                let told = std::mem::replace(&mut connection.told_live, true);
                (!told).then_some(Step::Other(Output::Event(event)))
            }
            event => Some(Step::Other(Output::Event(event))),
        }
    }

    /// Only now a message counts as seen.
    fn delivered(
        &mut self,
        session: &mut Session<M, M>,
        now: Instant,
        channel: ChannelId,
        batch: Batch<M>,
    ) -> Step<M> {
        self.offset = batch.n;
        let id = std::mem::take(&mut self.handing);
        let key = Key::of(&id);
        self.remember(key);
        let position_id = if self.numbering == Numbering::Numbers {
            self.last_id = key.ordered().or(self.last_id);
            key.ordered()
        } else {
            self.resume()
        };
        self.progress(now);
        self.hand_next(session, now);
        Step::Deliver { channel, id, batch, position_id }
    }

    /// The position has moved: whatever is still missing gets its time.
    fn progress(&mut self, now: Instant) {
        if let Some(connection) = &mut self.connection {
            let missing = self.offset < self.order.ahead();
            connection.hole_at = missing.then(|| now.after_ms(self.config.settle_ms));
        }
    }

    /// A message that is younger than the connection is no replayed one.
    fn catch_up_if_young(&mut self, session: &mut Session<M, M>, now: Instant, key: Key<'_>) {
        let opened_at = self.connection.as_ref().and_then(|connection| connection.opened_at);
        if key.ordered().zip(opened_at).is_some_and(|(id, opened)| id.ms >= opened.0) {
            self.catch_up(session, now);
        }
    }

    /// Nothing has come for a while.
    pub(super) fn quiet(&mut self, session: &mut Session<M, M>, now: Instant) {
        let missing = self.numbering == Numbering::Numbers && self.offset < self.order.ahead();
        if !missing {
            return self.catch_up(session, now);
        }
        // A replay that begins late must not look like one that is over: the session would forget that it has
        // asked for these messages already, and ask again, on each connection.
        let Some(connection) = &mut self.connection else { return };
        connection.quiet_at = None;
        if connection.subscribed {
            self.announce_live(session);
        }
    }

    /// The replay counts as over: no message has come for a while, or a younger one has.
    pub(super) fn catch_up(&mut self, session: &mut Session<M, M>, now: Instant) {
        let live = self.live();
        let Some(connection) = &mut self.connection else { return };
        connection.quiet_at = None;
        if std::mem::replace(&mut connection.caught_up, true) || !connection.subscribed {
            return;
        }
        if self.numbering == Numbering::Unknown {
            return self.announce_live(session); // an empty conversation is up to date, whatever its numbers will be
        }
        session.handle_frame(now, connection.socket, live);
    }

    /// Tells the application, but not the session.
    fn announce_live(&self, session: &mut Session<M, M>) {
        if let Some(channel) = self.name.as_ref().and_then(|name| session.channel_id(name)) {
            session.announce(Event::Live { channel });
        }
    }

    fn live(&self) -> ServerFrame<M> {
        ServerFrame::Live { ch: self.name.clone().unwrap_or_default(), head: 0, reference: None }
    }
}
