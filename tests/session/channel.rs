//! Subscribing, unsubscribing, and what the server says about one channel.

use seamline::wire::{Position, ServerFrame, StartAt};

use crate::page::{FRAME_BYTES_MAX, Page, ROOM, config, position};

#[test]
fn a_channel_is_subscribed_once() {
    let (mut page, _) = Page::live_at(5, config());
    let again = page.session.subscribe(page.now(), ROOM.to_owned(), None, None);
    assert_eq!(again.unwrap_err().code, "already_subscribed");
}

#[test]
fn no_events_follow_an_unsubscribe() {
    let (mut page, channel) = Page::live_at(5, config());
    page.session.unsubscribe(page.now(), channel);
    page.lines();
    page.msgs(6, 1);
    page.live(6);
    page.processed(channel, 1, 6);
    page.session.unsubscribe(page.now(), channel);
    assert_eq!(page.lines(), [""; 0]);
    page.reconnect();
    assert_eq!(page.count("sub "), 0);
}

#[test]
fn frames_of_an_earlier_subscription_are_dropped() {
    let (mut page, channel) = Page::live_at(5, config());
    page.session.unsubscribe(page.now(), channel);
    page.subscribe_from(StartAt::Start);
    assert_eq!(page.lines(), ["unsub room", "sub room from Some(Start) credit 100"]);
    page.msgs(6, 1);
    page.live(6);
    assert_eq!(page.lines(), [""; 0]);
    page.subd("e", 1, 6, 0);
    page.replay(1, 6);
    page.live(6);
    assert_eq!(page.lines(), ["attached e/0", "deliver 1..=6", "live"]);
}

/// Closed and reopened within one round trip: the answers to both are in transit.
#[test]
fn answers_to_an_earlier_subscription_are_ignored() {
    let mut page = Page::open(config());
    let tail = page.subscribe_from(StartAt::Tail);
    page.session.unsubscribe(page.now(), tail);
    page.subscribe_from(StartAt::Start);
    page.lines();
    page.subd_of(Some(1), "e", 1, 7, (None, 7));
    page.live(7);
    assert_eq!(page.lines(), [""; 0]);
    page.subd_of(Some(2), "e", 1, 7, (None, 0));
    page.replay(1, 7);
    page.live(7);
    assert_eq!(page.lines(), ["attached e/0", "deliver 1..=7", "live"]);
}

#[test]
fn a_subscription_continues_from_a_position() {
    let (mut page, channel) = Page::live_at(5, config());
    page.session.unsubscribe(page.now(), channel);
    page.lines();
    page.subscribe(Some(position("e", 4)));
    page.subd("e", 1, 5, 4);
    page.replay(5, 1);
    assert_eq!(page.lines(), ["sub room e/4 credit 100", "deliver 5..=5"]);
}

#[test]
fn a_position_without_id_sends_its_offset() {
    let mut page = Page::open(config());
    page.subscribe(Some(Position { id: None, ..position("e", 7) }));
    assert_eq!(page.lines(), ["sub room e/7 credit 100"]);
}

#[test]
fn a_rejected_channel_subscribes_on_the_next_connection() {
    let mut page = Page::open(config());
    page.subscribe(None);
    page.lines();
    page.error(Some(ROOM), None);
    assert_eq!(page.lines(), ["error log_error"]);
    page.subd("e", 1, 5, 5);
    assert_eq!(page.lines(), [""; 0], "there is no subscription that this could be the answer to");
    page.wait(100_000);
    assert_eq!(page.count("sub "), 0);
    page.reconnect();
    assert_eq!(page.count("sub "), 1);
}

/// The server's log failed for a moment: the connection is healthy, but the subscription has ended.
#[test]
fn a_suspended_subscription_resumes_after_its_pause() {
    let (mut page, _) = Page::live_at(5, config());
    page.error(Some(ROOM), Some(1_000));
    assert_eq!(page.lines(), ["error log_error"]);
    page.msgs(7, 1);
    page.wait(999);
    assert_eq!(page.lines(), [""; 0]);
    page.wait(1);
    assert_eq!(page.lines(), ["sub room e/5 credit 100"]);
    page.subd("e", 1, 7, 5);
    page.replay(6, 2);
    page.live(7);
    assert_eq!(page.lines(), ["deliver 6..=7", "live"]);
}

#[test]
fn a_reconnect_ends_a_suspended_subscription() {
    let mut page = Page::open(config());
    page.subscribe(None);
    page.error(Some(ROOM), Some(0));
    assert_eq!(page.count("sub "), 1);
    page.wait(100);
    assert_eq!(page.count("sub "), 1, "no sooner than after 100 ms");
    page.error(Some(ROOM), Some(60_000));
    page.reconnect();
    page.subd("e", 1, 0, 0);
    page.live(0);
    page.lines();
    for _ in 0..10 {
        page.wait(10_000);
        page.frame(ServerFrame::Pong);
    }
    assert_eq!(page.count("sub "), 0);
}

#[test]
fn casts_pass_both_ways() {
    let (mut page, _) = Page::live_at(5, config());
    page.session.cast(page.now(), ROOM.to_owned(), "typing", 8, 0).unwrap();
    page.frame(ServerFrame::Cast { ch: ROOM.to_owned(), data: "hello" });
    assert_eq!(page.lines(), ["cast room typing", "cast hello"]);
}

#[test]
fn casts_without_a_connection_are_dropped() {
    let mut page = Page::new(config());
    page.session.cast(page.now(), ROOM.to_owned(), "typing", 8, 0).unwrap();
    page.connect();
    page.greet();
    page.session.cast(page.now(), ROOM.to_owned(), "typing", 8, 1 << 20).unwrap();
    assert_eq!(page.count("cast"), 0);
}

#[test]
fn oversized_casts_are_rejected() {
    let mut page = Page::open(config());
    let refused = page.session.cast(page.now(), ROOM.to_owned(), "typing", FRAME_BYTES_MAX, 0);
    assert_eq!(refused.unwrap_err().code, "too_large");
    let fits = FRAME_BYTES_MAX - 6 * ROOM.len() as u64 - 40;
    page.session.cast(page.now(), ROOM.to_owned(), "typing", fits, 0).unwrap();
    assert_eq!(page.lines(), ["cast room typing"]);
}

#[test]
fn a_closed_session_rejects_casts() {
    let mut page = Page::open(config());
    page.session.close(page.now());
    page.lines();
    let refused = page.session.cast(page.now(), ROOM.to_owned(), "typing", 8, 0);
    assert_eq!(refused.unwrap_err().code, "closed");
    assert_eq!(page.lines(), [""; 0]);
}
