//! How fast a replay and publications are on a path with a delay, in virtual time: the windows must fit the path.

use std::collections::VecDeque;

use seamline::core::{Batch, ChannelId, Config, Event, Output};
use seamline::wire::{Ahead, ClientFrame};

use crate::page::{Page, ROOM, id, position};

/// What a page receives in a millisecond if nothing holds it up, and sends in one.
const MESSAGES_PER_MS: u64 = 150;
const MESSAGE_BYTES: u64 = 270;
/// How many messages the server puts into a frame.
const FRAME_MESSAGES: u64 = 360;

/// Things that arrive after a delay, in order.
pub struct Pipe<T>(pub VecDeque<(u64, T)>);

impl<T> Pipe<T> {
    pub fn arrived(&mut self, now_ms: u64) -> Option<T> {
        self.0.front().filter(|(at, _)| *at <= now_ms)?;
        self.0.pop_front().map(|(_, item)| item)
    }
}

/// What the server sends.
enum Sent {
    Subd,
    /// From this offset on, so many.
    Messages(u64, u64),
}

/// A replay, from the `sub` on.
struct Replay {
    page: Page,
    channel: ChannelId,
    delay_ms: u64,
    /// How many messages the application processes in a millisecond.
    app_per_ms: u64,
    /// The credit of the last `sub`.
    credit_sent: u64,
    to_server: Pipe<u64>,
    to_page: Pipe<Sent>,
    /// When the link has carried what was sent, in thousandths of a millisecond.
    link_free_at: u64,
    per_ms: u64,
    /// What the server may send, whatever the credit, and how many bytes that may be.
    ahead: Ahead,
    granted: u64,
    /// How many messages of the subscription were sent.
    used: u64,
    sent: u64,
    delivered: u64,
    processed: u64,
    /// The most messages that were in transit or waited.
    most: u64,
}

impl Replay {
    fn new(round_trip_ms: u64, per_ms: u64, app_per_ms: u64, config: Config) -> Self {
        let mut page = Page::new(config);
        page.message_bytes = MESSAGE_BYTES;
        let channel = page.subscribe(Some(position("e", 0)));
        page.connect();
        page.opened();
        page.wait(round_trip_ms);
        page.welcome();
        let credit_sent = credit(&page.last_sub());
        let (page_now_ms, delay_ms) = (page.now_ms, round_trip_ms / 2);
        Replay {
            page,
            channel,
            delay_ms,
            app_per_ms,
            credit_sent,
            to_server: Pipe(VecDeque::from([(page_now_ms + delay_ms, credit_sent)])),
            to_page: Pipe(VecDeque::from([(page_now_ms + 2 * delay_ms, Sent::Subd)])),
            link_free_at: 0,
            per_ms,
            ahead: Ahead::default(),
            granted: 0,
            used: 0,
            sent: 0,
            delivered: 0,
            processed: 0,
            most: 0,
        }
    }

    /// The connection breaks, is opened again after a minute, and the same path is measured.
    fn reconnect(&mut self) {
        self.page.wait(60_000);
        self.page.close(1006);
        self.page.wait_for_attempt();
        self.page.opened();
        self.credit_sent = credit(&self.page.last_sub());
        self.page.wait(2 * self.delay_ms);
        self.page.welcome();
        self.page.lines();
        (self.granted, self.used) = (0, 0);
        self.to_server.0.push_back((self.page.now_ms + self.delay_ms, self.credit_sent));
        self.to_page.0.push_back((self.page.now_ms + 2 * self.delay_ms, Sent::Subd));
    }

    /// Returns how long it takes until this many messages are processed.
    fn ms(&mut self, messages: u64) -> u64 {
        let begun_ms = self.page.now_ms;
        self.link_free_at = begun_ms * 1_000;
        while self.processed < messages {
            self.serve(messages);
            while let Some(sent) = self.to_page.arrived(self.page.now_ms) {
                match sent {
                    Sent::Subd => self.page.subd("e", 1, u64::MAX, 0),
                    Sent::Messages(n, count) => self.receive(n, count),
                }
            }
            self.process();
            self.page.now_ms += 1;
            assert!(self.page.now_ms - begun_ms < 1_000_000, "{} of {messages}", self.processed);
        }
        self.page.now_ms - begun_ms
    }

    /// How many messages the server may send, if so many more are granted.
    fn credit(&self, more: u64) -> u64 {
        let ahead = if self.ahead.bytes > 0 { self.ahead.messages } else { 0 };
        (self.granted + more).max(ahead).saturating_sub(self.used)
    }

    /// The server sends what the credit and the link allow.
    fn serve(&mut self, messages: u64) {
        let now_ms = self.page.now_ms;
        while let Some(more) = self.to_server.arrived(now_ms) {
            self.granted += more;
        }
        while self.link_free_at < (now_ms + 1) * 1_000 && self.credit(0) > 0 && self.sent < messages {
            let count = FRAME_MESSAGES.min(self.credit(0)).min(messages - self.sent);
            self.link_free_at = self.link_free_at.max(now_ms * 1_000) + count * 1_000 / self.per_ms;
            self.to_page
                .0
                .push_back((self.link_free_at / 1_000 + self.delay_ms, Sent::Messages(self.sent + 1, count)));
            self.sent += count;
            self.used += count;
            self.ahead.bytes = self.ahead.bytes.saturating_sub(count * MESSAGE_BYTES);
        }
    }

    fn receive(&mut self, n: u64, count: u64) {
        let bytes = count * MESSAGE_BYTES;
        let batch = Batch { n, count, last_id: id(n + count - 1), replay: true, bytes, payload: () };
        self.page.session.handle_messages(self.page.now(), self.page.socket, ROOM, batch);
        self.collect();
    }

    /// The application processes what has arrived.
    fn process(&mut self) {
        let count = (self.delivered - self.processed).min(self.app_per_ms);
        if count > 0 {
            self.processed += count;
            self.page.processed(self.channel, count, self.processed);
            self.collect();
        }
    }

    fn collect(&mut self) {
        let (now_ms, delay_ms) = (self.page.now_ms, self.delay_ms);
        while let Some(output) = self.page.session.poll_output() {
            match output {
                Output::Send { frame: ClientFrame::More { credit, .. }, .. } => {
                    self.to_server.0.push_back((now_ms + delay_ms, credit));
                }
                Output::Send { frame: ClientFrame::Ack { .. }, .. } => {}
                Output::Event(Event::Deliver { batch, .. }) => self.delivered += batch.count,
                other => panic!("{other:?}"),
            }
        }
        let more: u64 = self.to_server.0.iter().map(|(_, credit)| credit).sum();
        self.most = self.most.max(self.sent + self.credit(more) - self.processed);
    }
}

/// The credit of a `sub`.
fn credit(sub: &str) -> u64 {
    sub.rsplit(' ').next().and_then(|credit| credit.parse().ok()).expect("it ends with the credit")
}

/// The server goes ahead of the credit, as far as the client allows.
fn ahead(mut replay: Replay) -> Replay {
    replay.ahead = replay.page.ahead.expect("the client allows it");
    replay
}

fn fast(round_trip_ms: u64) -> Replay {
    Replay::new(round_trip_ms, MESSAGES_PER_MS, u64::MAX, Config::default())
}

/// How fast this many messages are replayed, in percent of what the path allows.
fn percent(replay: &mut Replay, messages: u64) -> u64 {
    (2 * replay.delay_ms + messages / MESSAGES_PER_MS) * 100 / replay.ms(messages)
}

#[test]
fn a_replay_fills_the_path() {
    for round_trip_ms in [0, 1, 5, 20, 50, 100, 200] {
        let percent = percent(&mut fast(round_trip_ms), 100_000);
        println!("{round_trip_ms} ms: {percent} %");
        assert!(percent >= 80, "{percent} % at {round_trip_ms} ms");
    }
}

#[test]
fn a_server_that_goes_ahead_leaves_no_round_trip_idle() {
    for round_trip_ms in [0, 1, 5, 20, 50, 100] {
        let percent = percent(&mut ahead(fast(round_trip_ms)), 100_000);
        println!("{round_trip_ms} ms: {percent} %");
        assert!(percent >= 96, "{percent} % at {round_trip_ms} ms");
    }
}

#[test]
fn going_ahead_exceeds_no_queue() {
    let config = |messages, bytes| Config {
        queue_messages_max: messages,
        queue_bytes_max: bytes,
        ..Config::default()
    };
    for (config, most) in [
        (config(50_000, u64::MAX), 32_000),
        (config(5_000, u64::MAX), 5_000),
        (config(50_000, 20_000 * MESSAGE_BYTES), 10_000),
    ] {
        let mut replay = ahead(Replay::new(200, MESSAGES_PER_MS, 1, config));
        replay.ms(40_000);
        assert!((most..most + FRAME_MESSAGES).contains(&replay.most), "{} of {most}", replay.most);
    }
}

/// In a page, a grant and what it allows wait for their turns, however short the path is.
#[test]
fn a_short_path_leaves_room_for_turns() {
    let mut replay = fast(0);
    replay.ms(100_000);
    let in_turns = 2 * 50 * MESSAGES_PER_MS;
    assert!(replay.most >= in_turns * 9 / 10, "{} of {in_turns}", replay.most);
    assert!(replay.most <= in_turns * 3 / 2, "{} of {in_turns}", replay.most);
}

/// The next connection begins with the window that fits the path.
#[test]
fn a_second_replay_takes_one_round_trip() {
    let mut replay = fast(50);
    replay.ms(100_000);
    replay.reconnect();
    assert_eq!(replay.credit_sent, 29_886, "twice 150 a millisecond, in 50 and 50 for turns");
    let ms = replay.ms(200_000);
    assert!(ms < 50 + 100_000 / MESSAGES_PER_MS + 10, "{ms}");
}

/// Nothing was replayed for a minute. That does not show a slow path.
#[test]
fn a_pause_between_replays_keeps_the_window() {
    let mut replay = fast(50);
    replay.ms(100_000);
    replay.reconnect();
    replay.ms(108_000);
    replay.reconnect();
    assert!(replay.credit_sent > 28_000, "{}", replay.credit_sent);
}

#[test]
fn a_slow_application_keeps_the_window_small() {
    let mut replay = Replay::new(100, MESSAGES_PER_MS, 5, Config::default());
    let ms = replay.ms(20_000);
    assert!(ms < 4_250, "{ms}: as fast as the application");
    assert_eq!(replay.most, 2_000);
}

#[test]
fn a_slow_link_keeps_the_window_small() {
    let mut replay = Replay::new(100, 1, u64::MAX, Config::default());
    replay.ms(20_000);
    assert_eq!(replay.most, 2_000);
}

#[test]
fn an_application_that_slows_down_shrinks_the_window() {
    let mut replay = fast(100);
    replay.ms(200_000);
    assert!(replay.most > 20_000, "{}", replay.most);
    replay.app_per_ms = 5;
    replay.ms(300_000);
    replay.most = 0;
    replay.ms(310_000);
    assert!(replay.most <= 2_000, "{}", replay.most);
}

#[test]
fn the_window_never_exceeds_the_queue() {
    let config = Config { queue_messages_max: 5_000, ..Config::default() };
    let mut replay = Replay::new(200, MESSAGES_PER_MS, u64::MAX, config);
    replay.ms(50_000);
    assert_eq!(replay.most, 5_000);
    let config = Config { queue_bytes_max: 6_000 * MESSAGE_BYTES, ..Config::default() };
    let mut replay = Replay::new(200, MESSAGES_PER_MS, u64::MAX, config);
    replay.ms(50_000);
    assert_eq!(replay.most, 6_000);
}
