//! The position that the server stores: processed, not received.

use seamline::wire::Position;

use crate::page::{Page, config, position};

#[test]
fn unprocessed_messages_are_not_acknowledged() {
    let (mut page, _) = Page::live_at(5, config());
    page.msgs(6, 3);
    page.wait(20_000);
    page.session.handle_hide(page.now());
    assert_eq!(page.lines(), ["deliver 6..=8"]);
}

#[test]
fn acks_are_coalesced() {
    let (mut page, channel) = Page::live_at(5, config());
    page.msgs(6, 3);
    page.lines();
    for offset in 6..=8 {
        page.processed(channel, 1, offset);
        page.wait(1_000);
    }
    assert_eq!(page.lines(), [""; 0]);
    page.wait(2_000);
    assert_eq!(page.lines(), ["ack room e/8"]);
    page.wait(10_000);
    assert_eq!(page.lines(), [""; 0]);
}

#[test]
fn hiding_acknowledges_immediately() {
    let (mut page, channel) = Page::live_at(5, config());
    page.msgs(6, 3);
    page.lines();
    page.processed(channel, 2, 7);
    page.session.handle_hide(page.now());
    assert_eq!(page.lines(), ["ack room e/7"]);
}

#[test]
fn unsubscribing_and_closing_acknowledge_first() {
    let (mut page, channel) = Page::live_at(5, config());
    page.msgs(6, 1);
    page.lines();
    page.processed(channel, 1, 6);
    page.session.unsubscribe(page.now(), channel);
    assert_eq!(page.lines(), ["ack room e/6", "unsub room"]);

    let (mut page, channel) = Page::live_at(5, config());
    page.msgs(6, 1);
    page.lines();
    page.processed(channel, 1, 6);
    page.session.close(page.now());
    assert_eq!(page.lines(), ["ack room e/6", "disconnect 0 1000", "closed closed_by_application"]);
}

#[test]
fn offline_progress_is_acknowledged_after_reconnecting() {
    let (mut page, channel) = Page::live_at(5, config());
    page.msgs(6, 1);
    page.close(1006);
    page.processed(channel, 1, 6);
    page.wait(10_000);
    page.greet();
    page.subd("e", 1, 6, 6);
    page.live(6);
    page.lines();
    page.wait(5_000);
    assert_eq!(page.lines(), ["ack room e/6"]);
}

#[test]
fn positions_of_another_epoch_are_not_acknowledged() {
    let (mut page, channel) = Page::live_at(5, config());
    page.msgs(6, 1);
    page.subd("f", 1, 0, 0);
    page.lines();
    page.processed(channel, 1, 6);
    page.wait(20_000);
    assert_eq!(page.lines(), [""; 0]);
}

/// Messages from before a rewind say nothing about the log that reuses their offsets.
#[test]
fn positions_from_before_a_rewind_are_not_acknowledged() {
    let (mut page, channel) = Page::live_at(5, config());
    page.msgs(6, 4);
    page.processed(channel, 2, 7);
    page.subd("e", 1, 3, 3);
    page.live(3);
    page.msgs(4, 6);
    page.lines();
    page.processed(channel, 1, 8);
    page.processed(channel, 1, 9);
    page.wait(5_000);
    assert_eq!(page.lines(), ["ack room e/3"]);
    page.processed(channel, 0, 3); // the gap
    page.processed(channel, 1, 4);
    page.wait(5_000);
    assert_eq!(page.lines(), ["ack room e/4"]);
}

/// A position of an earlier epoch says nothing about a rewound log, however large its offset.
#[test]
fn queued_messages_are_not_acknowledged_after_a_rewind() {
    let (mut page, _) = Page::live_at(100, config());
    page.subd("f", 1, 10, 0);
    page.replay(1, 10);
    page.subd("f", 1, 5, 5);
    page.live(5);
    page.lines();
    page.session.handle_hide(page.now());
    page.wait(5_000);
    assert_eq!(page.lines(), [""; 0], "1..=5 still wait for the application");
}

/// Two gaps wait. When the first is processed, the log has reused the offset that it names.
#[test]
fn gaps_from_before_a_rewind_are_not_acknowledged() {
    let (mut page, channel) = Page::live_at(5, config());
    page.subd("e", 8, 10, 7); // trimmed: continues after 7
    page.live(10);
    page.subd("e", 1, 3, 3); // rewound: continues after 3
    page.live(3);
    page.msgs(4, 6);
    page.lines();
    page.processed(channel, 0, 7);
    page.session.handle_hide(page.now());
    assert!(!page.lines().contains(&"ack room e/7".to_owned()), "4..=7 still wait for the application");
    page.processed(channel, 0, 3);
    page.processed(channel, 1, 4);
    page.session.handle_hide(page.now());
    assert_eq!(page.lines(), ["ack room e/4"]);
}

#[test]
fn an_ack_due_during_a_replay_follows_it() {
    let (mut page, channel) = Page::live_at(5, config());
    page.msgs(6, 1);
    page.processed(channel, 1, 6);
    page.wait(4_000);
    page.msgs(8, 1);
    page.wait(2_000);
    page.lines();
    page.subd("e", 1, 8, 6);
    page.replay(7, 2);
    page.live(8);
    page.wait(5_000);
    assert_eq!(page.lines(), ["deliver 7..=8", "live", "ack room e/6"]);
}

#[test]
fn acks_carry_the_id_and_the_offset() {
    let (mut page, channel) = Page::live_at(5, config());
    page.msgs(6, 1);
    page.lines();
    let at = Position { id: Some(crate::page::id(6)), ..position("e", 6) };
    page.session.processed(page.now(), channel, 1, at);
    page.session.handle_hide(page.now());
    assert_eq!(page.lines(), ["ack room e/6"]);
}

/// The client cannot know whether the ack arrived.
#[test]
fn the_last_ack_is_repeated_after_a_reconnect() {
    let (mut page, channel) = Page::live_at(5, config());
    page.msgs(6, 1);
    page.processed(channel, 1, 6);
    page.session.handle_hide(page.now());
    assert_eq!(page.lines(), ["deliver 6..=6", "ack room e/6"]);
    page.reconnect();
    page.subd("e", 1, 6, 6);
    page.live(6);
    page.lines();
    page.wait(5_000);
    assert_eq!(page.lines(), ["ack room e/6"]);
}
