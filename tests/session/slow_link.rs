//! A slow link is not dead: data in transit gets the time that it takes.

use seamline::core::Config;
use seamline::wire::ServerFrame;

use crate::page::{FRAME_BYTES_MAX, HEARTBEAT_MS, Page, ROOM, config};

#[test]
fn an_announced_frame_earns_more_time() {
    let mut page = Page::open(config());
    page.frame(ServerFrame::Incoming { bytes: 1_000_000 });
    page.wait(HEARTBEAT_MS);
    assert_eq!(page.lines(), ["ping"]);
    page.session.handle_wake(page.now());
    assert_eq!(page.lines(), ["ping"]);
    page.wait(101_000);
    assert_eq!(page.lines(), [""; 0], "125 s at 8 KB/s");
    page.wait(1_000);
    assert_eq!(page.lines()[0], "disconnect 0 1000");
}

#[test]
fn an_arrived_frame_earns_no_more_time() {
    let mut page = Page::open(config());
    page.frame(ServerFrame::Incoming { bytes: 1_000_000 });
    page.msgs(1, 1);
    page.session.handle_wake(page.now());
    page.wait(1_500);
    assert_eq!(page.count("disconnect"), 1);
}

#[test]
fn a_wake_waits_for_an_announced_frame() {
    let mut page = Page::open(config());
    for _ in 0..10 {
        page.frame(ServerFrame::Incoming { bytes: 96_000 });
        for _ in 0..3 {
            page.wait(2_500);
            page.session.handle_wake(page.now());
        }
        page.wait(2_100);
        page.msgs(1, 1);
    }
    assert_eq!(page.count("disconnect"), 0, "96 KB in 9.6 s");
}

#[test]
fn unanswered_publications_earn_more_time() {
    let mut page = Page::open(Config { outbox_messages_max: 100, ..config() });
    for i in 0..40 {
        let bytes = FRAME_BYTES_MAX - 300;
        page.session.publish(page.now(), ROOM.to_owned(), i.to_string(), "hi", bytes).unwrap();
    }
    page.lines();
    page.session.handle_wake(page.now());
    page.wait(4_900);
    assert_eq!(page.lines(), ["ping"], "31 KB take 3.8 s at 8 KB/s");
    page.wait(600);
    assert_eq!(page.count("disconnect"), 1);
}

#[test]
fn unsent_bytes_earn_more_time() {
    let mut page = Page::open(config());
    page.session.set_buffered_bytes(80_000);
    page.session.handle_wake(page.now());
    page.lines();
    page.wait(11_000);
    assert_eq!(page.lines(), [""; 0]);
    page.wait(600);
    assert_eq!(page.count("disconnect"), 1);
}

/// The process was busy: the answer is unread in the socket, because an event loop runs timers before sockets.
#[test]
fn a_late_heartbeat_deadline_is_postponed_once() {
    let mut page = Page::open(config());
    page.wait(HEARTBEAT_MS);
    page.lines();
    page.sleep(5_800);
    assert_eq!(page.lines(), [""; 0]);
    page.frame(ServerFrame::Pong);
    page.wait(10);
    assert_eq!(page.lines(), [""; 0], "the answer was there");

    page.wait(HEARTBEAT_MS);
    page.lines();
    page.sleep(5_800);
    page.wait(1);
    assert_eq!(page.lines()[0], "disconnect 0 1000", "there was none");
}

#[test]
fn a_late_connect_timeout_is_postponed_once() {
    let mut page = Page::new(config());
    page.connect();
    page.opened();
    page.lines();
    page.sleep(10_800);
    assert_eq!(page.lines(), [""; 0]);
    page.welcome();
    page.wait(10);
    assert_eq!(page.lines(), ["open"]);
}

#[test]
fn large_messages_are_replayed_in_steps() {
    let mut page = Page::open(Config { queue_bytes_max: 1_000, ..config() });
    page.message_bytes = 250;
    let channel = page.subscribe(Some(crate::page::position("e", 0)));
    page.subd("e", 1, 100, 0);
    page.lines();
    page.replay(1, 4);
    assert_eq!(page.lines(), ["deliver 1..=4"]);
    page.replay(5, 4);
    assert_eq!(page.lines(), ["unsub room"], "2,000 bytes would wait");
    page.processed(channel, 1, 1);
    assert_eq!(page.lines(), [""; 0]);
    page.processed(channel, 1, 2);
    assert_eq!(page.lines(), ["sub room e/4 credit 2"], "as many as fit beside the 500 bytes that wait");
}

/// An attempt takes 1.8 s, and wake events never stop.
#[test]
fn wakes_do_not_starve_a_slow_attempt() {
    let mut page = Page::new(config());
    page.connect();
    for _ in 0..20 {
        let socket = page.socket;
        for _ in 0..6 {
            page.wait(300);
            page.session.handle_wake(page.now());
            page.lines();
        }
        if page.socket == socket {
            page.greet();
            assert!(page.lines().contains(&"open".to_owned()));
            return;
        }
    }
    panic!("20 attempts, and each was restarted");
}

#[test]
fn old_casts_earn_no_more_time() {
    let mut page = Page::open(config());
    for i in 0..2_000 {
        page.session.cast(page.now(), ROOM.to_owned(), "here", 100, 0).unwrap();
        page.wait(100);
        page.msgs(i + 1, 1);
    }
    page.lines();
    page.session.handle_wake(page.now());
    page.wait(1_520);
    assert_eq!(page.count("disconnect"), 1);
}
