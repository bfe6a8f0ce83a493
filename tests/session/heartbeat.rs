//! Detecting a connection that is dead without a close event.

use seamline::core::Config;
use seamline::wire::ServerFrame;

use crate::page::{HEARTBEAT_MS, Page, config};

#[test]
fn a_pong_ends_the_doubt() {
    let mut page = Page::open(config());
    page.wait(HEARTBEAT_MS - 1);
    assert_eq!(page.lines(), [""; 0]);
    page.wait(1);
    assert_eq!(page.lines(), ["ping"]);
    page.wait(4_999);
    page.frame(ServerFrame::Pong);
    page.wait(HEARTBEAT_MS - 1);
    assert_eq!(page.lines(), [""; 0]);
    page.wait(1);
    assert_eq!(page.lines(), ["ping"]);
}

#[test]
fn the_application_may_set_the_heartbeat() {
    let mut page = Page::open(Config { heartbeat_ms: 3_000, ..config() });
    page.wait(2_999);
    assert_eq!(page.lines(), [""; 0]);
    page.wait(1);
    assert_eq!(page.lines(), ["ping"]);
}

#[test]
fn an_unanswered_ping_ends_the_connection() {
    let mut page = Page::open(config());
    page.wait(HEARTBEAT_MS + 5_000);
    assert_eq!(page.lines(), ["ping", "disconnect 0 1000", "waiting 1 heartbeat_timeout"]);
}

#[test]
fn any_frame_proves_life() {
    let (mut page, _) = Page::live_at(0, config());
    for offset in 1..=10 {
        page.wait(HEARTBEAT_MS - 1);
        page.msgs(offset, 1);
    }
    assert_eq!(page.count("ping"), 0);
}

#[test]
fn an_unknown_frame_proves_life_too() {
    let (mut page, _) = Page::live_at(0, config());
    for _ in 0..10 {
        page.wait(HEARTBEAT_MS - 1);
        page.session.handle_unknown_frame(page.now(), page.socket);
    }
    assert_eq!(page.count("ping"), 0);
}

#[test]
fn a_missed_deadline_gets_one_more_ping() {
    let mut page = Page::open(config());
    page.wait(HEARTBEAT_MS);
    page.lines();
    page.sleep(3_600_000);
    assert_eq!(page.lines(), ["ping"]);
    page.frame(ServerFrame::Pong);
    page.wait(10_000);
    assert_eq!(page.lines(), [""; 0]);
}

#[test]
fn a_page_that_slept_pings_with_a_short_deadline() {
    let mut page = Page::open(config());
    page.sleep(3_600_000);
    assert_eq!(page.lines(), ["ping"]);
    page.wait(1_500);
    let dead = ["disconnect 0 1000", "waiting 1 heartbeat_timeout", "connecting", "connect 1"];
    assert_eq!(page.lines(), dead, "and replaces what is dead at once");
}
