//! Publications behind `hello`, on a connection that the server has not welcomed yet.

use seamline::core::Config;
use seamline::wire::close;

use crate::page::{FRAME_BYTES_MAX, Page, config};

fn page() -> Page {
    Page::open(Config { outbox_messages_max: 1_000, ..config() })
}

#[test]
fn publications_follow_hello_after_a_reconnect() {
    let mut page = page();
    page.publish("a");
    page.publish_to("other", "b");
    page.reopen();
    assert_eq!(page.lines(), ["hello tester", "pub a", "pub b"]);
    page.publish("c");
    assert_eq!(page.lines(), ["pub c"]);
    page.welcome();
    assert_eq!(page.lines(), ["open"]);
    page.puback("a", 1);
    assert_eq!(page.session.stats().published, 1);
}

#[test]
fn the_first_connection_waits_for_the_limit() {
    let mut page = Page::new(config());
    page.publish("a");
    page.connect();
    page.opened();
    assert_eq!(page.count("pub"), 0);
    page.welcome();
    assert_eq!(page.count("pub a"), 1);
}

#[test]
fn rejected_tokens_lose_no_publication() {
    let mut page = Page::new(Config { has_token: true, ..config() });
    let answer = |page: &mut Page| {
        page.lines();
        page.session.handle_token(page.now(), page.fetch, Ok(Some("t".to_owned())));
    };
    page.connect();
    answer(&mut page);
    page.greet();
    page.publish("a");
    page.close(close::SERVICE_RESTART);
    page.wait_for_attempt();
    page.lines();
    page.opened();
    assert_eq!(page.lines(), ["hello tester t", "pub a"]);
    page.close(close::UNAUTHORIZED);
    page.wait(500);
    answer(&mut page);
    page.opened();
    assert_eq!(page.lines()[1..], ["hello tester t"], "the server may reject this one too");
    page.welcome();
    assert_eq!(page.lines(), ["open", "pub a"]);
}

/// What follows it must not overtake it: the server may accept larger frames again.
#[test]
fn too_large_publications_wait_for_welcome() {
    let mut page = page();
    page.close(close::SERVICE_RESTART);
    page.publish_bytes("large", FRAME_BYTES_MAX);
    page.publish("small");
    page.wait_for_attempt();
    page.opened();
    assert_eq!(page.count("pub"), 0);
    page.welcome_with(2 * FRAME_BYTES_MAX);
    assert_eq!(page.lines(), ["open", "pub large", "pub small"]);
}

/// It has lowered its limit, and closes because of a frame that was sent before it said so.
#[test]
fn a_lower_limit_blames_no_other_publication() {
    let mut page = page();
    let large = page.publish_bytes("large", 500);
    page.publish("small");
    page.reopen();
    page.welcome_with(300);
    page.lines();
    page.puback("small", 1);
    page.close(close::TOO_BIG);
    assert_eq!(page.failed, [0; 0]);
    assert_eq!(
        page.lines()[1..],
        [format!("publish failed {large} too_large"), "waiting 1 connection_lost".into()]
    );
}

#[test]
fn a_lower_limit_fails_only_what_exceeds_it() {
    let mut page = page();
    let large = page.publish_bytes("large", 500);
    page.publish("small");
    page.reopen();
    page.welcome_with(300);
    page.close(close::TOO_BIG);
    page.wait_for_attempt();
    page.opened();
    page.lines();
    page.welcome_with(300);
    assert_eq!(page.lines(), ["open", &format!("publish failed {large} too_large"), "pub small"]);
}

/// Perhaps because of what was sent: then the next attempt would fail as well, and so on.
#[test]
fn a_failed_attempt_is_followed_by_a_cautious_one() {
    for code in [1006, 1008, 1009, 1011] {
        let mut page = page();
        page.publish("a");
        page.reopen();
        assert_eq!(page.count("pub a"), 1);
        page.close(code);
        page.wait_for_attempt();
        page.lines();
        page.opened();
        assert_eq!(page.lines(), ["hello tester"], "{code}");
        page.welcome();
        assert_eq!(page.lines(), ["open", "pub a"], "{code}");
        assert_eq!(page.failed, [0; 0], "{code}");
        page.reopen();
        assert_eq!(page.count("pub a"), 1, "{code}: the connection before was welcomed");
    }
}

#[test]
fn suspects_wait_for_welcome() {
    let mut page = page();
    page.publish("a");
    page.close(1006);
    page.wait_for_attempt();
    page.lines();
    page.opened();
    assert_eq!(page.count("pub"), 0);
    page.welcome();
    assert_eq!(page.count("pub a"), 1);
}

#[test]
fn few_bytes_are_sent_before_the_welcome() {
    let mut page = page();
    page.close(close::SERVICE_RESTART);
    for i in 0..200 {
        page.publish_bytes(&i.to_string(), 900);
    }
    page.wait_for_attempt();
    page.opened();
    let sent = page.count("pub");
    assert!((60..70).contains(&sent), "{sent}: 64 KiB");
}
