//! The invariants can fail: each is given a violation.

use seamline::core::{Batch, Config, Gap, GapReason};
use seamline::wire::{Ahead, Position};

use crate::invariants::{Credit, Line, Publications, Reader};
use crate::log::{Log, epoch_name, message_id};

/// A log with the messages 101, 102, … at the offsets 1, 2, ….
fn log() -> Log {
    let mut log = Log::new();
    for message in 101..=120 {
        log.append(None, message);
    }
    log
}

fn batch(n: u64, count: u64) -> Batch<Vec<u64>> {
    let last = n + count - 1;
    let payload = (n..=last).map(|offset| offset + 100).collect();
    Batch { n, count, last_id: message_id(0, last, last + 100), replay: false, bytes: 10, payload }
}

fn position(offset: u64) -> Position {
    Position { epoch: epoch_name(0), offset, id: None }
}

/// Has received the first five messages.
fn reader() -> Reader {
    let mut reader = Reader::at(Some((0, 0)));
    deliver(&mut reader, batch(1, 5), 0).expect("this is as promised");
    reader
}

fn deliver(reader: &mut Reader, batch: Batch<Vec<u64>>, skip: u64) -> Result<(), String> {
    reader.deliver(&batch, skip, &log(), &Config::default())
}

fn gap(reader: &mut Reader, from: u64, to: u64, reason: GapReason, log: &Log) -> Result<(), String> {
    reader.gap(&Gap { from, to: Some(to), reason }, &position(to), log)
}

#[track_caller]
fn refused(verdict: Result<(), String>, because: &str) {
    let what = verdict.expect_err("this must be refused");
    assert!(what.contains(because), "{what}");
}

#[test]
fn a_duplicate_delivery_is_detected() {
    refused(deliver(&mut reader(), batch(5, 2), 0), "5 was delivered after 5");
    let mut renumbered = batch(6, 1);
    renumbered.payload = vec![105];
    refused(deliver(&mut reader(), renumbered, 0), "never at 0/6");
    let mut reader = reader();
    reader.position = Some((0, 4));
    refused(deliver(&mut reader, batch(5, 1), 0), "message 105 was delivered twice");
}

#[test]
fn messages_out_of_order_are_detected() {
    refused(deliver(&mut reader(), batch(3, 1), 0), "3 was delivered after 5");
    let mut swapped = batch(6, 2);
    swapped.payload.swap(0, 1);
    refused(deliver(&mut reader(), swapped, 0), "never at 0/6");
}

#[test]
fn a_hole_without_a_gap_is_detected() {
    refused(deliver(&mut reader(), batch(7, 1), 0), "7 was delivered after 5");
    refused(deliver(&mut reader(), batch(6, 3), 1), "7 was delivered after 5");
}

#[test]
fn a_false_gap_is_detected() {
    for reason in [GapReason::Hole, GapReason::Trimmed, GapReason::Rewound, GapReason::EpochChanged] {
        refused(gap(&mut reader(), 6, 8, reason, &log()), "a gap that is none");
    }
    let mut holed = log();
    holed.lose(6);
    refused(gap(&mut reader(), 6, 7, GapReason::Hole, &holed), "a gap that is none");
    gap(&mut reader(), 6, 6, GapReason::Hole, &holed).expect("6 is lost indeed");
}

#[test]
fn an_incomplete_live_reader_is_detected() {
    let mut reader = reader();
    reader.sees(6);
    refused(reader.live(), "live at 5, but 6 was seen");
    reader.begins();
    reader.live().expect("a replay brings it again");
}

#[test]
fn a_premature_acknowledgement_is_detected() {
    let mut reader = reader();
    refused(reader.acks(0, 5), "0/5 was acknowledged");
    reader.processed = Some((0, 4));
    refused(reader.acks(0, 5), "0/5 was acknowledged");
    refused(reader.acks(1, 4), "1/4 was acknowledged");
    reader.acks(0, 4).expect("that much is processed");
}

#[test]
fn an_overfull_queue_is_detected() {
    let config = Config { queue_messages_max: 7, ..Config::default() };
    refused(reader().deliver(&batch(6, 3), 0, &log(), &config), "8 messages wait");
    let mut credit = Credit::default();
    credit.sub(None, 4, None, 3, &config).expect("4 and 3 are 7");
    refused(credit.more(1, 3, &config), "a credit of 5 while 3 messages wait");
    let ahead = Some(Ahead { messages: 5, bytes: 1 });
    refused(credit.sub(None, 4, ahead, 3, &config), "5 may come ahead of the credit while 3 messages wait");
}

#[test]
fn reconnect_storms_are_detected() {
    let config = Config::default();
    let mut line = Line::default();
    line.connecting(0).expect("the first attempt");
    line.waits(10, 1, 400, &config).expect("a wait within the backoff");
    refused(line.connecting(300), "an attempt 110 ms too early");
    refused(Line::default().waits(0, 1, 99, &config), "a wait of 99 ms");
    refused(Line::default().waits(0, 1, 501, &config), "a wait of 501 ms");
    let mut line = Line::default();
    line.waits(0, 1, 400, &config).expect("the first failure");
    line.open(500);
    refused(line.waits(1_000, 1, 400, &config), "attempt 1 is counted, but it is number 2");
    let mut line = Line::default();
    line.hint_ms = Some(5_000);
    refused(line.waits(0, 1, 400, &config), "a hint of 5000");
}

#[test]
fn an_abandoned_healthy_connection_is_detected() {
    let config = Config::default();
    let mut line = Line::default();
    line.open(0);
    refused(line.gives_up(10_000, &config), "given up at 10000, asked at None");
    line.asks(9_000);
    refused(line.gives_up(10_000, &config), "asked at Some(9000)");
    line.heard();
    refused(line.gives_up(20_000, &config), "asked at None");
}

#[test]
fn a_faulty_suspend_is_detected() {
    let config = Config::default();
    let mut line = Line::default();
    line.open(0);
    refused(line.suspended(10_000, 1, 0, &config), "attempt 1 is counted, but 0 have failed");
    line.hint_ms = Some(5_000);
    refused(line.suspended(10_000, 0, 0, &config), "a wait of 0 ms");
    line.suspended(10_000, 0, 5_000, &config).expect("the hint is obeyed");
    refused(line.connecting(12_000), "an attempt 3000 ms too early");
}

#[test]
fn a_drain_that_counts_is_detected() {
    let config = Config::default();
    let mut line = Line::default();
    refused(line.drained(0, 1, 400, &config), "attempt 1 is counted, but 0 have failed");
    refused(line.drained(0, 0, 501, &config), "a wait of 501 ms");
    line.drained(0, 0, 400, &config).expect("a drain is no failure");
    for attempt in 1..=6 {
        line.waits(1_000, attempt, 400, &config).expect("a wait within the backoff");
    }
    refused(line.waits(1_000, 7, 5_001, &config), "a wait of 5001 ms");
    for _ in 3..10 {
        line.drained(2_000, 7, 400, &config).expect("a drain is no failure");
    }
    refused(line.drained(2_000, 7, 400, &config), "attempt 7 is counted, but it is number 8");
}

#[test]
fn wrong_publication_answers_are_detected() {
    let mut all = Publications::default();
    all.accepted(1, "a".to_owned(), 0, (101, 8));
    all.accepted(2, "b".to_owned(), 0, (102, 2_000));
    refused(all.sent("a", 0, 101, false), "None bytes are allowed");
    all.welcomed(1_000);
    refused(all.sent("c", 0, 101, true), "never published");
    refused(all.sent("a", 0, 102, true), "another payload");
    refused(all.sent("b", 0, 102, true), "out of order");
    all.sent("a", 0, 101, true).expect("it may be sent");
    refused(all.sent("a", 0, 101, true), "sent twice");
    all.answered("a", Some(Some(100)));
    refused(all.sent("b", 0, 102, true), "out of order");
    all.sent("a", 0, 101, true).expect("it may be sent again");
    refused(all.sent("b", 0, 102, true), "Some(1000) bytes are allowed");
    all.welcomed(4_000);
    all.sent("b", 0, 102, true).expect("it may be sent behind it");
    refused(all.failed(1, |_| false), "nobody refused it");
    refused(all.stored(2, (0, 1), |_, _, _| false), "not in the log");
    refused(all.stored(2, (0, 1), |_, _, _| true), "settled twice");
}
