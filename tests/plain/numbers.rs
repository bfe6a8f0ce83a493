//! A server that numbers its messages.

use seamline::core::Protocol;
use seamline::plain::{NUMBER_MAX, PlainConfig};
use seamline::wire::Position;

use crate::page::{Page, SETTLE_MS, START_MS, plain};

fn labels(range: impl Iterator<Item = u64>) -> Vec<String> {
    range.map(|i| i.to_string()).collect()
}

#[test]
fn numbers_are_offsets_and_duplicates_are_dropped() {
    let (mut page, _) = Page::open(plain());
    page.numbers([1, 2, 3, 2, 3, 4, 4]);
    assert_eq!(
        page.lines(),
        ["attached plain-numbered/0", "replay 1 at 1", "replay 2 at 2", "replay 3 at 3", "replay 4 at 4"]
    );
    page.reconnect();
    page.numbers(1..=5);
    assert_eq!(page.delivered, labels(1..=5));
    assert_eq!(page.session.stats().duplicates, 7);
}

#[test]
fn messages_out_of_order_are_put_in_order() {
    let (mut page, _) = Page::open(plain());
    page.numbers([1, 3, 2, 5, 6, 6, 4]);
    assert_eq!(page.delivered, labels(1..=6));
    assert_eq!(page.session.stats().duplicates, 1, "of a message that waited");
    page.wait(10_000);
    assert!(page.lines().iter().all(|line| line != "disconnect"));
}

#[test]
fn a_replay_comes_before_live_messages_that_overtook_it() {
    let (mut page, _) = Page::open(plain());
    page.numbers([1]);
    page.reconnect();
    page.numbers([10, 11]);
    for number in 1..=9 {
        page.wait(1_500); // a slow replay, which takes longer than the settle time overall
        page.number(number);
    }
    assert_eq!(page.delivered, labels(1..=11));
    assert_eq!(page.session.stats().connects, 2);
}

#[test]
fn a_missing_number_is_requested_on_another_connection() {
    let (mut page, _) = Page::open(plain());
    page.numbers([1, 2, 4, 5]);
    page.lines();
    page.wait(1_900);
    assert_eq!(page.lines(), [""; 0]);
    page.wait_for_attempt();
    assert_eq!(page.lines(), ["disconnect", "waiting connection_lost", "connecting", "connect"]);
    page.opened();
    page.numbers(1..=5);
    assert_eq!(page.delivered, labels(1..=5));
    assert_eq!(page.session.stats().repairs, 1);
    assert_eq!(page.gaps, []);
}

#[test]
fn a_number_missing_in_an_idle_channel_is_requested() {
    let (mut page, _) = Page::open(plain());
    page.wait(2 * SETTLE_MS);
    page.numbers([1, 2, 4]);
    page.lines();
    page.wait(SETTLE_MS);
    assert_eq!(page.lines()[..1], ["disconnect"]);
}

#[test]
fn a_number_missing_twice_is_reported_as_a_gap() {
    let (mut page, _) = Page::open(plain());
    page.numbers([1, 2, 4, 5]);
    page.wait_for_attempt();
    page.opened();
    page.numbers([1, 2, 4, 5]);
    page.lines();
    page.wait(2_500);
    assert_eq!(page.lines(), ["gap hole 3..=3", "replay 4 at 4", "replay 5 at 5", "live"]);
    page.numbers([6]);
    assert_eq!(page.delivered, labels([1, 2, 4, 5, 6].into_iter()));
    assert_eq!(page.session.stats().connects, 2, "and that is all");
}

#[test]
fn late_replays_do_not_repeat_a_repair() {
    let (mut page, _) = Page::open(plain());
    page.numbers(1..=5);
    page.reconnect();
    page.wait(SETTLE_MS + 500);
    page.numbers(9..=12);
    page.wait_for_attempt();
    page.opened();
    page.lines();
    page.wait(SETTLE_MS + 500);
    page.numbers(9..=12);
    page.wait(60_000);
    let delivered = (9..=12).map(|number| format!("replay {number} at {number}"));
    let first = ["live".to_owned(), "gap hole 6..=8".to_owned()];
    assert_eq!(page.lines()[..6], first.into_iter().chain(delivered).collect::<Vec<_>>());
    assert_eq!(page.session.stats().connects, 3, "and no connection after that");
    page.number(13);
    assert_eq!(page.delivered, labels((1..=5).chain(9..=13)));
    assert_eq!(page.gaps, [(6, Some(8))]);
}

#[test]
fn a_silent_server_causes_no_further_reconnect() {
    let (mut page, _) = Page::open(plain());
    page.numbers([1, 2, 4]);
    page.wait_for_attempt();
    page.opened();
    page.lines();
    page.wait(600_000);
    let lines = page.lines();
    assert_eq!(lines.iter().filter(|line| *line == "live").count(), 1, "{lines:?}");
    assert_eq!((page.session.stats().connects, &*page.gaps), (2, [].as_slice()), "the replay may be late");
    page.number(5);
    page.wait(SETTLE_MS);
    assert_eq!(page.gaps, [(3, Some(4))]);
    assert_eq!(page.delivered, labels([1, 2, 5].into_iter()));
    assert_eq!(page.session.stats().connects, 2);
}

#[test]
fn a_server_that_repeats_old_messages_does_not_postpone_a_gap() {
    let (mut page, _) = Page::open(plain());
    page.numbers([1, 2, 4]);
    page.wait_for_attempt();
    page.opened();
    for _ in 0..6 {
        page.numbers([1, 2, 4, 4]);
        page.wait(SETTLE_MS / 2);
    }
    assert_eq!(page.gaps, [(3, Some(3))]);
    assert_eq!(page.delivered, labels([1, 2, 4].into_iter()));
}

#[test]
fn numbers_dropped_at_the_bound_are_missed_later() {
    let (mut page, _) = Page::open(PlainConfig { window_messages: 2, ..plain() });
    page.numbers([1, 3, 4, 5, 2]);
    assert_eq!(page.delivered, labels(1..=4), "there was no room for 5");
    page.wait_for_attempt();
    page.opened();
    page.numbers(1..=4);
    page.wait(3_000);
    assert_eq!(page.gaps, [(5, Some(5))], "the server has forgotten it");
}

#[test]
fn a_trimmed_history_begins_at_its_first_message() {
    let (mut page, _) = Page::open(plain());
    page.numbers([37, 38]);
    assert_eq!(page.lines(), ["attached plain-numbered/36", "replay 37 at 37", "replay 38 at 38"]);
}

#[test]
fn a_young_first_message_waits_for_earlier_ones() {
    let (mut page, _) = Page::open(plain());
    let young = |number: u64| format!("{}-{number}", START_MS + number);
    page.object(Some(&young(38)), Some(38), "38");
    assert_eq!(page.lines(), [""; 0]);
    page.object(Some(&young(37)), Some(37), "37");
    page.wait(2_500);
    assert_eq!(page.delivered, labels(37..=38));
    assert!(page.lines().contains(&"attached plain-numbered/36".to_owned()));
}

#[test]
fn a_waiting_first_message_is_delivered_before_the_replay() {
    let (mut page, _) = Page::open(plain());
    page.object(Some(&format!("{}-0", START_MS + 37)), Some(37), "37");
    page.number(38);
    assert_eq!(page.delivered, labels(37..=38));
}

#[test]
fn a_young_message_that_waited_ends_the_replay() {
    let (mut page, _) = Page::open(plain());
    page.number(1);
    page.object(Some(&format!("{}-0", START_MS + 3)), Some(3), "3");
    page.lines();
    page.number(2);
    assert_eq!(page.lines(), ["replay 2 at 2", "live", "live 3 at 3"]);
}

#[test]
fn a_reopened_channel_misses_no_number_from_before() {
    let (mut page, channel) = Page::open(plain());
    page.numbers([1, 3]);
    page.session.unsubscribe(page.now(), channel);
    page.subscribe(None);
    page.wait_for_attempt();
    page.opened();
    page.number(1);
    page.lines();
    page.wait(60_000);
    assert_eq!(page.lines()[..1], ["live"], "3 was another channel's");
    assert_eq!((page.session.stats().connects, &*page.gaps), (2, [].as_slice()));
}

#[test]
fn a_stored_position_is_where_the_next_page_begins() {
    let (mut page, _) =
        Page::open_after(plain(), Some(Position { epoch: "plain-numbered".to_owned(), offset: 3, id: None }));
    page.numbers([2, 3, 4]);
    assert_eq!(page.delivered, ["4"]);
    page.numbers([6]);
    page.wait_for_attempt();
    page.opened();
    page.numbers([6]);
    page.wait(3_000);
    assert_eq!(page.gaps, [(5, Some(5))]);
}

#[test]
fn a_young_message_after_a_stored_position_does_not_wait() {
    let (mut page, _) =
        Page::open_after(plain(), Some(Position { epoch: "plain-numbered".to_owned(), offset: 3, id: None }));
    page.object(Some(&format!("{}-0", START_MS + 4)), Some(4), "4");
    assert_eq!(page.delivered, ["4"]);
}

#[test]
fn a_position_of_another_numbering_is_an_epoch_change() {
    let (mut page, _) =
        Page::open_after(plain(), Some(Position { epoch: "plain".to_owned(), offset: 900, id: None }));
    page.numbers([1, 2]);
    assert_eq!(page.lines(), ["gap epoch_changed 901..=0", "replay 1 at 1", "replay 2 at 2"]);
    let (mut page, _) =
        Page::open_after(plain(), Some(Position { epoch: "plain".to_owned(), offset: 900, id: None }));
    page.numbers([37]);
    assert_eq!(page.lines(), ["gap epoch_changed 901..=0", "replay 37 at 37"], "of a trimmed history");
}

#[test]
fn unnumbered_objects_among_numbered_ones_are_cast_once() {
    let (mut page, _) = Page::open(plain());
    page.numbers([1]);
    page.object(Some("5-5"), None, "read");
    page.object(Some("5-5"), None, "read");
    page.numbers([2]);
    assert_eq!(page.lines()[1..], ["replay 1 at 1", "cast read", "replay 2 at 2"]);
}

#[test]
fn the_resume_point_ignores_messages_that_wait() {
    let (mut page, _) = Page::open(plain());
    for number in 1..=10 {
        let id = format!("{}-0", START_MS + number * 1_000);
        page.object(Some(&id), Some(number), "");
    }
    page.object(Some(&format!("{}-0", START_MS + 60_000)), Some(12), "ahead");
    page.reconnect();
    assert!(page.url.ends_with(&format!("&last_message_id={}-0", START_MS + 7_000)), "{}", page.url);
    assert_eq!(page.position.unwrap().id.unwrap().ms, START_MS + 10_000);
}

#[test]
fn early_messages_resume_from_a_moment_before_them() {
    let (mut page, _) = Page::open(plain());
    page.object(Some("900001-7"), Some(1), "1");
    page.reconnect();
    assert!(page.url.ends_with("&last_message_id=898001-0"), "{}", page.url);
    let (mut page, _) = Page::open(plain());
    page.object(Some("5-1"), Some(1), "1");
    page.reconnect();
    assert!(!page.url.contains("last_message_id"), "there is nothing before it: {}", page.url);
    let (mut page, _) = Page::open(plain());
    page.object(Some("900001-7"), Some(1), "1");
    page.object(Some("text"), Some(2), "2");
    page.reconnect();
    assert!(page.url.ends_with("&last_message_id=898001-0"), "the last id with an order: {}", page.url);
}

#[test]
fn a_number_above_the_maximum_is_reported_once() {
    let (mut page, _) = Page::open(plain());
    page.numbers([1]);
    page.lines();
    for number in [NUMBER_MAX + 1, u64::MAX] {
        let id = format!("{number}");
        page.object(Some(&id), Some(number), &id);
        page.object(Some(&id), Some(number), &id);
    }
    assert_eq!(page.lines(), ["error bad_number", "cast 9007199254740992", "cast 18446744073709551615"]);
    page.numbers([2]);
    assert_eq!(page.delivered, labels(1..=2));
}

#[test]
fn ids_replace_numbers_above_the_maximum() {
    let (mut page, _) = Page::open(plain());
    for id in ["a", "a", "b"] {
        page.object(Some(id), Some(u64::MAX), id);
    }
    assert_eq!(page.lines(), ["error bad_number", "attached plain/0", "replay a at 1", "replay b at 2"]);
}

#[test]
fn a_server_without_numbers_may_send_any_number_later() {
    let (mut page, _) = Page::open(plain());
    page.id("a");
    page.object(Some("b"), Some(u64::MAX), "b");
    assert_eq!(page.lines(), ["attached plain/0", "replay a at 1", "replay b at 2"]);
}
