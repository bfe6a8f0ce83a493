//! A publication that closes every connection fails, and the others are still sent. One that the network
//! interrupted is sent again, however often that happens.

use seamline::core::Config;
use seamline::wire::ServerFrame;

use crate::page::{Page, config};

fn page() -> Page {
    Page::open(Config { outbox_messages_max: 100, ..config() })
}

#[test]
fn a_publication_rejected_three_times_fails() {
    for code in [1002, 1007, 1008, 4413] {
        let mut page = page();
        let bad = page.publish("bad");
        page.publish("good");
        for _ in 0..4 {
            page.reconnect_after(code);
        }
        let lines = page.lines();
        let failed = format!("publish failed {bad} undeliverable");
        assert!(lines.contains(&failed), "{code}: {lines:?}");
        assert_eq!(lines.last().unwrap(), "pub good", "{code}");
    }
}

#[test]
fn an_oversized_publication_fails_at_once() {
    let mut page = page();
    let bad = page.publish("bad");
    page.close(1009);
    assert!(page.lines().contains(&format!("publish failed {bad} too_large")));
}

#[test]
fn the_oversized_publication_among_several_is_found() {
    let mut page = page();
    page.publish("first");
    let bad = page.publish("bad");
    page.publish("last");
    page.reconnect_after(1009);
    page.lines();
    page.puback("first", 1);
    assert_eq!(page.lines(), ["published 1 at 1", "pub bad"], "one at a time");
    page.reconnect_after(1009);
    let lines = page.lines();
    assert!(lines.contains(&format!("publish failed {bad} too_large")), "{lines:?}");
    assert_eq!(lines.last().unwrap(), "pub last");
}

/// A proxy that cuts the connection instead of closing it.
#[test]
fn a_publication_that_always_breaks_the_connection_fails() {
    let mut page = page();
    let bad = page.publish("bad");
    page.publish("good");
    let mut connections = 0;
    while page.failed.is_empty() {
        connections += 1;
        while page.count("pub bad") == 0 {
            page.wait(10);
        }
        page.wait(20);
        page.reconnect();
        assert!(connections < 10);
    }
    assert_eq!((page.failed.clone(), connections), (vec![bad], 5));
    page.wait(1_000);
    assert_eq!(page.count("pub good"), 1);
}

#[test]
fn a_flaky_network_fails_no_publication() {
    let mut page = page();
    page.publish("a");
    for _ in 0..50 {
        page.wait(700);
        page.reconnect();
    }
    assert_eq!(page.failed, [0; 0], "each connection lived too briefly to tell");
    for _ in 0..50 {
        page.wait(40_000);
        page.lines();
        page.reconnect();
        page.wait(5_000);
        page.reconnect();
    }
    assert_eq!(page.failed, [0; 0], "connections also break with nothing in flight");
}

/// A page that is busy for seconds receives a close only afterwards, right after its timers.
#[test]
fn a_busy_page_blames_no_publication() {
    let mut page = page();
    page.publish("a");
    for _ in 0..20 {
        page.sleep(5_000);
        page.reconnect();
    }
    assert_eq!(page.failed, [0; 0], "its timer came late");
    for i in 0..20 {
        page.now_ms += 5_000;
        page.publish(&format!("b{i}"));
        page.sleep(0);
        page.reconnect();
    }
    assert_eq!(page.failed, [0; 0], "it published before its timer came");
    for i in 0..20 {
        page.sleep(5_000);
        page.publish(&format!("c{i}"));
        page.sleep(0);
        page.reconnect();
    }
    assert_eq!(page.failed, [0; 0], "it published in the turn of the late timer");
    assert!(page.count("pub a") > 2, "it is sent again");
}

/// Its heartbeat and its publication are due together.
#[test]
fn each_late_timer_of_a_busy_page_waits() {
    let mut page = Page::open(Config { heartbeat_ms: 1_000, ..config() });
    page.publish("a");
    for _ in 0..20 {
        page.sleep(1_500);
        page.reconnect();
    }
    assert_eq!(page.failed, [0; 0]);
}

#[test]
fn restarts_and_expired_tokens_blame_no_publication() {
    for code in [1001, 1012, 1013, 4408, 4429] {
        let mut page = page();
        page.publish("a");
        for _ in 0..20 {
            page.reconnect_after(code);
        }
        assert_eq!(page.failed, [0; 0], "{code}");
        assert_eq!(page.count("pub a"), 21, "{code}");
    }
}

#[test]
fn an_idle_break_clears_all_suspects() {
    let mut page = page();
    page.publish("a");
    page.reconnect();
    page.reconnect();
    page.wait(1_000);
    assert!(page.count("pub a") > 0, "it was held back for a second");
    page.wait(2_000);
    page.reconnect(); // two seconds after it was sent: from now on it is held back for a minute
    page.wait(20_000);
    assert_eq!(page.count("pub a"), 0);
    page.reconnect();
    assert_eq!(page.count("pub a"), 1, "a connection that breaks with nothing in flight");
}

/// The publication crashes the server, which takes a while to restart.
#[test]
fn a_failed_attempt_clears_no_suspect() {
    let mut page = page();
    let bad = page.publish("bad");
    for _ in 0..6 {
        page.close(1006);
        page.wait_for_attempt();
        page.close(1006); // refused
        page.wait_for_attempt();
        page.greet();
        page.lines();
        page.wait(1_020); // it is sent after a second, and 20 ms later the connection breaks
    }
    assert_eq!(page.failed, [bad]);
}

#[test]
fn an_oversized_cast_blames_no_publication() {
    let mut page = page();
    page.publish("small");
    page.session.cast(page.now(), "room".to_owned(), "big", 600, 0).unwrap();
    page.reconnect_after(1009);
    assert_eq!(page.failed, [0; 0]);
    assert_eq!(page.count("pub small"), 2);
}

/// The server has answered them, if only with a pause: it can read them.
#[test]
fn paused_publications_are_no_suspects() {
    let mut page = page();
    page.publish("a");
    page.publish_to("other", "b");
    page.reconnect_after(1008);
    page.pubnack("a", Some(1_000));
    page.frame(ServerFrame::PubNack {
        ch: "other".to_owned(),
        key: "b".to_owned(),
        code: "busy".to_owned(),
        message: String::new(),
        retry_after_ms: Some(1_000),
    });
    page.lines();
    page.sleep(1_500);
    page.publish_to("third", "c");
    assert_eq!(page.lines(), ["pub a", "pub b", "pub c"], "they are sent together again");
}

#[test]
fn cleared_suspects_are_sent_together() {
    let mut page = page();
    page.publish("a");
    page.publish("b");
    page.reconnect();
    page.reconnect();
    page.wait(500);
    page.lines();
    page.reconnect();
    assert_eq!(page.count("pub"), 2);
}
