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
fn after_unsubscribing_nothing_is_told() {
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
fn frames_of_an_earlier_subscription_are_not_delivered_to_a_new_one() {
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

/// Closed and opened again within one round trip: the answers to both are still to come.
#[test]
fn an_answer_to_an_earlier_subscription_is_no_answer_to_the_new_one() {
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
fn a_subscription_goes_on_where_another_was_left() {
    let (mut page, channel) = Page::live_at(5, config());
    page.session.unsubscribe(page.now(), channel);
    page.lines();
    page.subscribe(Some(position("e", 4)));
    page.subd("e", 1, 5, 4);
    page.replay(5, 1);
    assert_eq!(page.lines(), ["sub room e/4 credit 100", "deliver 5..=5"]);
}

#[test]
fn a_position_of_an_unknown_id_is_sent_with_its_offset() {
    let mut page = Page::open(config());
    page.subscribe(Some(Position { id: None, ..position("e", 7) }));
    assert_eq!(page.lines(), ["sub room e/7 credit 100"]);
}

#[test]
fn a_refused_channel_is_told_and_asked_for_again_on_the_next_connection() {
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

/// The server's log failed for a moment: the connection is well, but the subscription has ended.
#[test]
fn a_subscription_that_the_server_ends_for_a_while_is_taken_up_again() {
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
fn a_pause_for_a_subscription_ends_with_the_connection() {
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
fn ephemeral_events_pass_through_both_ways() {
    let (mut page, _) = Page::live_at(5, config());
    page.session.cast(page.now(), ROOM.to_owned(), "typing", 8, 0).unwrap();
    page.frame(ServerFrame::Cast { ch: ROOM.to_owned(), data: "hello" });
    assert_eq!(page.lines(), ["cast room typing", "cast hello"]);
}

#[test]
fn ephemeral_events_do_not_wait() {
    let mut page = Page::new(config());
    page.session.cast(page.now(), ROOM.to_owned(), "typing", 8, 0).unwrap();
    page.connect();
    page.greet();
    page.session.cast(page.now(), ROOM.to_owned(), "typing", 8, 1 << 20).unwrap();
    assert_eq!(page.count("cast"), 0);
}

#[test]
fn an_ephemeral_event_that_is_larger_than_the_server_takes_is_refused() {
    let mut page = Page::open(config());
    let refused = page.session.cast(page.now(), ROOM.to_owned(), "typing", FRAME_BYTES_MAX, 0);
    assert_eq!(refused.unwrap_err().code, "too_large");
    let fits = FRAME_BYTES_MAX - 6 * ROOM.len() as u64 - 40;
    page.session.cast(page.now(), ROOM.to_owned(), "typing", fits, 0).unwrap();
    assert_eq!(page.lines(), ["cast room typing"]);
}

#[test]
fn a_closed_session_casts_nothing_and_says_so() {
    let mut page = Page::open(config());
    page.session.close(page.now());
    page.lines();
    let refused = page.session.cast(page.now(), ROOM.to_owned(), "typing", 8, 0);
    assert_eq!(refused.unwrap_err().code, "closed");
    assert_eq!(page.lines(), [""; 0]);
}
