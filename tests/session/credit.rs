//! What bounds the messages that wait for the application.

use seamline::core::Config;
use seamline::wire::Ahead;

use crate::page::{Page, config, position};

/// A window that is as large as the queue from the beginning, so it does not grow.
fn constant(messages: u64) -> Config {
    Config { replay_credit: messages, queue_messages_max: messages, ..config() }
}

#[test]
fn credit_grows_as_messages_are_processed() {
    let mut page = Page::open(constant(100));
    let channel = page.subscribe(Some(position("e", 0)));
    page.subd("e", 1, 1_000, 0);
    page.lines();
    page.replay(1, 100);
    assert_eq!(page.lines(), ["deliver 1..=100"], "no credit while all of it waits");
    page.processed(channel, 11, 11);
    assert_eq!(page.lines(), [""; 0], "nor a grant for every message");
    page.processed(channel, 1, 12);
    assert_eq!(page.lines(), ["more room 12"]);
    page.processed(channel, 88, 100);
    assert_eq!(page.lines(), ["more room 88"]);
}

#[test]
fn no_grant_is_empty() {
    let mut page = Page::open(constant(1));
    let channel = page.subscribe(Some(position("e", 0)));
    page.subd("e", 1, 9, 0);
    page.lines();
    page.replay(1, 1);
    assert_eq!(page.lines(), ["deliver 1..=1"]);
    page.processed(channel, 1, 1);
    assert_eq!(page.lines(), ["more room 1"]);
}

#[test]
fn duplicates_return_their_credit() {
    let mut page = Page::open(constant(100));
    page.subscribe(Some(position("e", 500)));
    page.subd("e", 1, 1_000, 500);
    page.lines();
    page.replay(1, 60);
    assert_eq!(page.lines(), ["more room 60"]);
}

#[test]
fn a_new_connection_gets_the_free_credit() {
    let mut page = Page::open(config());
    page.subscribe(Some(position("e", 0)));
    page.subd("e", 1, 1_000, 0);
    page.replay(1, 70);
    page.lines();
    page.reconnect();
    assert_eq!(page.last_sub(), "sub room e/70 credit 30");
}

/// Frames of the earlier `sub` are in transit when a hole makes the client subscribe again. They do not use up
/// the credit of the new `sub`.
#[test]
fn frames_of_an_earlier_subscription_use_no_credit() {
    let mut page = Page::open(config());
    let channel = page.subscribe(Some(position("e", 0)));
    page.subd("e", 1, 1_000, 0);
    page.replay(1, 10);
    page.replay(21, 10);
    page.replay(31, 60);
    page.lines();
    page.processed(channel, 10, 10);
    // The new `sub` had a credit of 90: together with the 10 that are processed now, no more than 10
    // are free.
    assert_eq!(page.lines(), [""; 0]);
}

#[test]
fn a_lagging_channel_unsubscribes_until_it_catches_up() {
    let (mut page, channel) = Page::live_at(0, config());
    page.msgs(1, 200);
    page.msgs(201, 100);
    assert_eq!(page.lines(), ["deliver 1..=200", "deliver 201..=300"]);
    page.msgs(301, 1);
    assert_eq!(page.lines(), ["unsub room"]);
    page.msgs(302, 1);
    page.processed(channel, 249, 249);
    assert_eq!(page.lines(), [""; 0]);
    page.processed(channel, 1, 250);
    assert_eq!(page.lines(), ["sub room e/300 credit 50"]);
    page.subd("e", 1, 302, 300);
    page.replay(301, 2);
    page.live(302);
    assert_eq!(page.lines(), ["deliver 301..=302", "live"]);
    assert_eq!(page.session.stats().gaps, 0);
}

/// The window had grown to all of the queue, but the application is too slow for that.
#[test]
fn a_lag_sets_the_window_back() {
    let mut page = Page::new(config());
    let channel = page.subscribe(Some(position("e", 0)));
    page.connect();
    page.opened();
    page.wait(200);
    page.welcome();
    page.subd("e", 1, 1_000, 0);
    page.replay(1, 100);
    page.processed(channel, 100, 100);
    page.live(100);
    page.lines();
    page.msgs(101, 300);
    page.msgs(401, 1);
    page.processed(channel, 200, 300);
    assert_eq!(page.lines(), ["deliver 101..=400", "unsub room"]);
    page.processed(channel, 50, 350);
    assert_eq!(page.lines(), ["sub room e/400 credit 50"]);
}

/// A rejection in transit: it has nothing left to end.
#[test]
fn a_server_pause_does_not_resume_a_lagging_channel() {
    let (mut page, _) = Page::live_at(0, config());
    page.msgs(1, 300);
    page.msgs(301, 1);
    page.error(Some("room"), Some(1_000));
    page.lines();
    page.wait(1_000);
    assert_eq!(page.lines(), [""; 0]);
}

#[test]
fn a_lagging_channel_subscribes_after_a_reconnect() {
    let (mut page, _) = Page::live_at(0, config());
    page.msgs(1, 300);
    page.msgs(301, 1);
    page.lines();
    page.reconnect();
    assert_eq!(page.last_sub(), "sub room e/300 credit 0");
}

#[test]
fn an_empty_queue_accepts_an_oversized_frame() {
    let (mut page, _) = Page::live_at(0, config());
    page.msgs(1, 400);
    assert_eq!(page.lines(), ["deliver 1..=400"]);
}

/// The client does not know yet how large the messages are. The server does.
#[test]
fn a_first_replay_may_go_ahead_of_the_credit() {
    let mut page = Page::open(Config { queue_messages_max: 5_000, queue_bytes_max: 8_000, ..config() });
    page.subscribe(Some(position("e", 0)));
    assert_eq!(page.last_sub(), "sub room e/0 credit 100");
    assert_eq!(page.ahead, Some(Ahead { messages: 1_600, bytes: 4_000 }));
    page.subd("e", 1, 1_000, 0);
    page.replay(1, 390);
    page.lines();
    page.reconnect();
    assert_eq!(page.last_sub(), "sub room e/390 credit 0");
    assert_eq!(page.ahead, Some(Ahead { messages: 1_600, bytes: 100 }), "besides what waits");
}

#[test]
fn messages_ahead_of_the_credit_are_owed() {
    let mut page = Page::open(config());
    let channel = page.subscribe(Some(position("e", 0)));
    page.subd("e", 1, 1_000, 0);
    page.lines();
    page.replay(1, 100);
    page.replay(101, 150);
    assert_eq!(page.lines(), ["deliver 1..=100", "deliver 101..=250"]);
    page.processed(channel, 200, 200);
    assert_eq!(page.lines(), ["more room 400"], "150 that were ahead, and 250 beside those that wait");
}

#[test]
fn a_known_path_needs_credit() {
    let mut page = Page::open(config());
    let channel = page.subscribe(Some(position("e", 0)));
    page.subd("e", 1, 1_000, 0);
    page.replay(1, 100);
    page.processed(channel, 100, 100);
    page.lines();
    page.reconnect();
    page.last_sub();
    assert_eq!(page.ahead, None);
}

/// The application is too slow for what came.
#[test]
fn nothing_goes_ahead_after_a_lag() {
    let (mut page, channel) = Page::live_at(0, config());
    page.msgs(1, 300);
    page.msgs(301, 1);
    page.processed(channel, 300, 300);
    page.last_sub();
    assert_eq!(page.ahead, None);
}
