//! No storms: the server's pauses are respected, and only a connection that lasted resets the backoff.

use seamline::core::{Event, Output, Session, State};
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
fn a_drained_connection_is_no_failed_attempt() {
    let mut page = Page::open(config());
    for _ in 0..8 {
        page.wait(1_000);
        page.frame(ServerFrame::Drain { reconnect_in_ms: 100 });
        let (attempt, wait_ms) = broken(&mut page, 1012);
        assert!(attempt == 0 && wait_ms <= 500, "attempt {attempt}, {wait_ms} ms");
        page.wait_for_attempt();
        page.greet();
    }
    assert_eq!(broken(&mut page, 1006).0, 1, "a connection that is lost is one");
}

/// What a deployment looks like: the server is back after 10 s, and meanwhile every attempt fails.
#[test]
fn clients_return_soon_after_a_restart() {
    let mut late_ms = Vec::new();
    for seed in 0..1_000 {
        let mut page = Page::new(config());
        page.session = Session::new(config(), seed, page.now());
        page.connect();
        page.greet();
        page.wait(60_000);
        page.frame(ServerFrame::Drain { reconnect_in_ms: 100 + seed });
        broken(&mut page, 1012);
        let back_ms = page.now_ms + 10_000;
        page.wait_for_attempt();
        while page.now_ms < back_ms {
            broken(&mut page, 1006);
            page.wait_for_attempt();
        }
        late_ms.push(page.now_ms - back_ms);
    }
    let last_ms = late_ms.into_iter().max().unwrap();
    assert!(last_ms <= 5_000, "the last client returned {last_ms} ms after the server");
}

#[test]
fn a_server_that_does_not_return_is_called_less_and_less() {
    let mut page = Page::open(config());
    page.frame(ServerFrame::Drain { reconnect_in_ms: 1_000 });
    broken(&mut page, 1012);
    let (drained_ms, mut longest_ms) = (page.now_ms, 0);
    while page.now_ms < drained_ms + 300_000 {
        page.wait_for_attempt();
        let (_, wait_ms) = broken(&mut page, 1006);
        let soon = page.now_ms < drained_ms + 60_000;
        assert!(!soon || wait_ms <= 5_000, "{wait_ms} ms, {} ms after the drain", page.now_ms - drained_ms);
        longest_ms = longest_ms.max(wait_ms);
    }
    assert!(longest_ms > 10_000, "{longest_ms}");
}

#[test]
fn a_server_that_drains_every_connection_is_called_less_and_less() {
    let mut page = Page::open(config());
    let (start_ms, mut connects) = (page.now_ms, 0);
    while page.now_ms < start_ms + 600_000 {
        page.frame(ServerFrame::Drain { reconnect_in_ms: 100 });
        broken(&mut page, 1012);
        page.wait_for_attempt();
        page.greet();
        connects += 1;
    }
    assert!(connects < 300, "{connects} connections in ten minutes");
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
