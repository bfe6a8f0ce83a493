//! Small seeded worlds: a server with the habits that the dialect allows, a network that is cut, and then a
//! while without faults, after which each message must have been delivered once.

use std::collections::BTreeMap;

use seamline::core::Protocol;
use seamline::plain::PlainConfig;
use seamline::wire::MessageId;

use crate::page::{Page, SETTLE_MS, config, plain};

const MESSAGES: u64 = 250;
/// How late a live message may be; the settle time is many times that.
const JITTER_MS: u64 = 50;

/// Numbers from a seed (an LCG; Knuth's constants).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

#[derive(Clone, Copy, Debug)]
struct Habits {
    numbers: bool,
    honours_resume: bool,
    twice: bool,
    overtakes: bool,
    /// Milliseconds for each replayed message.
    pace_ms: u64,
    /// How long a replay takes to start.
    starts_after_ms: u64,
    cuts: bool,
    /// The server never sends this one.
    skips: Option<u64>,
}

struct World {
    page: Page,
    random: Random,
    habits: Habits,
    log: Vec<(MessageId, u64)>,
    /// What is in transit to the page on the current connection.
    on_its_way: BTreeMap<(u64, u64), u64>,
    sent: u64,
    replay_ends_ms: u64,
    connected: bool,
    attempt: u32,
    /// The offsets at which the client requested a hole, which takes a new connection.
    asked_at: Vec<u64>,
}

impl World {
    fn new(seed: u64, habits: Habits, plain: PlainConfig) -> Self {
        let mut page = Page::new(config(), plain);
        page.subscribe(None);
        page.connect();
        World {
            page,
            random: Random(seed),
            habits,
            log: Vec::new(),
            on_its_way: BTreeMap::new(),
            sent: 0,
            replay_ends_ms: 0,
            connected: false,
            attempt: u32::MAX,
            asked_at: Vec::new(),
        }
    }

    fn send(&mut self, at_ms: u64, number: u64) {
        if self.habits.skips != Some(number) {
            self.sent += 1;
            self.on_its_way.insert((at_ms, self.sent), number);
        }
    }

    fn publish(&mut self) {
        let id = MessageId { ms: self.page.now_ms, seq: self.log.len() as u64 };
        let number = self.log.len() as u64 + 1;
        self.log.push((id, number));
        if !self.connected {
            return;
        }
        for _ in 0..if self.habits.twice { 2 } else { 1 } {
            let soonest = if self.habits.overtakes {
                self.page.now_ms
            } else {
                self.page.now_ms.max(self.replay_ends_ms)
            };
            let at_ms = soonest + 1 + self.random.below(JITTER_MS);
            self.send(at_ms, number);
        }
    }

    fn accept(&mut self) {
        if self.connected {
            self.asked_at.push(self.page.position.as_ref().map_or(0, |position| position.offset));
        }
        self.attempt = self.page.socket;
        self.connected = true;
        self.page.opened();
        let resume =
            self.page.url.split("last_message_id=").nth(1).map(|id| id.parse::<MessageId>().unwrap());
        let after = resume.filter(|_| self.habits.honours_resume);
        let numbers: Vec<u64> = self
            .log
            .iter()
            .filter(|(id, _)| after.is_none_or(|after| *id > after))
            .map(|(_, number)| *number)
            .collect();
        self.replay_ends_ms = self.page.now_ms + 20 + self.habits.starts_after_ms;
        for number in numbers {
            self.replay_ends_ms += self.habits.pace_ms;
            self.send(self.replay_ends_ms, number);
        }
    }

    fn cut(&mut self) {
        self.connected = false;
        self.on_its_way.clear();
        self.page.close(1006);
    }

    /// Lets everything happen up to a moment.
    fn run_until(&mut self, end_ms: u64) {
        loop {
            if self.page.socket != self.attempt {
                self.on_its_way.clear();
                self.accept();
            }
            let arrival = self.on_its_way.first_key_value().map(|(&(at, _), _)| at);
            let timeout = self.page.session.poll_timeout().map(|at| at.0);
            let Some(next) = arrival.into_iter().chain(timeout).min().filter(|&next| next <= end_ms) else {
                break;
            };
            self.page.now_ms = self.page.now_ms.max(next);
            if arrival == Some(next) {
                let number = self.on_its_way.pop_first().unwrap().1;
                let (id, number) = self.log[number as usize - 1];
                let label = number.to_string();
                self.page.object(Some(&id.to_string()), self.habits.numbers.then_some(number), &label);
            } else {
                self.page.timeout();
            }
        }
        self.page.now_ms = end_ms;
    }

    fn run(mut self) -> Page {
        let history = self.random.below(40);
        (0..history).for_each(|_| self.publish());
        while (self.log.len() as u64) < MESSAGES {
            let pause_ms = match self.random.below(40) {
                0 => 5_000,
                1..20 => self.random.below(6),
                _ => self.random.below(120),
            };
            self.run_until(self.page.now_ms + pause_ms);
            self.publish();
            if self.habits.cuts && self.connected && self.random.one_in(12) {
                self.cut();
            }
        }
        self.run_until(self.page.now_ms + 60_000);
        let asked = self.asked_at.len();
        self.asked_at.dedup();
        assert_eq!(asked, self.asked_at.len(), "a hole is requested once: {:?}", self.habits);
        self.page
    }
}

fn habits(random: &mut Random) -> Habits {
    Habits {
        numbers: random.one_in(2),
        honours_resume: random.one_in(2),
        twice: random.one_in(2),
        overtakes: random.one_in(2),
        pace_ms: random.below(12),
        starts_after_ms: 0,
        cuts: !random.one_in(8),
        skips: None,
    }
}

/// A server whose replays start later than the client waits for them, and live messages after that.
fn late(habits: Habits) -> Habits {
    Habits { numbers: true, overtakes: false, starts_after_ms: 2 * SETTLE_MS, ..habits }
}

#[test]
fn every_message_is_delivered_once() {
    let mut duplicates = 0;
    for seed in 0..300 {
        let habits = habits(&mut Random(seed));
        let page = World::new(seed, habits, PlainConfig { window_messages: 400, ..plain() }).run();
        let mut numbers: Vec<u64> = page.delivered.iter().map(|label| label.parse().unwrap()).collect();
        if !habits.numbers {
            numbers.sort_unstable();
        }
        assert_eq!(numbers, (1..=MESSAGES).collect::<Vec<_>>(), "seed {seed}: {habits:?}");
        assert_eq!(page.gaps, [], "seed {seed}: {habits:?}");
        duplicates += page.session.stats().duplicates;
    }
    assert!(duplicates > 10_000, "the seam was exercised: {duplicates}");
}

/// The test above can fail: this is what the settle time is for.
#[test]
fn without_a_settle_time_messages_are_lost() {
    let lost = (0..100).filter(|&seed| {
        let habits = Habits { numbers: false, honours_resume: true, cuts: true, ..habits(&mut Random(seed)) };
        let page = World::new(seed, habits, PlainConfig { settle_ms: 0, ..plain() }).run();
        (page.delivered.len() as u64) < MESSAGES
    });
    let lost = lost.count();
    assert!(lost > 10, "{lost} of 100 runs lost messages");
}

#[test]
fn late_replays_lose_nothing() {
    for seed in 0..100 {
        let habits = late(habits(&mut Random(seed)));
        let page = World::new(seed, habits, PlainConfig { window_messages: 400, ..plain() }).run();
        assert_eq!(page.gaps, [], "seed {seed}: {habits:?}");
        let numbers: Vec<u64> = page.delivered.iter().map(|label| label.parse().unwrap()).collect();
        assert_eq!(numbers, (1..=MESSAGES).collect::<Vec<_>>(), "seed {seed}: {habits:?}");
    }
}

#[test]
fn a_skipped_number_is_one_gap() {
    for seed in 0..100 {
        let skipped = 100 + seed;
        let habits = Habits { numbers: true, skips: Some(skipped), ..habits(&mut Random(seed)) };
        let habits = if seed % 2 == 0 { habits } else { late(habits) };
        let page = World::new(seed, habits, plain()).run();
        let numbers: Vec<u64> = page.delivered.iter().map(|label| label.parse().unwrap()).collect();
        assert_eq!(
            numbers,
            (1..=MESSAGES).filter(|&n| n != skipped).collect::<Vec<_>>(),
            "seed {seed}: {habits:?}"
        );
        assert_eq!(page.gaps, [(skipped, Some(skipped))], "seed {seed}: {habits:?}");
    }
}

#[test]
fn a_small_window_suffices_for_an_ordered_replay() {
    for seed in 0..100 {
        let habits = Habits { numbers: false, overtakes: false, ..habits(&mut Random(seed)) };
        let page = World::new(seed, habits, PlainConfig { window_messages: 120, ..plain() }).run();
        let mut numbers: Vec<u64> = page.delivered.iter().map(|label| label.parse().unwrap()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=MESSAGES).collect::<Vec<_>>(), "seed {seed}: {habits:?}");
    }
}

/// Whatever a server sends, at any time.
#[test]
fn each_hole_is_requested_once() {
    let mut asked = 0;
    for seed in 0..300 {
        let mut random = Random(seed);
        let window_messages = 3 + random.below(30);
        let (mut page, _) = Page::open(PlainConfig { window_messages, ..plain() });
        let mut asked_at = Vec::new();
        for _ in 0..200 {
            let socket = page.socket;
            match random.below(8) {
                0 => page.reconnect(),
                1..4 => page.wait(random.below(2 * SETTLE_MS)),
                _ => page.number(1 + random.below(40)),
            }
            if page.lines().iter().any(|line| line == "disconnect") {
                asked_at.push(page.position.as_ref().map_or(0, |position| position.offset));
                if page.socket == socket {
                    page.wait_for_attempt();
                }
                page.opened();
            }
        }
        asked += asked_at.len();
        assert!(asked_at.is_sorted_by(|a, b| a < b), "seed {seed}: requested a hole after {asked_at:?}");
        assert!(page.delivered.is_sorted_by_key(|label| label.parse::<u64>().unwrap()), "seed {seed}");
    }
    assert!(asked > 100, "holes were requested {asked} times");
}
