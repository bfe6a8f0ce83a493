//! The connection: its URL, what is sent on it, when it is replaced.

use seamline::core::{Config, Protocol};
use seamline::wire::{MessageId, Position, StartAt};

use crate::page::{Page, ROOM, SETTLE_MS, config, plain};

/// After the message `ms-0`, which is the ninth.
fn at(ms: u64) -> Position {
    Position { epoch: "plain".to_owned(), offset: 9, id: Some(MessageId { ms, seq: 0 }) }
}

#[test]
fn the_token_and_the_client_id_are_in_the_url() {
    let mut page = Page::new(Config { has_token: true, ..config() }, plain());
    page.connect();
    assert_eq!(page.lines(), ["connecting", "fetch token refresh=false"]);
    page.session.handle_token(page.now(), page.fetch, Ok(Some("a/b".to_owned())));
    page.perform();
    assert_eq!(page.url, "ws://h/ws?conversation_id=c1&token=a%2Fb&client_id=tester");
}

#[test]
fn the_lineage_is_sent_with_the_clients_own_id() {
    let config = || Config { lineage: Some("b a".to_owned()), ..config() };
    let mut page = Page::new(config(), plain());
    page.connect();
    page.lines();
    assert_eq!(page.url, "ws://h/ws?conversation_id=c1&client_id=tester&lineage=b%20a");
    let mut page = Page::at("ws://h/ws?client_id=mine", config(), plain());
    page.connect();
    page.lines();
    assert_eq!(page.url, "ws://h/ws?client_id=mine");
}

#[test]
fn url_parameters_of_the_application_are_kept() {
    let mut page = Page::at("ws://h/ws?client_id=mine&last_message_id=3-0", config(), plain());
    page.subscribe(None);
    page.connect();
    assert_eq!(page.url, "ws://h/ws?client_id=mine&last_message_id=3-0");
    page.opened();
    (1..=120).for_each(|i| page.id(&format!("{i}-0")));
    page.reconnect();
    assert_eq!(page.url, "ws://h/ws?client_id=mine&last_message_id=20-0");
}

#[test]
fn a_silent_connection_gets_a_fresh_token_next_time() {
    let mut page = Page::new(Config { has_token: true, ..config() }, plain());
    page.connect();
    for code in [1006, 1005] {
        page.session.handle_token(page.now(), page.fetch, Ok(Some("stale".to_owned())));
        page.perform();
        if code == 1005 {
            page.opened(); // rejected after the upgrade, with a close that has no code
        }
        page.lines();
        page.close(code);
        let at = page.session.poll_timeout().unwrap();
        page.wait(at.ms_since(page.now()));
        assert_eq!(page.lines()[1..], ["connecting", "fetch token refresh=true"]);
    }
}

#[test]
fn a_connection_that_received_something_keeps_its_token() {
    let mut page = Page::new(Config { has_token: true, ..config() }, plain());
    page.connect();
    page.session.handle_token(page.now(), page.fetch, Ok(Some("good".to_owned())));
    page.perform();
    page.opened();
    page.object(None, None, "typing");
    page.lines();
    page.close(1006);
    page.wait_for_attempt();
    assert_eq!(page.lines(), ["waiting connection_lost", "connecting", "connect"]);
}

#[test]
fn processed_messages_are_acknowledged_in_the_plain_dialect() {
    let (mut page, _) = Page::open(plain());
    page.object(Some("5-1"), Some(1), "hi");
    page.lines();
    page.wait(6_000);
    let ack = r#"send {"type":"ack","msg_id":"5-1","conversation_id":"c1"}"#;
    assert_eq!(page.lines(), ["live", ack]);
    page.wait(20_000);
    assert_eq!(page.lines(), [""; 0]);
}

#[test]
fn an_unchanged_id_is_acknowledged_once() {
    let (mut page, _) = Page::open_after(plain(), Some(at(3)));
    page.id("4-0");
    page.wait(6_000);
    let ack = r#"send {"type":"ack","msg_id":"3-0","conversation_id":"c1"}"#;
    assert_eq!(page.lines(), ["replay 4-0 at 10", "live", ack]);
    page.id("5-0");
    page.wait(6_000);
    assert_eq!(page.lines(), ["live 5-0 at 11"], "the position's id lags");
}

#[test]
fn objects_without_an_id_are_casts() {
    let (mut page, _) = Page::open(plain());
    page.session.cast(page.now(), ROOM.to_owned(), "typing".to_owned(), 8, 0).unwrap();
    page.object(None, None, "typing too");
    assert_eq!(page.lines(), ["send typing", "cast typing too"]);
}

#[test]
fn a_channel_for_casts_alone_is_accepted() {
    let mut page = Page::new(config(), plain());
    page.session.subscribe_to_casts(page.now(), ROOM.to_owned()).unwrap();
    page.connect();
    page.opened();
    page.lines();
    page.wait(0);
    page.object(None, None, "typing");
    assert_eq!(page.lines(), ["cast typing"]);
}

#[test]
fn nothing_can_be_published() {
    let (mut page, _) = Page::open(plain());
    page.session.publish(page.now(), ROOM.to_owned(), "key".to_owned(), "hi".to_owned(), 4).unwrap();
    assert_eq!(page.lines(), [""; 0], "not before the call has returned");
    page.wait(0);
    assert_eq!(page.lines(), ["error not_supported"]);
}

#[test]
fn a_second_channel_is_rejected_until_the_first_ends() {
    let (mut page, first) = Page::open(plain());
    let second = page.session.subscribe(page.now(), "other".to_owned(), None, None).unwrap();
    page.perform();
    page.wait(0);
    assert_eq!(page.lines(), ["error one_channel"]);
    page.reconnect();
    page.wait(0);
    assert!(!page.lines().contains(&"error one_channel".to_owned()));
    page.session.unsubscribe(page.now(), second);
    let second = page.session.subscribe(page.now(), "other".to_owned(), None, None).unwrap();
    page.perform();
    page.wait(0);
    assert_eq!(page.lines(), ["error one_channel"], "requested again, and reported again");
    page.session.unsubscribe(page.now(), second);
    page.session.unsubscribe(page.now(), first);
    page.perform();
    page.session.subscribe(page.now(), "other".to_owned(), None, None).unwrap();
    page.wait_for_attempt();
    page.opened();
    page.id("1-0");
    assert_eq!(page.delivered, ["1-0"]);
}

#[test]
fn a_channel_closed_offline_makes_room_for_another() {
    let (mut page, first) = Page::open(plain());
    page.close(1006);
    page.session.unsubscribe(page.now(), first);
    page.session.subscribe(page.now(), "other".to_owned(), None, None).unwrap();
    page.wait_for_attempt();
    page.opened();
    page.wait(0);
    page.id("1-0");
    assert_eq!(page.delivered, ["1-0"]);
}

#[test]
fn a_rejection_cut_off_by_a_close_is_repeated() {
    let (mut page, _) = Page::open(plain());
    page.session.subscribe(page.now(), "other".to_owned(), None, None).unwrap();
    page.perform();
    page.reconnect();
    page.wait(0);
    assert_eq!(page.lines().last().unwrap(), "error one_channel");
}

#[test]
fn the_tail_cannot_be_requested() {
    let mut page = Page::new(config(), plain());
    page.session.subscribe(page.now(), ROOM.to_owned(), Some(StartAt::Tail), None).unwrap();
    page.connect();
    page.opened();
    page.wait(0);
    assert!(page.lines().contains(&"error not_supported".to_owned()));
}

#[test]
fn a_late_channel_gets_a_replay_of_what_it_missed() {
    let mut page = Page::new(config(), plain());
    page.connect();
    page.opened();
    page.id("1-0");
    page.subscribe(None);
    page.wait_for_attempt();
    page.opened();
    page.id("1-0");
    assert_eq!(page.delivered, ["1-0"]);
}

#[test]
fn a_reopened_channel_begins_at_the_given_position() {
    let (mut page, channel) = Page::open(plain());
    ["1-0", "2-0", "3-0"].iter().for_each(|id| page.id(id));
    let mut position = page.position.clone().unwrap();
    position.offset = 2;
    position.id = Some(MessageId { ms: 2, seq: 0 });
    page.session.unsubscribe(page.now(), channel);
    page.perform();
    page.subscribe(Some(position));
    page.wait_for_attempt();
    page.opened();
    ["1-0", "2-0", "3-0"].iter().for_each(|id| page.id(id));
    assert_eq!(page.delivered[3..], ["3-0"]);
}

#[test]
fn a_channel_opened_offline_begins_at_the_given_position() {
    // At another offset, and at the one that the earlier channel has reached: that counts other messages.
    for offset in [9, 10] {
        let (mut page, channel) = Page::open_after(plain(), Some(at(3)));
        page.id("4-0");
        page.close(1006);
        page.session.unsubscribe(page.now(), channel);
        page.subscribe(Some(Position { offset, ..at(1) }));
        page.wait_for_attempt();
        assert!(page.url.ends_with("&last_message_id=1-0"), "{}", page.url);
        page.opened();
        ["1-0", "2-0", "3-0", "4-0"].iter().for_each(|id| page.id(id));
        assert_eq!(page.delivered, ["4-0", "2-0", "3-0", "4-0"]);
    }
}

#[test]
fn an_earlier_start_point_takes_another_connection() {
    let mut page = Page::new(config(), plain());
    let channel = page.subscribe(Some(at(3)));
    page.connect();
    assert!(page.url.ends_with("&last_message_id=3-0"), "{}", page.url);
    page.session.unsubscribe(page.now(), channel);
    let second = page.subscribe(Some(at(2)));
    page.opened();
    page.wait_for_attempt();
    assert!(page.url.ends_with("&last_message_id=2-0"), "{}", page.url);
    // A channel that begins after it does not.
    page.session.unsubscribe(page.now(), second);
    page.subscribe(Some(at(3)));
    page.opened();
    page.lines();
    ["3-0", "4-0"].iter().for_each(|id| page.id(id));
    assert_eq!(page.lines(), ["replay 4-0 at 10"]);
}

#[test]
fn a_replay_from_the_same_message_serves_another_channel() {
    let mut page = Page::new(config(), plain());
    let channel = page.subscribe(Some(at(3)));
    page.connect();
    page.session.unsubscribe(page.now(), channel);
    page.subscribe(Some(Position { offset: 20, ..at(3) }));
    page.opened();
    page.lines();
    ["3-0", "4-0"].iter().for_each(|id| page.id(id));
    assert_eq!(page.lines(), ["replay 4-0 at 21"]);
}

#[test]
fn a_replay_from_the_start_serves_a_later_channel() {
    let mut page = Page::new(config(), plain());
    page.connect();
    page.opened();
    page.subscribe(Some(Position { epoch: "plain-numbered".to_owned(), offset: 3, id: None }));
    page.lines();
    page.numbers([3, 4]);
    assert_eq!(page.lines(), ["replay 4 at 4"]);
}

#[test]
fn a_lagging_channel_ignores_what_still_arrives() {
    let (mut page, _) = Page::open(plain());
    page.processes = false;
    page.numbers(1..=51);
    assert_eq!(page.delivered.len(), 50, "the queue is full");
    page.lines();
    page.number(60);
    page.wait(3 * SETTLE_MS);
    assert_eq!(page.lines(), [""; 0], "neither live nor a repair");
}

#[test]
fn a_silent_server_is_not_dead() {
    let (mut page, _) = Page::open(plain());
    page.wait(3_600_000);
    assert_eq!(page.lines(), ["live"]);
}

#[test]
fn with_a_heartbeat_a_silent_server_is_dead() {
    let mut page = Page::new(Config { heartbeat_ms: 5_000, ..config() }, plain());
    page.connect();
    page.opened();
    page.wait(4_900);
    page.object(None, None, "beat");
    page.lines();
    page.wait(4_900);
    assert_eq!(page.lines(), [""; 0]);
    page.wait(5_100);
    assert_eq!(page.lines()[..2], ["disconnect", "waiting connection_lost"]);
}

#[test]
fn a_connection_silent_after_a_wake_is_replaced() {
    let (mut page, _) = Page::open(plain());
    page.wait(4_000);
    page.lines();
    page.wake();
    page.wait(5_000);
    page.object(None, None, "typing");
    assert_eq!(page.lines(), ["cast typing"], "it has shown that it lives");
    page.wait(60_000);
    assert_eq!(page.lines(), [""; 0], "and may be silent again");
    page.object(None, None, "typing");
    page.lines();
    page.wake();
    page.wait(9_900);
    assert_eq!(page.lines(), [""; 0]);
    page.wait(200);
    assert_eq!(page.lines()[..2], ["disconnect", "waiting connection_lost"]);
}

#[test]
fn a_wake_replaces_a_long_silent_connection_at_once() {
    let (mut page, _) = Page::open(plain());
    page.wait(60_000);
    page.lines();
    page.wake();
    page.wait(10);
    assert_eq!(page.lines(), ["disconnect", "waiting connection_lost", "connecting", "connect"]);
}

#[test]
fn sleep_without_a_wake_event_is_noticed() {
    let (mut page, _) = Page::open(plain());
    page.wait(5_000);
    page.lines();
    page.now_ms += 3_600_000;
    page.timeout();
    assert_eq!(page.lines()[..2], ["disconnect", "waiting connection_lost"]);
}

#[test]
fn reports_of_an_old_socket_are_ignored() {
    let (mut page, _) = Page::open(plain());
    let old = page.socket;
    page.reconnect();
    let new = page.socket;
    page.socket = old;
    page.id("9-0");
    page.close(1006);
    page.opened();
    page.socket = new;
    page.id("1-0");
    assert_eq!(page.delivered, ["1-0"]);
}
