//! A page: the driver of one session, with the page's own clock, timers and sleep. It reports what happens, and
//! performs the outputs, as `src/browser/driver.rs` does.

use seamline::core::{BackoffConfig, Config, Instant, Session, SocketId};
use seamline::wire::{LINEAGE_NAMES_MAX, close};

use crate::app::App;
use crate::invariants::{Credit, Line, Publications};
use crate::log::channel_name;
use crate::network::ToClient;
use crate::stage::{Ev, Stage};
use crate::world::World;

/// The page's clock begins here, so that it can be set back.
const EPOCH_MS: u64 = 10_000_000;
const OUTPUTS_PER_CALL_MAX: u32 = 5_000;
const TIMEOUTS_PER_MS_MAX: u32 = 20;
/// The last one ends a session only when it comes instead of a welcome.
const ENDING_CODES: [u16; 3] = [close::FORBIDDEN, close::REPLACED, close::BAD_FRAME];

/// The names of a page load and of the ones before it, as a page keeps them in its `sessionStorage`.
fn lineage(index: usize, number: u64) -> String {
    let names: Vec<_> = (0..=number).rev().map(|number| format!("{index}.{number}")).collect();
    names[..names.len().min(LINEAGE_NAMES_MAX)].join(" ")
}

/// A page, and what checks it.
pub struct Page {
    pub index: usize,
    /// Counts the reloads.
    pub number: u64,
    pub session: Session<Vec<u64>, u64>,
    pub config: Config,
    pub app: App,
    pub line: Line,
    pub publications: Publications,
    pub credits: Vec<Credit>,
    /// The session's current socket.
    pub conn: Option<(SocketId, usize)>,
    /// The connection that the session has just closed.
    pub given_up: Option<usize>,
    /// How far the clock is off.
    pub clock_skew_ms: i64,
    /// The latest moment that the session was given.
    pub session_now: u64,
    pub frozen_until: u64,
    pub busy_until: u64,
    /// Which call of the token function has no answer yet, and since when.
    pub fetching: Option<(u64, u64)>,
    pub throttled: bool,
    /// In the back/forward cache, and therefore frozen. When it continues, the browser fires an event.
    pub suspended: bool,
    armed: Option<u64>,
    arms: u64,
    timeouts: (u64, u32),
    /// The application has closed the session.
    pub closed: bool,
    /// The server has closed with a code after which the session must not reconnect.
    pub dismissed: bool,
}

impl Page {
    pub fn new(index: usize, number: u64, app: App, skew_ms: i64, stage: &mut Stage) -> Self {
        let config = Config {
            client_id: format!("client {}", if stage.faults.copies { 0 } else { index }),
            lineage: Some(lineage(index, number)),
            backoff: BackoffConfig { initial_ms: 500, max_ms: 20_000 },
            replay_credit: stage.faults.replay_credit,
            queue_messages_max: stage.faults.queue_messages_max,
            outbox_messages_max: 100,
            has_token: stage.faults.has_token,
            ..Config::default()
        };
        let now = clock(stage.now, skew_ms);
        let seed = stage.rng.next();
        Page {
            index,
            number,
            session: Session::new(config.clone(), seed, Instant(now)),
            config,
            app,
            line: Line::default(),
            publications: Publications::default(),
            credits: (0..stage.faults.channels).map(|_| Credit::default()).collect(),
            conn: None,
            given_up: None,
            clock_skew_ms: skew_ms,
            session_now: now,
            frozen_until: 0,
            busy_until: 0,
            fetching: None,
            throttled: false,
            suspended: false,
            armed: None,
            arms: 0,
            timeouts: (0, 0),
            closed: false,
            dismissed: false,
        }
    }

    /// The name under which the server stores its positions.
    pub fn stored_as(&self) -> String {
        format!("{}/{}.{}", self.config.client_id, self.index, self.number)
    }

    /// Calls into the session, then performs its outputs.
    pub fn call<T>(
        &mut self,
        world: &mut World,
        call: impl FnOnce(&mut Session<Vec<u64>, u64>, Instant) -> T,
    ) -> T {
        let now = self.tell_time(&world.stage);
        let result = call(&mut self.session, now);
        self.perform(world);
        result
    }

    /// The time by the page's clock, which the session is about to be given.
    pub fn tell_time(&mut self, stage: &Stage) -> Instant {
        let now = clock(stage.now, self.clock_skew_ms);
        self.session_now = self.session_now.max(now);
        Instant(now)
    }

    fn perform(&mut self, world: &mut World) {
        let mut outputs = 0;
        while let Some(output) = self.session.poll_output() {
            outputs += 1;
            if outputs > OUTPUTS_PER_CALL_MAX {
                return world.stage.fail(|| "one call, and outputs without end".to_owned());
            }
            self.act(output, world);
        }
        self.check_counts(&mut world.stage);
        self.arm(&mut world.stage);
    }

    /// Every message that arrived is accounted for.
    fn check_counts(&self, stage: &mut Stage) {
        let s = self.session.stats();
        let known = s.delivered + s.duplicates + s.discarded;
        let buffered_max = self.config.queue_messages_max * stage.faults.channels;
        stage.check(s.received >= known && s.received - known <= buffered_max, || {
            format!("{} messages are buffered or lost count of: {s:?}", s.received as i64 - known as i64)
        });
    }

    /// Something arrived on a connection of this page.
    pub fn arrive(&mut self, conn: usize, item: ToClient, world: &mut World) {
        let socket = world.net.conns[conn].socket;
        let current = self.conn == Some((socket, conn));
        if current {
            self.line.heard();
        }
        match item {
            ToClient::Msgs { ch, batch } => {
                let numbers = [self.index as u64, ch as u64, batch.n, batch.count, batch.replay.into()];
                world.stage.note("client gets of channel, from, count, replay", &numbers);
                if current && batch.replay {
                    self.credits[ch].used(batch.count);
                }
                if current {
                    self.app.subs[ch].reader.sees(batch.n + batch.count - 1);
                }
                let name = channel_name(ch);
                self.call(world, |session, now| session.handle_messages(now, socket, &name, batch));
            }
            ToClient::Frame(frame) => {
                if current {
                    self.look_at(&frame, &mut world.stage);
                }
                self.call(world, |session, now| session.handle_frame(now, socket, frame));
            }
            ToClient::BadFrame => {
                self.call(world, |session, now| session.handle_bad_frame(now, socket, String::new()));
            }
            ToClient::UnknownFrame => {
                self.call(world, |session, now| session.handle_unknown_frame(now, socket));
            }
            ToClient::Close(code) => {
                self.dismissed |= current && ENDING_CODES.contains(&code);
                world.net.conns[conn].client_listens = false;
                world.stage.note("client hears of a close, code", &[self.index as u64, code.into()]);
                self.conn.take_if(|open| open.1 == conn);
                self.call(world, |session, now| session.handle_close(now, socket, code, String::new()));
            }
        }
    }

    /// A connection of this page is established.
    pub fn opened(&mut self, conn: usize, world: &mut World) {
        let socket = world.net.conns[conn].socket;
        self.call(world, |session, now| session.handle_open(now, socket));
    }

    /// The token function answers.
    pub fn token(&mut self, fetch: u64, world: &mut World) {
        self.fetching.take_if(|current| current.0 == fetch);
        let (fetch, refresh) = ((fetch / 2) as u32, fetch % 2 == 1);
        let answer = if world.stage.rng.chance(world.stage.faults.token_fails) {
            Err("no token".to_owned())
        } else if !refresh && world.stage.rng.chance(world.stage.faults.token_refused) {
            Ok(Some("refused".to_owned()))
        } else {
            Ok(Some("good".to_owned()))
        };
        self.call(world, |session, now| session.handle_token(now, fetch, answer));
    }

    /// The page enters the back/forward cache: no timer may be left.
    pub fn suspend(&mut self, world: &mut World) {
        self.suspended = true;
        self.call(world, |session, now| session.handle_suspend(now));
        let next = self.session.poll_timeout();
        world.stage.check(next.is_none(), || format!("a deadline in a suspended page: {next:?}"));
        world.stage.check(self.conn.is_none(), || "a socket is open in a suspended page".to_owned());
    }

    /// The application closes the session; nothing may be left over.
    pub fn close(&mut self, world: &mut World) {
        world.stage.note("client closes its session", &[self.index as u64]);
        self.closed = true;
        self.call(world, |session, now| session.close(now));
        let (unsettled, next) = (self.publications.unsettled(), self.session.poll_timeout());
        world.stage.check(unsettled == 0, || format!("{unsettled} publications are left after the end"));
        world.stage.check(next.is_none(), || format!("a deadline after the end: {next:?}"));
        world.stage.check(self.conn.is_none(), || "a socket is open after the end".to_owned());
    }

    /// Keeps one timer for the next deadline. One that is set too early fires and checks again.
    fn arm(&mut self, stage: &mut Stage) {
        let Some(at) = self.session.poll_timeout() else { return };
        let wait_ms = at.0.saturating_sub(clock(stage.now, self.clock_skew_ms));
        let mut fires_at = stage.now + wait_ms;
        if wait_ms > 0 && stage.rng.chance(100) {
            fires_at += stage.rng.below(4);
        }
        if self.throttled {
            fires_at = fires_at.next_multiple_of(60_000);
        }
        if self.armed.is_some_and(|armed| armed <= fires_at) {
            return;
        }
        self.armed = Some(fires_at);
        self.arms += 1;
        stage.at(fires_at, Ev::Timer { client: self.index, armed: self.number << 32 | self.arms });
    }

    /// Until when a frozen or busy page defers what happens to it, in the same order.
    pub fn postpones(&self, ev: Ev, now: u64) -> Option<u64> {
        if self.frozen_until > now {
            return Some(self.frozen_until);
        }
        // A busy process runs its timers first, and reads its sockets after that.
        let reads = matches!(ev, Ev::Arrive { .. } | Ev::Opened { .. });
        (self.busy_until > now).then(|| self.busy_until + u64::from(reads))
    }

    /// The page's timer fires.
    pub fn timer(&mut self, armed: u64, world: &mut World) {
        if armed != self.number << 32 | self.arms {
            return;
        }
        self.armed = None;
        if self.timeouts.0 != world.stage.now {
            self.timeouts = (world.stage.now, 0);
        }
        self.timeouts.1 += 1;
        if self.timeouts.1 > TIMEOUTS_PER_MS_MAX {
            return world.stage.fail(|| "a timer that fires without end".to_owned());
        }
        self.call(world, |session, now| session.handle_timeout(now));
        let (now, next) = (self.session_now, self.session.poll_timeout());
        world
            .stage
            .check(next.is_none_or(|at| at.0 > now), || format!("a deadline that is over: {next:?}, {now}"));
    }
}

fn clock(now: u64, skew_ms: i64) -> u64 {
    (EPOCH_MS + now).saturating_add_signed(skew_ms)
}
