//! Random handles of one channel: each gets every message from its start point on, once and in order, or a gap, whatever
//! the others, the connection and the log do. `js/tests/handles-random.test.mjs` does the same for the npm package.
//! `HANDLES_SEED=7` runs one seed, `HANDLES_SEEDS=20000` more of them.

mod check;
mod log_server;

use std::task::{Poll, Waker};

use super::Item;
use super::dialect::Dialect;
use super::effect::Effect;
use super::engine::{Engine, HandleKey};
use super::start::StartFrom;
use crate::core::{BackoffConfig, Config, Instant, SocketId};
use crate::wire::Position;
use log_server::{Change, LogServer};

const STEPS: u64 = 60;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

/// How an application takes the items of a handle.
#[derive(Clone, Copy)]
enum Pace {
    /// All that there are.
    Eager,
    /// One at a time.
    Slow,
    /// It polls ahead, and commits now and then.
    Manual,
}

struct Opened {
    key: Option<HandleKey>,
    from: StartFrom,
    pace: Pace,
    items: Vec<Item>,
    /// How many of the log's beginnings were over when it was opened.
    opened: usize,
}

struct World {
    rng: Random,
    now: Instant,
    engine: Engine,
    server: LogServer,
    socket: Option<SocketId>,
    handles: Vec<Opened>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = Random(seed);
        let config = Config {
            backoff: BackoffConfig { initial_ms: 1, max_ms: 1 },
            ack_interval_ms: 0,
            replay_credit: rng.pick(&[2, 5, 2_000]),
            queue_messages_max: rng.pick(&[3, 10, 10_000]),
            ..Config::default()
        };
        let now = Instant(1_000);
        let dialect = Dialect::default();
        let engine = Engine::new(dialect.session("ws://server", config, seed, now), dialect.replays(), || 0);
        let mut world =
            World { rng, now, engine, server: LogServer::default(), socket: None, handles: Vec::new() };
        world.call(|engine, now| engine.session.connect(now));
        world
    }

    /// As a driver does it.
    fn call<T>(&mut self, call: impl FnOnce(&mut Engine, Instant) -> T) -> T {
        let result = call(&mut self.engine, self.now);
        self.engine.settle_outputs(self.now);
        if self.engine.begin_performing() {
            while let Some(effect) = self.engine.next_effect() {
                match effect {
                    Effect::Connect(id) => {
                        self.socket = Some(id);
                        self.server.connect();
                        self.engine.session.handle_open(self.now, id);
                        self.engine.settle_outputs(self.now);
                    }
                    Effect::Disconnect { socket, .. } => drop(self.socket.take_if(|open| *open == socket)),
                    Effect::Send { frame, .. } => self.server.receive(&frame),
                    Effect::Wake(_) | Effect::Answer(..) | Effect::FetchToken { .. } => {}
                }
            }
        }
        result
    }

    fn open(&mut self) {
        let from = self.start_point();
        let key = self.call(|engine, now| engine.open(now, "c", from.clone())).expect("it can be opened");
        let pace = self.rng.pick(&[Pace::Eager, Pace::Slow, Pace::Manual]);
        if let Pace::Manual = pace {
            self.engine.set_manual(key);
        }
        let opened = self.server.firsts.len() - 1;
        self.handles.push(Opened { key: Some(key), from, pace, items: Vec::new(), opened });
    }

    /// A start point of any kind: in the past, the present and the future, in this log and in another one.
    fn start_point(&mut self) -> StartFrom {
        let after =
            |epoch: &str, offset| StartFrom::After(Position { epoch: epoch.to_owned(), offset, id: None });
        match self.rng.below(6) {
            0 => StartFrom::Stored,
            1 => StartFrom::Start,
            2 => StartFrom::Tail,
            3 => after("elsewhere", self.rng.below(5)),
            _ => after(&self.server.epoch, self.rng.below(self.server.head() + 3)),
        }
    }

    fn close(&mut self, place: usize) {
        if let Some(key) = self.handles[place].key.take() {
            self.call(|engine, now| engine.leave(now, key));
        }
    }

    /// Time passes: a frame arrives, and each application has a turn.
    fn turn(&mut self) {
        self.now.0 += 1;
        if let Some(frame) = self.server.next_frame(&mut self.rng)
            && let Some(socket) = self.socket
        {
            let incoming = Dialect::default().decode(&frame).expect("it is valid");
            self.call(|engine, now| engine.session.handle_incoming(now, socket, incoming));
        }
        if self.engine.poll_timeout().is_some_and(|at| at <= self.now) {
            self.call(Engine::handle_timeout);
        }
        for place in 0..self.handles.len() {
            self.poll(place);
        }
    }

    fn poll(&mut self, place: usize) {
        let Some(key) = self.handles[place].key else { return };
        let (max, commits) = match self.handles[place].pace {
            Pace::Eager => (u64::MAX, false),
            Pace::Slow => (self.rng.below(2), false),
            Pace::Manual => (self.rng.below(4), self.rng.below(3) == 0),
        };
        for _ in 0..max {
            let (item, _) = self.call(|engine, now| engine.poll(now, key, Waker::noop().clone()));
            match item {
                Poll::Ready(item) => self.handles[place].items.extend(item),
                Poll::Pending => break,
            }
        }
        if commits {
            self.call(|engine, now| engine.commit(now, key, None));
        }
    }

    fn disconnect(&mut self, change: Option<Change>) {
        let Some(socket) = self.socket.take() else { return };
        self.server.disconnect(change, &mut self.rng);
        self.call(|engine, now| engine.session.handle_close(now, socket, 1006, String::new()));
        if change.is_some() {
            self.calm(); // a log that fell back is noticed before it grows again; the protocol offers nothing else
        }
    }

    /// Waits until the server has answered every request.
    fn calm(&mut self) {
        let mut quiet = 0;
        for _ in 0..10_000 {
            if quiet == 10 || self.handles.iter().all(|handle| handle.key.is_none()) {
                return;
            }
            quiet = if self.server.is_live() { quiet + 1 } else { 0 };
            self.turn();
        }
        panic!("the channel does not become live");
    }

    fn step(&mut self) {
        match self.rng.below(20) {
            0..9 => self.server.publish(),
            9..14 => self.open(),
            14..17 if !self.handles.is_empty() => {
                let place = self.rng.below(self.handles.len() as u64) as usize;
                self.close(place);
            }
            14..17 => {}
            _ => {
                let change =
                    self.rng.pick(&[None, Some(Change::Replace), Some(Change::Rewind), Some(Change::Trim)]);
                self.disconnect(change);
            }
        }
        for _ in 0..self.rng.below(6) {
            self.turn();
        }
    }

    /// Everything arrives in the end, and is acknowledged.
    fn finish(&mut self) {
        self.calm();
        self.server.publish();
        let last = self.server.messages.last().cloned();
        let is_last = |item: &Item| matches!(item, Item::Message(message) if message.json().ok() == last);
        let is_done = |handle: &Opened| handle.key.is_none() || handle.items.iter().any(is_last);
        let mut turns = 0;
        while !self.handles.iter().all(is_done) {
            self.turn();
            turns += 1;
            assert!(turns < 20_000, "a handle does not get the last message");
        }
        for place in 0..self.handles.len() {
            check::handle(&self.handles[place], &self.server);
            if let Some(key) = self.handles[place].key {
                self.call(|engine, now| engine.commit(now, key, None));
                let position = self.engine.position(key).expect("it has had messages");
                assert_eq!(
                    (position.epoch, position.offset),
                    (self.server.epoch.clone(), self.server.head())
                );
            }
        }
        for _ in 0..10 {
            self.turn();
        }
        if self.handles.iter().any(|handle| handle.key.is_some()) {
            assert_eq!(self.server.acked, Some((self.server.epoch.clone(), self.server.head())));
        }
    }
}

fn run(seed: u64) {
    let mut world = World::new(seed);
    for _ in 0..STEPS {
        world.step();
    }
    world.finish();
}

#[test]
fn random_handles_get_everything_once_or_a_gap() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds =
        number("HANDLES_SEED").map_or(0..number("HANDLES_SEEDS").unwrap_or(100), |seed| seed..seed + 1);
    for seed in seeds {
        let ran = std::panic::catch_unwind(|| run(seed));
        assert!(ran.is_ok(), "HANDLES_SEED={seed}");
    }
}
