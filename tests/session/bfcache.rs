//! The page enters the back/forward cache, and may leave it.

use seamline::core::{Event, Output, State};
use seamline::wire::{ServerFrame, close};

use crate::page::{Page, config, position};

#[test]
fn suspending_acknowledges_and_closes() {
    let (mut page, channel) = Page::live_at(0, config());
    page.msgs(1, 3);
    page.processed(channel, 2, 2);
    page.lines();
    page.session.handle_suspend(page.now());
    assert_eq!(page.lines(), ["ack room e/2", "disconnect 0 1000", "waiting 0 page_hidden"]);
    assert_eq!(page.session.poll_timeout(), None, "no timer is armed");
}

#[test]
fn a_resumed_page_continues_from_its_position() {
    let (mut page, _) = Page::live_at(0, config());
    page.msgs(1, 3);
    page.wait(10_000);
    page.session.handle_suspend(page.now());
    page.lines();
    page.now_ms += 600_000;
    page.session.handle_wake(page.now());
    assert_eq!(page.lines(), ["connecting", "connect 1"]);
    page.greet();
    assert_eq!(page.lines(), ["hello tester", "sub room e/3 credit 97", "open"]);
}

#[test]
fn suspending_is_not_a_failed_attempt() {
    let mut page = Page::open(config());
    for _ in 0..10 {
        page.session.handle_suspend(page.now());
        page.now_ms += 10_000;
        page.session.handle_wake(page.now());
        page.greet();
    }
    page.lines();
    page.close(1006);
    assert_eq!(page.lines(), ["waiting 1 connection_lost"]);
}

#[test]
fn suspending_keeps_the_failed_attempts() {
    let mut page = Page::open(config());
    for _ in 0..4 {
        page.reconnect();
    }
    page.lines();
    page.session.handle_suspend(page.now());
    page.session.handle_wake(page.now());
    page.wait(1_000);
    page.greet();
    page.close(1006);
    let waits: Vec<_> = page.lines().into_iter().filter(|line| line.starts_with("waiting")).collect();
    assert_eq!(waits, ["waiting 4 page_hidden", "waiting 5 connection_lost"]);
}

#[test]
fn repeated_suspends_do_not_become_a_storm() {
    let mut page = Page::open(config());
    page.lines();
    let mut attempts = 0;
    for _ in 0..50 {
        page.session.handle_suspend(page.now());
        page.session.handle_wake(page.now());
        page.wait(100);
        attempts += page.count("connect ");
    }
    assert!(attempts <= 5, "{attempts} attempts in 5 s");
}

#[test]
fn a_retry_hint_outlasts_a_suspend() {
    let mut page = Page::open(config());
    page.frame(ServerFrame::Drain { reconnect_in_ms: 30_000 });
    page.lines();
    page.session.handle_suspend(page.now());
    let reported = std::iter::from_fn(|| page.session.poll_output()).find_map(|output| match output {
        Output::Event(Event::State(State::Waiting { retry_in_ms, .. })) => Some(retry_in_ms),
        _ => None,
    });
    assert_eq!(reported, Some(30_000), "the earliest time");
    page.now_ms += 10_000;
    page.session.handle_wake(page.now());
    page.wait(19_999);
    assert_eq!(page.lines(), [""; 0]);
    page.wait(1);
    assert_eq!(page.lines(), ["connecting", "connect 1"]);
}

#[test]
fn suspending_stops_a_waiting_retry() {
    let mut page = Page::open(config());
    page.close(1006);
    page.lines();
    page.session.handle_suspend(page.now());
    assert_eq!(page.lines(), ["waiting 1 page_hidden"]);
    assert_eq!(page.session.poll_timeout(), None);
}

#[test]
fn calls_in_a_suspended_page_wait() {
    let mut page = Page::open(config());
    page.session.handle_suspend(page.now());
    page.lines();
    page.subscribe(Some(position("e", 7)));
    page.publish("key");
    page.session.handle_hide(page.now());
    assert_eq!(page.lines(), [""; 0]);
    page.now_ms += 5_000;
    page.session.handle_wake(page.now());
    page.greet();
    let lines = page.lines();
    assert_eq!(lines[2..], ["hello tester", "sub room e/7 credit 100", "pub key", "open"]);
}

#[test]
fn suspending_an_idle_or_closed_session_does_nothing() {
    let mut page = Page::new(config());
    page.session.handle_suspend(page.now());
    assert_eq!(page.lines(), [""; 0]);
    page.connect();
    page.greet();
    page.close(close::FORBIDDEN);
    page.lines();
    page.session.handle_suspend(page.now());
    page.session.handle_wake(page.now());
    page.wait(60_000);
    assert_eq!(page.lines(), [""; 0]);
}
