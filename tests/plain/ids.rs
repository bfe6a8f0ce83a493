//! A server that does not number its messages.

use seamline::core::Protocol;
use seamline::plain::PlainConfig;
use seamline::wire::{MessageId, Position};

use crate::page::{Page, SETTLE_MS, START_MS, config, plain};

fn labels(range: impl Iterator<Item = u64>) -> Vec<String> {
    range.map(|i| format!("{i}-0")).collect()
}

#[test]
fn each_id_is_delivered_once_and_offsets_are_counted() {
    let (mut page, _) = Page::open(plain());
    for id in ["7-0", "8-0", "7-0", "8-1", "8-0"] {
        page.id(id);
    }
    assert_eq!(page.lines(), ["attached plain/0", "replay 7-0 at 1", "replay 8-0 at 2", "replay 8-1 at 3"]);
    let stats = page.session.stats();
    assert_eq!((stats.received, stats.delivered, stats.duplicates), (5, 3, 2));
}

#[test]
fn ids_are_compared_as_numbers() {
    let (mut page, _) = Page::open(PlainConfig { window_messages: 1, ..plain() });
    page.id("9-0");
    page.id("10-0");
    page.id("9-0");
    assert_eq!(page.delivered, ["9-0", "10-0"]);
}

#[test]
fn repeated_replays_are_dropped() {
    let (mut page, _) = Page::open(plain());
    labels(1..=20).iter().for_each(|id| page.id(id));
    for _ in 0..3 {
        page.reconnect();
        labels(1..=20).iter().for_each(|id| page.id(id));
    }
    page.id("21-0");
    assert_eq!(page.delivered, labels(1..=21));
    assert_eq!(page.session.stats().duplicates, 60);
}

#[test]
fn a_live_message_that_overtakes_hides_no_replay() {
    let (mut page, _) = Page::open(plain());
    page.id("900-0");
    labels(1..=300).iter().for_each(|id| page.id(id)); // three times the window
    page.reconnect();
    page.id("900-0");
    labels(1..=300).iter().for_each(|id| page.id(id));
    assert_eq!(page.delivered[1..], labels(1..=300));
}

#[test]
fn a_full_window_resumes_from_its_floor() {
    let (mut page, _) = Page::open(PlainConfig { window_messages: 10, ..plain() });
    labels(1..=25).iter().for_each(|id| page.id(id));
    page.reconnect();
    assert!(page.url.ends_with("&last_message_id=15-0"), "{}", page.url);
    page.id("5-1");
    assert_eq!(page.delivered.len(), 25, "what comes below the floor counts as seen");
}

#[test]
fn the_resume_point_and_the_position_lag_by_the_settle_time() {
    let (mut page, _) = Page::open(plain());
    for i in 1..=10 {
        page.id(&format!("{}-0", START_MS + i * 1_000));
        page.wait(1_000);
    }
    let lagging = page.position.clone().unwrap();
    assert_eq!(lagging.offset, 10);
    let lag_ms = START_MS + 10_000 - lagging.id.unwrap().ms;
    assert!((2_000..=4_000).contains(&lag_ms), "{lag_ms}");
    page.close(1006);
    page.wait_for_attempt();
    assert!(page.url.ends_with(&format!("&last_message_id={}", lagging.id.unwrap())), "{}", page.url);
    page.opened();
    page.id(&format!("{}-5", START_MS + 9_000));
    assert_eq!(page.delivered.len(), 11, "a message that the live path delivered late");
}

#[test]
fn a_reconnect_settles_nothing_of_the_last_connection() {
    let (mut page, _) = Page::open(plain());
    page.id("1-0");
    page.wait(SETTLE_MS + 100);
    page.id("2-0");
    page.reconnect();
    page.id("50-0");
    page.wait(SETTLE_MS + 100);
    page.id("51-0");
    page.reconnect();
    assert!(!page.url.contains("last_message_id"), "2-0 may have overtaken a message: {}", page.url);
}

#[test]
fn a_stored_position_is_where_the_next_page_begins() {
    let mut page = Page::new(config(), plain());
    page.subscribe(Some(Position {
        epoch: "plain".to_owned(),
        offset: 40,
        id: Some(MessageId { ms: 7, seq: 1 }),
    }));
    page.connect();
    assert_eq!(page.url, "ws://h/ws?conversation_id=c1&client_id=tester&last_message_id=7-1");
    page.opened();
    page.lines();
    for id in ["6-0", "7-1", "7-2", "8-0"] {
        page.id(id);
    }
    assert_eq!(page.lines(), ["replay 7-2 at 41", "replay 8-0 at 42"]);
    assert_eq!(page.session.stats().duplicates, 2);
}

#[test]
fn unordered_ids_are_remembered_but_not_resumed_from() {
    let (mut page, _) = Page::open(PlainConfig { window_messages: 3, ..plain() });
    for id in ["a", "b", "a", "c", "d", "b", "a"] {
        page.id(id);
    }
    assert_eq!(page.delivered, ["a", "b", "c", "d", "a"], "the fourth id pushes out the first");
    assert_eq!(page.position.as_ref().unwrap().id, None);
    page.reconnect();
    assert_eq!(page.url, "ws://h/ws?conversation_id=c1&client_id=tester");
}

#[test]
fn age_tells_replayed_messages_from_live_ones() {
    let (mut page, _) = Page::open(plain());
    page.id(&format!("{}-0", START_MS - 1));
    page.id(&format!("{START_MS}-0"));
    let lines = page.lines();
    assert_eq!(
        lines[1..],
        [format!("replay {}-0 at 1", START_MS - 1), "live".to_owned(), format!("live {START_MS}-0 at 2")]
    );
    page.id(&format!("{}-0", START_MS + 1));
    assert_eq!(page.lines(), [format!("live {}-0 at 3", START_MS + 1)], "live is reported once");
}

#[test]
fn a_quiet_channel_is_live_even_if_empty() {
    let (mut page, _) = Page::open(plain());
    page.wait(5_000);
    assert_eq!(page.lines(), ["live"]);
    page.id("7-0");
    page.wait(5_000);
    assert_eq!(page.lines(), ["attached plain/0", "live 7-0 at 1"]);
}

#[test]
fn messages_dropped_from_a_full_queue_come_again() {
    let (mut page, channel) = Page::open(PlainConfig { window_messages: 1_000, ..plain() });
    page.processes = false;
    labels(1..=60).iter().for_each(|id| page.id(id));
    assert_eq!(page.delivered.len(), 50, "the session drops what is too much");
    page.id("61-0");
    let position = page.position.clone().unwrap();
    page.session.processed(page.now(), channel, 50, position);
    page.processes = true;
    page.wait_for_attempt();
    page.opened();
    labels(1..=61).iter().for_each(|id| page.id(id));
    assert_eq!(page.delivered, labels(1..=61));
}
