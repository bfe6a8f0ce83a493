//! How fast publications are on a path with a delay, in virtual time.

use std::collections::VecDeque;

use seamline::core::{Config, Event, Output};
use seamline::wire::ClientFrame;

use crate::page::{Page, ROOM};
use crate::path::Pipe;

/// The server stores what has gathered, and answers all of it, every so many milliseconds.
const COMMIT_MS: u64 = 4;
/// It has time for so many between.
const PER_COMMIT: u64 = 20;
const PAYLOAD_BYTES: u64 = 250;
/// As many as may be in flight before anything is known about the path: 64 KiB of frames.
const FEW: u64 = 200;

/// A server that stores publications in groups.
struct Log {
    page: Page,
    delay_ms: u64,
    to_server: Pipe<String>,
    to_page: Pipe<String>,
    per_commit: u64,
    answered: u64,
    /// The most publications in flight.
    most: u64,
}

impl Log {
    fn new(round_trip_ms: u64, per_commit: u64) -> Self {
        let mut page = Page::new(Config { outbox_messages_max: u64::MAX, ..Config::default() });
        page.connect();
        page.greet();
        page.lines();
        Log {
            page,
            delay_ms: round_trip_ms / 2,
            to_server: Pipe(VecDeque::new()),
            to_page: Pipe(VecDeque::new()),
            per_commit,
            answered: 0,
            most: 0,
        }
    }

    /// Publishes all of it at once. Returns how long it takes until everything is answered.
    fn ms(&mut self, publications: u64) -> u64 {
        let begun_ms = self.page.now_ms;
        for i in 0..publications {
            let (ch, key) = (ROOM.to_owned(), i.to_string());
            self.page.session.publish(self.page.now(), ch, key, "", PAYLOAD_BYTES).unwrap();
        }
        self.answered = 0;
        while self.answered < publications {
            self.collect();
            self.store();
            while let Some(key) = self.to_page.arrived(self.page.now_ms) {
                self.page.puback(&key, 1);
                self.collect();
            }
            self.page.now_ms += 1;
            assert!(self.page.now_ms - begun_ms < 1_000_000, "{} of {publications}", self.answered);
        }
        self.page.now_ms - begun_ms
    }

    fn store(&mut self) {
        let now_ms = self.page.now_ms;
        if !now_ms.is_multiple_of(COMMIT_MS) {
            return;
        }
        for _ in 0..self.per_commit {
            let Some(key) = self.to_server.arrived(now_ms - 1) else { break };
            self.to_page.0.push_back((now_ms + self.delay_ms, key));
        }
    }

    fn collect(&mut self) {
        while let Some(output) = self.page.session.poll_output() {
            match output {
                Output::Send { frame: ClientFrame::Pub { key, .. }, .. } => {
                    self.to_server.0.push_back((self.page.now_ms + self.delay_ms, key));
                }
                Output::Event(Event::Published { .. }) => self.answered += 1,
                other => panic!("{other:?}"),
            }
        }
        let in_flight = self.to_server.0.len() + self.to_page.0.len();
        self.most = self.most.max(in_flight as u64);
    }
}

#[test]
fn publications_fill_the_path() {
    const PUBLICATIONS: u64 = 10_000;
    for round_trip_ms in [0, 5, 20, 50, 100] {
        let mut log = Log::new(round_trip_ms, PER_COMMIT);
        let ms = log.ms(PUBLICATIONS);
        let percent = (round_trip_ms + COMMIT_MS * (1 + PUBLICATIONS / PER_COMMIT)) * 100 / ms;
        println!("{round_trip_ms} ms: {percent} %, {} in flight", log.most);
        assert!(percent >= 90, "{percent} % at {round_trip_ms} ms");
        assert!(log.most <= 1_024);
    }
}

/// Otherwise everything behind them would wait, and so would the detection of a dead connection.
#[test]
fn a_slow_server_has_few_publications_in_flight() {
    let mut log = Log::new(50, 1);
    log.ms(2_000);
    assert_eq!(log.most, FEW);
}

#[test]
fn a_server_that_slows_down_gets_fewer_publications() {
    let mut log = Log::new(50, PER_COMMIT);
    log.ms(10_000);
    log.per_commit = 1;
    log.ms(4_000);
    log.most = 0;
    log.ms(1_000);
    assert_eq!(log.most, FEW);
}

#[test]
fn a_rejection_sets_the_window_back() {
    let mut log = Log::new(50, PER_COMMIT);
    log.ms(10_000);
    let page = &mut log.page;
    page.publish("rejected");
    for i in 0..600 {
        page.session.publish(page.now(), "other".to_owned(), i.to_string(), "", PAYLOAD_BYTES).unwrap();
    }
    assert!(page.count("pub") > 300);
    page.pubnack("rejected", Some(1_000));
    for i in 0..100 {
        page.puback_of("other", &i.to_string(), 1);
    }
    assert_eq!(page.count("pub "), 0, "too many are in flight");
}
