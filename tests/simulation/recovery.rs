//! All faults have ended: every client must catch up soon, and stay so.

use crate::page::Page;
use crate::run::Run;
use crate::world::World;

/// How long messages are published after the faults. What is pending then, such as the end of a freeze, a backoff
/// or a heartbeat, ends within this time or the time that follows.
const WRITING_MS: u64 = 60_000;
const RECOVERY_MS: u64 = 120_000;
/// For each page of credit that a client is behind.
const ROUND_TRIP_MS: u64 = 100;
const LOOK_EVERY_MS: u64 = 500;
/// Unused connections are closed after this.
const SETTLING_MS: u64 = 120_000;
/// An idle live client sends only occasional pings.
const EVENTS_AT_REST_MAX: u64 = 30;

impl Run {
    /// All faults end; all clients must catch up.
    pub fn recover(&mut self) {
        self.world.stage.note("all heals", &[]);
        self.world.stage.faults.heal();
        self.world.server.heal();
        for page in &mut self.pages {
            page.throttled = false;
            page.call(&mut self.world, |_, _| ()); // sets its timer again
        }
        let healed_at = self.world.stage.now;
        self.play_until(healed_at + WRITING_MS);
        self.writing = false;
        let until = self.world.stage.now + RECOVERY_MS + self.replay_ms();
        while self.world.stage.broken.is_none()
            && let Some(what) = self.unwell()
        {
            let now = self.world.stage.now;
            self.world.stage.check(now < until, || format!("after all is healed, {what}"));
            self.play_until(now + LOOK_EVERY_MS);
        }
        self.totals.recovery_ms_max = self.world.stage.now - healed_at;
    }

    /// How long the replays may take, by the credit and the bandwidth that bound them.
    fn replay_ms(&self) -> u64 {
        let faults = &self.world.stage.faults;
        let window = faults.replay_credit.min(faults.queue_messages_max);
        let heads = self.world.server.logs.iter().map(|log| log.now().head());
        let bytes = heads.clone().sum::<u64>() * faults.message_bytes;
        let transfer_ms = (bytes * 1_000).checked_div(faults.bandwidth).unwrap_or(0);
        (heads.max().unwrap_or(0) / window.div_ceil(2)) * ROUND_TRIP_MS + transfer_ms
    }

    /// A quiet minute: every client stays connected, and does nothing unnecessary. A wake event does no harm to a
    /// healthy connection.
    pub fn rest(&mut self) {
        self.play_until(self.world.stage.now + SETTLING_MS);
        let (reconnects, events) = (self.totals().reconnects, self.world.stage.events);
        for page in &mut self.pages {
            page.call(&mut self.world, |session, now| session.handle_wake(now));
        }
        self.play_until(self.world.stage.now + 60_000);
        let (made, events) = (self.totals().reconnects - reconnects, self.world.stage.events - events);
        let events_max = EVENTS_AT_REST_MAX * self.pages.len() as u64;
        let unwell = self.unwell();
        let stage = &mut self.world.stage;
        stage.check(made == 0, || format!("{made} reconnects in a quiet minute"));
        stage.check(events <= events_max, || format!("{events} events in a quiet minute"));
        stage.check(unwell.is_none(), || format!("after a quiet minute, {unwell:?}"));
    }

    /// The applications close their sessions, one of them with unprocessed messages.
    pub fn end(&mut self) {
        for page in &mut self.pages {
            page.publish(&mut self.world);
            page.close(&mut self.world);
        }
        self.play_until(self.world.stage.now + 60_000);
        for page in &mut self.pages {
            let next = page.session.poll_timeout();
            self.world.stage.check(next.is_none(), || format!("a deadline after the end: {next:?}"));
        }
    }

    /// What is wrong although there are no faults.
    fn unwell(&self) -> Option<String> {
        self.pages.iter().find_map(|page| unwell(page, &self.world))
    }
}

fn unwell(page: &Page, world: &World) -> Option<String> {
    let client = page.index;
    if !page.line.is_open() {
        return Some(format!("client {client} is not connected"));
    }
    for (ch, sub) in page.app.subs.iter().enumerate() {
        let log = &world.server.logs[ch];
        let head = Some((log.epoch(), log.now().head()));
        let place = sub.place.map(|(epoch, offset, _)| (epoch, offset));
        let served = page.conn.is_some_and(|(_, conn)| world.server.serves(conn, ch));
        if !served && world.server.is_full(page.conn.map(|(_, conn)| conn), &world.stage) {
            continue; // over the limit of channels
        }
        if !sub.live {
            return Some(format!("client {client} is not live on channel {ch}"));
        }
        if sub.reader.position != head {
            let at = sub.reader.position;
            return Some(format!("client {client} stands at {at:?} in channel {ch}, which ends at {head:?}"));
        }
        if !sub.idle() || place != head {
            return Some(format!("client {client} has processed channel {ch} up to {place:?} of {head:?}"));
        }
        let stored = world.server.stored.get(&(page.stored_as(), ch)).copied();
        if sub.worked && stored != head {
            return Some(format!(
                "the server stored {stored:?} of {head:?} for client {client}, channel {ch}"
            ));
        }
    }
    let unsettled = page.publications.unsettled();
    (unsettled > 0).then(|| format!("client {client} has {unsettled} publications without an answer"))
}
