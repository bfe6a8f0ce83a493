//! Publications: sent again under the same key until the log has stored or rejected them.

use seamline::core::Config;
use seamline::wire::ServerFrame;

use crate::page::{FRAME_BYTES_MAX, Page, ROOM, config};

#[test]
fn a_publication_is_settled_by_its_ack() {
    let mut page = Page::open(config());
    let publish = page.publish("k");
    page.puback("k", 7);
    assert_eq!(page.lines(), ["pub k".to_owned(), format!("published {publish} at 7")]);
    page.puback("k", 7);
    assert_eq!(page.lines(), [""; 0], "an echo of the ack means nothing");
    assert_eq!(page.session.stats().published, 1);
}

#[test]
fn unanswered_publications_are_resent_in_order() {
    let mut page = Page::open(config());
    for key in ["a", "b", "c"] {
        page.publish(key);
    }
    page.puback("a", 1);
    page.lines();
    page.reconnect();
    assert_eq!(
        page.lines().split_off(1),
        ["connecting", "connect 1", "hello tester", "open", "pub b", "pub c"]
    );
}

#[test]
fn publications_wait_for_a_connection() {
    let mut page = Page::new(config());
    page.publish("a");
    page.connect();
    page.greet();
    assert_eq!(page.lines().last().unwrap(), "pub a");
}

#[test]
fn a_final_refusal_fails_the_publication() {
    let mut page = Page::open(config());
    let publish = page.publish("a");
    page.lines();
    page.pubnack("a", None);
    assert_eq!(page.lines(), [format!("publish failed {publish} busy")]);
}

#[test]
fn a_paused_publication_is_retried() {
    let mut page = Page::open(config());
    page.publish("a");
    page.pubnack("a", Some(3_000));
    page.lines();
    page.wait(2_999);
    assert_eq!(page.lines(), [""; 0]);
    page.wait(1);
    assert_eq!(page.lines(), ["pub a"]);
}

#[test]
fn a_pause_of_zero_does_not_loop() {
    let mut page = Page::open(config());
    page.publish("a");
    for _ in 0..10 {
        page.pubnack("a", Some(0));
        page.lines();
        page.wait(99);
        assert_eq!(page.lines(), [""; 0]);
        page.wait(1);
        assert_eq!(page.lines(), ["pub a"]);
    }
}

/// Its pause ends while the maximum number of publications is unanswered.
#[test]
fn a_paused_publication_waits_for_a_free_slot() {
    let mut page = Page::open(Config { outbox_messages_max: 1_000, ..config() });
    page.publish("paused");
    page.pubnack("paused", Some(1_000));
    for i in 0..900 {
        page.publish_to("other", &format!("k{i}"));
    }
    page.lines();
    page.wait(2_000);
    assert_eq!(page.lines(), [""; 0]);
    page.puback_of("other", "k0", 1);
    assert_eq!(page.count("pub paused"), 1);
}

#[test]
fn publications_wait_behind_a_paused_one() {
    let mut page = Page::open(Config { outbox_messages_max: 100, ..config() });
    page.publish("a");
    page.publish("b");
    page.lines();
    page.pubnack("a", Some(2_000));
    page.pubnack("b", Some(1_000));
    page.publish("c");
    page.publish_to("other", "x");
    assert_eq!(page.lines(), ["pub x"], "another channel goes on");
    page.wait(1_999);
    assert_eq!(page.lines(), [""; 0]);
    page.wait(1);
    assert_eq!(page.lines(), ["pub a", "pub b", "pub c"]);
}

/// Otherwise a single channel could make the client go through all that waits.
#[test]
fn few_publications_are_held_behind_a_paused_one() {
    let mut page = Page::open(Config { outbox_messages_max: 2_000, ..config() });
    page.publish("a");
    page.pubnack("a", Some(1_000));
    for i in 0..1_100 {
        page.publish(&format!("b{i}"));
    }
    page.publish_to("other", "x");
    page.lines();
    page.publish_to("other", "y");
    assert_eq!(page.lines(), [""; 0]);
    page.wait(1_000);
    assert_eq!(page.lines()[..2], ["pub a", "pub b0"]);
}

#[test]
fn a_publication_pause_outlives_the_connection() {
    let mut page = Page::open(config());
    page.publish("a");
    page.pubnack("a", Some(60_000));
    page.lines();
    page.reconnect();
    assert_eq!(page.count("pub"), 0);
    for _ in 0..6 {
        page.wait(10_000);
        page.frame(ServerFrame::Pong);
    }
    assert_eq!(page.count("pub a"), 1);
}

#[test]
fn oversized_publications_are_rejected_at_once() {
    let mut page = Page::open(config());
    let result = page.session.publish(page.now(), ROOM.to_owned(), "k".to_owned(), "", FRAME_BYTES_MAX);
    assert_eq!(result.unwrap_err().code, "too_large");
    assert_eq!(page.lines(), [""; 0]);
}

#[test]
fn a_smaller_server_limit_fails_waiting_publications() {
    let mut page = Page::new(config());
    let result = page.session.publish(page.now(), ROOM.to_owned(), "k".to_owned(), "", FRAME_BYTES_MAX);
    page.connect();
    page.greet();
    let failed = format!("publish failed {} too_large", result.unwrap());
    assert!(page.lines().contains(&failed));
}

/// The maximum size of a frame: six bytes for each byte of the channel's name and the key, 40 for the rest of the
/// frame, and the payload.
#[test]
fn publications_of_the_maximum_size_are_sent() {
    let bytes = FRAME_BYTES_MAX - 6 * (ROOM.len() + "key".len()) as u64 - 40;
    let mut early = Page::new(config());
    let publish = |page: &mut Page, bytes| {
        page.session.publish(page.now(), ROOM.to_owned(), "key".to_owned(), "", bytes)
    };
    publish(&mut early, bytes).unwrap();
    early.connect();
    early.greet();
    assert_eq!(early.lines().last().unwrap(), "pub key", "published before the limit was known");
    let mut page = Page::open(config());
    publish(&mut page, bytes).unwrap();
    assert_eq!(publish(&mut page, bytes + 1).unwrap_err().code, "too_large");
    assert_eq!(page.lines(), ["pub key"]);
}

/// The same key in another channel is another publication's.
#[test]
fn answers_apply_to_their_channel() {
    let mut page = Page::open(config());
    let other = page.session.publish(page.now(), "other".to_owned(), "k".to_owned(), "", 8).unwrap();
    let publish = page.publish("k");
    page.puback("k", 7);
    let lines = page.lines();
    assert_eq!(lines[2..], [format!("published {publish} at 7")], "and not {other}");
}

/// Escaped, a control character takes six bytes.
#[test]
fn keys_count_with_their_escapes() {
    let mut page = Page::open(config());
    let key = "\u{1}".repeat(150);
    let result = page.session.publish(page.now(), ROOM.to_owned(), key, "", 100);
    assert_eq!(result.unwrap_err().code, "too_large");
}

#[test]
fn a_full_outbox_rejects_publications() {
    let mut page = Page::new(config());
    for key in ["a", "b", "c"] {
        page.publish(key);
    }
    let result = page.session.publish(page.now(), ROOM.to_owned(), "d".to_owned(), "", 0);
    assert_eq!(result.unwrap_err().code, "outbox_full");
}

#[test]
fn a_closed_session_rejects_publications() {
    let mut page = Page::open(config());
    page.session.close(page.now());
    let result = page.session.publish(page.now(), ROOM.to_owned(), "d".to_owned(), "", 0);
    assert_eq!(result.unwrap_err().code, "closed");
}

#[test]
fn keys_and_names_are_checked() {
    let mut page = Page::open(config());
    let now = page.now();
    let mut publish = |name: &str, key: String| {
        page.session.publish(now, name.to_owned(), key, "", 0).map_err(|e| e.code.to_string())
    };
    let refused = |code: &str| Err(code.to_owned());
    assert_eq!(publish(ROOM, String::new()), refused("bad_key"));
    assert_eq!(publish(ROOM, "k".repeat(201)), refused("bad_key"));
    assert_eq!(publish("", "k".to_owned()), refused("bad_channel"));
    assert_eq!(publish("a\nb", "k".to_owned()), refused("bad_channel"));
    assert_eq!(publish(" a", "k".to_owned()), refused("bad_channel"));
    publish(ROOM, "\u{1}".repeat(20)).expect("any text is a key");
    let mut early = Page::new(config()); // a frame with such a key is larger than the tests' server accepts
    early.session.publish(now, ROOM.to_owned(), "k".repeat(200), "", 0).expect("200 bytes are a key");
}
