//! The page wakes up, becomes visible, comes online.

use seamline::wire::ServerFrame;

use crate::page::{Page, config};

#[test]
fn a_wake_keeps_a_healthy_connection() {
    let mut page = Page::open(config());
    page.session.handle_wake(page.now());
    assert_eq!(page.lines(), ["ping"]);
    page.wait(1_000);
    page.frame(ServerFrame::Pong);
    page.wait(10_000);
    assert_eq!(page.lines(), [""; 0]);
}

#[test]
fn a_wake_detects_a_dead_connection_within_two_seconds() {
    let mut page = Page::open(config());
    page.wait(10_000);
    page.session.handle_wake(page.now());
    page.wait(2_000);
    let lines = page.lines();
    assert_eq!(lines[..3], ["ping", "disconnect 0 1000", "waiting 1 heartbeat_timeout"]);
}

#[test]
fn a_wake_retries_immediately() {
    let mut page = Page::open(config());
    for _ in 0..8 {
        page.close(1006);
        page.wait_for_attempt();
    }
    page.close(1006);
    page.lines();
    page.session.handle_wake(page.now());
    page.wait(1_000);
    assert_eq!(page.lines(), ["connecting", "connect 9"]);
}

/// It may predate the current network, and would hang until its deadline.
#[test]
fn a_wake_restarts_a_hanging_attempt() {
    let mut page = Page::new(config());
    page.connect();
    page.lines();
    page.session.handle_wake(page.now());
    assert_eq!(page.lines(), [""; 0], "it has only just begun");
    page.wait(3_000);
    page.session.handle_wake(page.now());
    page.wait(1_000);
    let lines = page.lines();
    assert_eq!(lines, ["disconnect 0 1000", "waiting 1 connect_timeout", "connecting", "connect 1"]);
}

#[test]
fn a_flapping_network_does_not_become_a_storm() {
    let mut page = Page::open(config());
    page.lines();
    let mut attempts = 0;
    for _ in 0..50 {
        page.close(1006);
        page.session.handle_wake(page.now());
        page.wait(100);
        attempts += page.count("connect ");
    }
    assert!(attempts <= 6, "{attempts} attempts in 5 s");
}

#[test]
fn simultaneous_wakes_send_one_ping() {
    let mut page = Page::open(config());
    for _ in 0..5 {
        page.session.handle_wake(page.now());
    }
    assert_eq!(page.lines(), ["ping"]);
}

#[test]
fn a_connection_found_dead_is_replaced_immediately() {
    let mut page = Page::open(config());
    for _ in 0..8 {
        page.reconnect();
    }
    page.lines();
    page.wait(1_000);
    page.session.handle_wake(page.now());
    page.wait(1_500);
    let dead = ["ping", "disconnect 8 1000", "waiting 9 heartbeat_timeout", "connecting", "connect 9"];
    assert_eq!(page.lines(), dead, "no backoff of up to 20 s");
}

#[test]
fn a_pong_restores_the_backoff() {
    let mut page = Page::open(config());
    for _ in 0..8 {
        page.reconnect();
    }
    page.session.handle_wake(page.now());
    page.frame(ServerFrame::Pong);
    page.lines();
    page.wait(2_000);
    page.close(1006);
    page.wait(99);
    assert_eq!(page.count("connect "), 0, "the connection was alive after the wake");
}

#[test]
fn simultaneous_wakes_skip_the_backoff_once() {
    let mut page = Page::new(config());
    page.connect();
    for _ in 0..8 {
        page.close(1006);
        page.wait_for_attempt();
    }
    page.close(1006);
    page.wait(1_000);
    page.lines();
    let mut attempts = 0;
    for _ in 0..4 {
        page.session.handle_wake(page.now());
        page.wait(5);
        attempts += page.count("connect ");
    }
    page.close(1006);
    page.wait(90);
    attempts += page.count("connect ");
    assert_eq!(attempts, 1, "visible, resumed, restored and online are one wake");
}

#[test]
fn an_attempt_missed_by_sleep_is_restarted() {
    let mut page = Page::new(config());
    page.connect();
    for _ in 0..8 {
        page.close(1006);
        page.wait_for_attempt();
    }
    page.lines();
    page.now_ms += 3_600_000;
    page.session.handle_wake(page.now());
    let lines = page.lines();
    assert_eq!(lines, ["disconnect 8 1000", "waiting 9 connect_timeout", "connecting", "connect 9"]);
}
