//! Goal: the check finds every kind of mistake. Method: a run without mistakes, with a log that was trimmed and one
//! that was lost; then one mistake is planted at a time.

use std::collections::HashMap;

use seamline::wire::MessageId;

use seamline::core::{Gap, GapReason};
use seamline::wire::Position;

use super::*;
use crate::record::{Key, Observed};

const RETAIN: u64 = 10;
/// When Redis was emptied; the messages of epoch `a` are older, those of `b` younger.
const EMPTIED: [(u64, u64); 1] = [(1_500, 1_600)];

fn id(epoch: &str, offset: u64) -> MessageId {
    MessageId { ms: if epoch == "a" { 1_000 } else { 2_000 } + offset, seq: 0 }
}

fn key(epoch: &str, offset: u64) -> Key {
    Key(u32::from(epoch == "b"), offset as u32)
}

fn at(epoch: &str, offset: u64) -> Position {
    Position { epoch: epoch.into(), offset, id: None }
}

fn messages(epoch: &str, offsets: impl IntoIterator<Item = u64>) -> Vec<Observed> {
    let observed = |offset| Observed::Message(offset, id(epoch, offset), key(epoch, offset));
    offsets.into_iter().map(observed).collect()
}

fn gap(from: u64, to: Option<u64>, reason: GapReason, position: Position, at_ms: u64) -> Observed {
    Observed::Gap(Gap { from, to, reason }, position, at_ms)
}

/// Two clients. One has everything of `a` (1 to 20) and `b` (1 to 30); the other was away: it lacks 6 to 10 of `a`,
/// which were trimmed when 20 had come, and whatever followed in `a` when it was lost.
struct Planted {
    steady: Vec<Observed>,
    sleeper: Vec<Observed>,
    log: ChannelLog,
    acknowledged: Vec<Acknowledged>,
    stored: Vec<Stored>,
}

fn stored(epoch: &str, offset: u64) -> Stored {
    let ch = channel_name(0);
    Stored { ch, epoch: epoch.into(), offset, id: id(epoch, offset), key: key(epoch, offset) }
}

impl Planted {
    fn new() -> Self {
        let lost = |from| gap(from, None, GapReason::EpochChanged, at("b", 0), 1_700);
        let steady = [
            vec![Observed::Attached(at("a", 0), 900)],
            messages("a", 1..=20),
            vec![lost(21)],
            messages("b", 1..=30),
        ];
        let sleeper = [
            vec![Observed::Attached(at("a", 0), 900)],
            messages("a", 1..=5),
            vec![gap(6, Some(10), GapReason::Trimmed, at("a", 10), 1_020)],
            messages("a", 11..=12),
            vec![lost(13)],
            messages("b", 1..=30),
        ];
        let log = ChannelLog {
            epoch: "b".into(),
            first: 21,
            head: 30,
            messages: (21..=30).map(|offset| (offset, id("b", offset), key("b", offset))).collect(),
        };
        let acknowledged = ["a", "b"].iter().flat_map(|epoch| {
            (1..=20).map(|offset| Acknowledged {
                ch: 0,
                key: key(epoch, offset),
                id: id(epoch, offset),
                offset,
            })
        });
        let (steady, sleeper, acknowledged) = (steady.concat(), sleeper.concat(), acknowledged.collect());
        let all =
            (1..=20).map(|offset| stored("a", offset)).chain((1..=30).map(|offset| stored("b", offset)));
        Planted { steady, sleeper, log, acknowledged, stored: all.collect() }
    }

    fn verdict(self) -> Verdict {
        let record = |observed| Record { observed: HashMap::from([(0, observed)]), ..Record::default() };
        let acknowledged = self.acknowledged;
        let records = [Record { acknowledged, ..record(self.steady) }, record(self.sleeper)];
        let (logs, emptied) = ([self.log], &EMPTIED);
        let stored = &self.stored[..];
        Verdict::of(&Run { records: &records, logs: &logs, stored, retain: RETAIN, emptied, behind: 0 })
    }
}

/// The verdict on a run with this mistake, which it must find.
fn planted(plant: impl FnOnce(&mut Planted)) -> Verdict {
    let mut run = Planted::new();
    plant(&mut run);
    let verdict = run.verdict();
    assert!(!verdict.is_good(), "the mistake was not found");
    assert!(!verdict.examples.is_empty());
    verdict
}

/// The index of a message in a record.
fn index_of(observed: &[Observed], epoch: &str, offset: u64) -> usize {
    let found = observed.iter().position(
        |observed| matches!(observed, Observed::Message(_, found, _) if *found == id(epoch, offset)),
    );
    found.unwrap()
}

#[test]
fn a_run_without_mistakes_passes() {
    let verdict = Planted::new().verdict();
    assert!(verdict.is_good(), "{verdict:?}");
    assert_eq!((verdict.trimmed_gaps, verdict.reported_missing, verdict.epoch_gaps), (1, 5, 2));
    assert_eq!((verdict.dispatched, verdict.acknowledged), (87, 40));
}

#[test]
fn a_dropped_message_is_lost() {
    let verdict = planted(|run| drop(run.steady.remove(index_of(&run.steady, "b", 7))));
    assert_eq!((verdict.lost, verdict.false_gaps), (1, 0));
    let verdict = planted(|run| drop(run.steady.pop()));
    assert_eq!(verdict.lost, 1, "the last one");
    let verdict = planted(|run| run.steady.truncate(index_of(&run.steady, "b", 1) - 1));
    assert_eq!(verdict.lost, 30, "the whole new log, and its epoch");
}

#[test]
fn a_message_that_comes_twice_is_duplicated() {
    for later in [1, 10] {
        let verdict = planted(|run| {
            let index = index_of(&run.steady, "a", 5);
            run.steady.insert(index + later, run.steady[index].clone());
        });
        assert_eq!((verdict.duplicated, verdict.out_of_order), (1, 0));
    }
}

#[test]
fn swapped_messages_are_out_of_order() {
    let verdict = planted(|run| {
        let index = index_of(&run.steady, "a", 5);
        run.steady.swap(index, index + 1);
    });
    assert_eq!((verdict.out_of_order, verdict.duplicated), (1, 0));
}

#[test]
fn a_message_that_the_log_does_not_have_is_found() {
    for epoch in ["a", "b"] {
        let verdict = planted(|run| {
            let index = index_of(&run.sleeper, epoch, 11);
            run.sleeper[index] = Observed::Message(11, id(epoch, 11), Key(9, 9));
        });
        assert!(verdict.different > 0);
    }
}

#[test]
fn acknowledged_messages_must_be_in_the_log() {
    let ack = |key, id, offset| Acknowledged { ch: 0, key, id, offset };
    let never = ack(Key(9, 9), MessageId { ms: 2_031, seq: 0 }, 31);
    assert_eq!(planted(|run| run.acknowledged.push(never)).missing, 1);
    let another = ack(Key(9, 9), id("b", 25), 25);
    assert_eq!(planted(|run| run.acknowledged.push(another)).different, 1);
    let lost = ack(Key(9, 9), MessageId { ms: 1_400, seq: 0 }, 21);
    assert_eq!(
        planted(|run| run.acknowledged.push(lost)).missing,
        1,
        "it was not stored before Redis was emptied"
    );
    // Trimmed before a client saw it, which an embedded log does not show.
    let trimmed = ack(Key(9, 8), MessageId { ms: 1_990, seq: 0 }, 3);
    let mut run = Planted::new();
    run.acknowledged.push(trimmed);
    run.stored.clear();
    assert!(run.verdict().is_good());
    assert_eq!(planted(|run| run.acknowledged.push(trimmed)).missing, 1, "the files of Redis show it");
}

/// As after a failover to a replica that lacked it.
#[test]
fn an_acknowledged_message_that_another_one_replaced_is_missing() {
    let log = Planted::new().log;
    let mut observed = vec![Observed::Attached(at("b", 0), 2_000)];
    observed.extend(messages("b", 1..=30));
    let replaced = Acknowledged { ch: 0, key: Key(9, 9), id: MessageId { ms: 2_002, seq: 1 }, offset: 3 };
    let record = Record {
        observed: HashMap::from([(0, observed)]),
        acknowledged: vec![replaced],
        ..Record::default()
    };
    let (records, logs) = ([record], [log]);
    let run = Run { records: &records, logs: &logs, stored: &[], retain: RETAIN, emptied: &[], behind: 0 };
    let verdict = Verdict::of(&run);
    assert_eq!((verdict.missing, verdict.different), (1, 0), "{verdict:?}");
}

#[test]
fn a_gap_is_real_even_if_no_client_saw_the_next_message() {
    // 21 of `a` made the log trim 11; then Redis was emptied.
    let unseen = |run: &mut Planted| {
        let index = index_of(&run.sleeper, "a", 5) + 1;
        run.sleeper[index] = gap(6, Some(11), GapReason::Trimmed, at("a", 11), 1_021);
        run.sleeper.remove(index + 1);
    };
    assert_eq!(planted(unseen).false_gaps, 1);
    let mut run = Planted::new();
    unseen(&mut run);
    run.stored.push(stored("a", 21));
    let verdict = run.verdict();
    assert!(verdict.is_good(), "{verdict:?}");
}

#[test]
fn a_publication_stored_twice_is_found() {
    let verdict = planted(|run| run.stored.push(Stored { key: key("b", 23), ..stored("b", 31) }));
    assert!(verdict.stored_twice > 0);
}

#[test]
fn a_gap_over_messages_the_log_still_had_is_false() {
    // At 1,019 the message 20 had not come, so 10 was still there.
    let early = gap(6, Some(10), GapReason::Trimmed, at("a", 10), 1_019);
    // It reports too much: 11 is trimmed when 21 is stored, which never happened.
    let wide = gap(6, Some(11), GapReason::Trimmed, at("a", 11), 1_020);
    let index = index_of(&Planted::new().sleeper, "a", 5) + 1;
    assert_eq!(planted(|run| run.sleeper[index] = early).false_gaps, 1);
    let verdict = planted(|run| {
        run.sleeper[index] = wide;
        run.sleeper.remove(index + 1);
    });
    assert_eq!(verdict.false_gaps, 1);
    // Another reason does not make it real.
    let hole = gap(7, Some(7), GapReason::Hole, at("b", 7), 2_008);
    let verdict = planted(|run| {
        let index = index_of(&run.steady, "b", 7);
        run.steady[index] = hole;
    });
    assert_eq!(verdict.false_gaps, 1);
}

#[test]
fn a_gap_over_dispatched_messages_is_false() {
    let index = index_of(&Planted::new().sleeper, "a", 5) + 1;
    let verdict =
        planted(|run| run.sleeper[index] = gap(5, Some(10), GapReason::Trimmed, at("a", 10), 1_020));
    assert_eq!(verdict.false_gaps, 1);
    let again = Planted::new().sleeper[index].clone();
    let verdict = planted(|run| run.sleeper.insert(index, again));
    assert_eq!(verdict.false_gaps, 1, "reported twice");
}

#[test]
fn a_gap_that_is_not_reported_is_a_loss() {
    let index = index_of(&Planted::new().sleeper, "a", 5) + 1;
    assert_eq!(planted(|run| drop(run.sleeper.remove(index))).lost, 5);
    // It reports too little.
    let narrow = gap(6, Some(9), GapReason::Trimmed, at("a", 9), 1_020);
    assert_eq!(planted(|run| run.sleeper[index] = narrow).lost, 1);
    // A client that began after the first message of the log.
    assert!(planted(|run| run.steady[0] = Observed::Attached(at("a", 1), 900)).lost > 0);
}

#[test]
fn an_epoch_change_needs_a_lost_log() {
    // Reported before Redis was emptied.
    let early = gap(13, None, GapReason::EpochChanged, at("b", 0), 1_499);
    let index = index_of(&Planted::new().sleeper, "b", 1) - 1;
    assert_eq!(planted(|run| run.sleeper[index] = early).false_gaps, 1);
    // Redis was not emptied between `b` and `c`.
    let verdict = planted(|run| {
        run.log = ChannelLog { epoch: "c".into(), first: 1, head: 0, messages: Vec::new() };
        for observed in [&mut run.steady, &mut run.sleeper] {
            observed.push(gap(31, None, GapReason::EpochChanged, at("c", 0), 2_100));
        }
    });
    assert_eq!(verdict.false_gaps, 2);
    let rewound = gap(25, Some(30), GapReason::Rewound, at("b", 24), 2_100);
    assert!(planted(|run| run.steady.push(rewound)).false_gaps > 0);
}

#[test]
fn clients_behind_and_missing_answers_are_found() {
    let run = Planted::new();
    let record = Record { unanswered: 1, refused: vec!["never: no".into()], ..Record::default() };
    let logs = [run.log];
    let verdict = Verdict::of(&Run {
        records: &[record],
        logs: &logs,
        stored: &[],
        retain: RETAIN,
        emptied: &EMPTIED,
        behind: 1,
    });
    assert_eq!((verdict.unanswered, verdict.refused, verdict.behind), (1, 1, 1));
    assert!(!verdict.is_good());
}
