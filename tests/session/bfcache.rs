//! The page goes into the back/forward cache, and perhaps comes out of it.

use seamline::core::{Event, Output, State};
use seamline::wire::{ServerFrame, close};

use crate::page::{Page, config, position};

#[test]
fn on_the_way_in_it_acknowledges_and_closes_cleanly() {
    let (mut page, channel) = Page::live_at(0, config());
    page.msgs(1, 3);
    page.processed(channel, 2, 2);
    page.lines();
    page.session.handle_suspend(page.now());
    assert_eq!(page.lines(), ["ack room e/2", "disconnect 0 1000", "waiting 0 page_hidden"]);
    assert_eq!(page.session.poll_timeout(), None, "no timer is armed");
}

#[test]
fn on_the_way_out_it_goes_on_from_its_position_at_once() {
    let (mut page, _) = Page::live_at(0, config());
    page.msgs(1, 3);
    page.wait(10_000);
    page.session.handle_suspend(page.now());
    page.lines();
    page.now_ms += 600_000;
    page.session.handle_wake(page.now());
    assert_eq!(page.lines(), ["connecting", "connect 1"]);
    page.greet();
    assert_eq!(page.lines(), ["hello tester", "open", "sub room e/3 credit 97"]);
}

#[test]
fn it_is_no_failed_attempt() {
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
fn it_does_not_forget_the_failed_attempts_either() {
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
fn in_and_out_again_and_again_is_no_storm() {
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
fn the_servers_wish_outlasts_it() {
    let mut page = Page::open(config());
    page.frame(ServerFrame::Drain { reconnect_in_ms: 30_000 });
    page.lines();
    page.session.handle_suspend(page.now());
    let told = std::iter::from_fn(|| page.session.poll_output()).find_map(|output| match output {
        Output::Event(Event::State(State::Waiting { retry_in_ms, .. })) => Some(retry_in_ms),
        _ => None,
    });
    assert_eq!(told, Some(30_000), "it may be made then");
    page.now_ms += 10_000;
    page.session.handle_wake(page.now());
    page.wait(19_999);
    assert_eq!(page.lines(), [""; 0]);
    page.wait(1);
    assert_eq!(page.lines(), ["connecting", "connect 1"]);
}

#[test]
fn a_backoff_that_waits_is_put_away_too() {
    let mut page = Page::open(config());
    page.close(1006);
    page.lines();
    page.session.handle_suspend(page.now());
    assert_eq!(page.lines(), ["waiting 1 page_hidden"]);
    assert_eq!(page.session.poll_timeout(), None);
}

#[test]
fn what_is_asked_meanwhile_waits() {
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
    assert_eq!(lines[2..], ["hello tester", "open", "sub room e/7 credit 100", "pub key"]);
}

#[test]
fn a_session_that_has_not_begun_or_has_ended_stays_so() {
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
