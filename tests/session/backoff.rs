//! No storms: the server's pauses are respected, and only a connection that lasted resets the backoff.

use seamline::core::{Event, Output, State};
use seamline::wire::ServerFrame;

use crate::page::{Page, config};

/// Breaks the connection. Returns the number of the attempt and the time until the next one.
fn broken(page: &mut Page, code: u16) -> (u32, u64) {
    page.lines();
    page.close(code);
    while let Some(output) = page.session.poll_output() {
        if let Output::Event(Event::State(State::Waiting { attempt, retry_in_ms, .. })) = output {
            return (attempt, retry_in_ms);
        }
    }
    panic!("it does not wait")
}

#[test]
fn a_welcome_alone_does_not_reset_the_backoff() {
    let mut page = Page::open(config());
    for attempt in 1..8 {
        page.wait(4_999);
        assert_eq!(broken(&mut page, 1006).0, attempt);
        page.wait_for_attempt();
        page.greet();
    }
}

#[test]
fn a_stable_connection_resets_the_backoff() {
    let mut page = Page::open(config());
    for _ in 0..4 {
        page.wait(100);
        broken(&mut page, 1006);
        page.wait_for_attempt();
        page.greet();
    }
    page.wait(5_000);
    let (attempt, wait_ms) = broken(&mut page, 1006);
    assert_eq!(attempt, 1);
    assert!(wait_ms <= 500);
}

#[test]
fn a_throttled_page_resets_the_backoff_too() {
    let mut page = Page::open(config());
    broken(&mut page, 1006);
    page.wait_for_attempt();
    page.greet();
    page.now_ms += 60_000; // no timer fired
    assert_eq!(broken(&mut page, 1006).0, 1);
}

#[test]
fn a_drain_before_the_welcome_delays_the_reconnect() {
    let mut page = Page::new(config());
    page.connect();
    page.opened();
    page.frame(ServerFrame::Drain { reconnect_in_ms: 7_000 });
    page.close(1012);
    page.wait(6_999);
    assert_eq!(page.count("connect "), 1, "the first attempt only");
    page.wait(1);
    assert_eq!(page.count("connect "), 1);
}

#[test]
fn a_wake_does_not_override_a_drain() {
    let mut page = Page::open(config());
    page.frame(ServerFrame::Drain { reconnect_in_ms: 7_000 });
    let (_, wait_ms) = broken(&mut page, 1012);
    assert_eq!(wait_ms, 7_000);
    page.wait(3_000);
    page.session.handle_wake(page.now());
    page.wait(3_999);
    assert_eq!(page.count("connect "), 0);
    page.wait(1);
    assert_eq!(page.count("connect "), 1);
}

#[test]
fn a_retry_hint_applies_once() {
    let mut page = Page::open(config());
    page.frame(ServerFrame::Drain { reconnect_in_ms: 60_000 });
    assert_eq!(broken(&mut page, 1012).1, 60_000);
    page.wait_for_attempt();
    assert!(broken(&mut page, 1006).1 <= 1_000);
}

#[test]
fn an_error_before_the_welcome_delays_the_reconnect() {
    let mut page = Page::new(config());
    page.connect();
    page.opened();
    page.error(None, Some(9_000));
    assert_eq!(broken(&mut page, 4429).1, 9_000);
}

#[test]
fn retry_hints_are_bounded() {
    let mut page = Page::open(config());
    page.frame(ServerFrame::Drain { reconnect_in_ms: u64::MAX });
    assert_eq!(broken(&mut page, 1012).1, 300_000);
}

#[test]
fn a_refusing_server_is_called_less_and_less() {
    let mut page = Page::new(config());
    page.connect();
    let mut attempts = 0;
    let end_ms = page.now_ms + 600_000;
    while page.now_ms < end_ms {
        attempts += page.count("connect ");
        page.close(1006);
        page.wait(100);
    }
    assert!((30..120).contains(&attempts), "{attempts} attempts in ten minutes");
}
