//! An answer does not affect a later request: rejections, the channel limit, drain hints.

use seamline::wire::ServerFrame;

use crate::page::{Page, ROOM, config, position};

const OVER_LIMIT: &str = "too_many_channels";

#[test]
fn an_earlier_refusal_does_not_end_a_later_subscription() {
    let mut page = Page::open(config());
    let first = page.subscribe(Some(position("e", 5)));
    page.session.unsubscribe(page.now(), first);
    page.subscribe(Some(position("e", 5)));
    page.lines();
    page.error_of(OVER_LIMIT, Some(ROOM), Some(1), None);
    assert_eq!(page.lines(), [""; 0], "no publication waits for that answer");
    page.subd_of(Some(2), "e", 1, 6, (None, 5));
    page.replay(6, 1);
    page.live(6);
    assert_eq!(page.lines(), ["deliver 6..=6", "live"]);
}

#[test]
fn an_earlier_live_does_not_end_a_later_replay() {
    let mut page = Page::open(config());
    page.subscribe(Some(position("e", 5)));
    page.subd_of(Some(1), "e", 1, 9, (None, 5));
    page.lines();
    page.frame(ServerFrame::Live { ch: ROOM.to_owned(), head: 9, reference: Some(7) });
    assert_eq!(page.lines(), [""; 0]);
}

#[test]
fn a_freed_slot_subscribes_a_channel_over_the_limit() {
    let mut page = Page::open(config());
    let other = page.session.subscribe(page.now(), "other".to_owned(), None, None).unwrap();
    page.subscribe(Some(position("e", 5)));
    page.lines();
    page.error_of(OVER_LIMIT, Some(ROOM), Some(2), None);
    assert_eq!(page.lines(), ["error too_many_channels"]);
    page.session.unsubscribe(page.now(), other);
    assert_eq!(page.lines(), ["unsub other", "sub room e/5 credit 100"]);
}

#[test]
fn a_channel_over_the_limit_subscribes_on_the_next_connection() {
    let mut page = Page::open(config());
    page.subscribe(Some(position("e", 5)));
    page.error_of(OVER_LIMIT, Some(ROOM), Some(1), None);
    page.reconnect();
    assert_eq!(page.count("sub room"), 2);
}

#[test]
fn a_freed_slot_does_not_retry_rejected_channels() {
    let mut page = Page::open(config());
    let other = page.session.subscribe(page.now(), "other".to_owned(), None, None).unwrap();
    page.subscribe(Some(position("e", 5)));
    page.error_of("forbidden", Some(ROOM), Some(2), None);
    page.lines();
    page.session.unsubscribe(page.now(), other);
    assert_eq!(page.lines(), ["unsub other"]);
}

#[test]
fn the_longest_retry_hint_counts() {
    for later in [Some(1), None] {
        let mut page = Page::open(config());
        page.frame(ServerFrame::Drain { reconnect_in_ms: 15_000 });
        page.error(None, later);
        page.close(1012);
        page.wait(14_999);
        assert_eq!(page.count("connecting"), 0, "{later:?}");
        page.wait(1);
        assert_eq!(page.count("connecting"), 1, "{later:?}");
    }
}

#[test]
fn channel_errors_do_not_delay_the_reconnect() {
    let mut page = Page::open(config());
    page.close(1006);
    page.wait_for_attempt();
    page.opened();
    page.lines();
    page.error(None, Some(15_000));
    page.error(Some(ROOM), Some(1));
    page.close(1012);
    page.wait(14_999);
    assert_eq!(page.count("connecting"), 0);
}
