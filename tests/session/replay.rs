//! The seam: the overlap, and what the log has lost.

use seamline::wire::StartAt;

use crate::page::{Page, config, position};

#[test]
fn a_replay_continues_into_the_live_stream() {
    let mut page = Page::replaying(8);
    page.replay(6, 3);
    page.live(8);
    page.msgs(9, 2);
    assert_eq!(page.lines(), ["deliver 6..=8", "live", "deliver 9..=10"]);
}

#[test]
fn overlapping_messages_are_dropped() {
    let mut page = Page::replaying(8);
    page.replay(1, 8);
    page.live(8);
    page.msgs(7, 2);
    page.msgs(8, 3);
    assert_eq!(page.lines(), ["deliver 6..=8", "live", "deliver 9..=10"]);
    assert_eq!(page.session.stats().duplicates, 5 + 2 + 1);
}

#[test]
fn the_server_chooses_a_missing_position() {
    let mut page = Page::open(config());
    page.subscribe_from(StartAt::Start);
    assert_eq!(page.lines(), ["sub room from Some(Start) credit 100"]);
    page.subd("e", 4, 9, 3);
    page.replay(4, 6);
    assert_eq!(page.lines(), ["attached e/3", "deliver 4..=9"]);
}

#[test]
fn a_stored_trimmed_position_is_a_gap() {
    let mut page = Page::open(config());
    page.subscribe(None);
    page.lines();
    page.subd("e", 8, 9, 5);
    page.replay(8, 2);
    assert_eq!(page.lines(), ["attached e/5", "gap trimmed 6..=7, on from e/7", "deliver 8..=9"]);
}

/// The server knows where this client was, but its log is another one now.
#[test]
fn a_stored_position_of_another_epoch_is_a_gap() {
    let mut page = Page::open(config());
    page.subscribe(None);
    page.lines();
    page.subd_of(None, "f", 1, 3, (Some("e"), 9));
    page.replay(1, 3);
    assert_eq!(page.lines(), ["attached e/9", "gap epoch_changed 10.., on from f/0", "deliver 1..=3"]);
}

#[test]
fn a_stored_position_beyond_the_log_is_a_gap() {
    let mut page = Page::open(config());
    page.subscribe(None);
    page.lines();
    page.subd("e", 1, 5, 9);
    page.live(5);
    page.msgs(6, 1);
    assert_eq!(page.lines(), ["attached e/9", "gap rewound 6..=9, on from e/5", "live", "deliver 6..=6"]);
}

#[test]
fn a_trimmed_position_is_a_gap() {
    let mut page = Page::open(config());
    page.subscribe(Some(position("e", 5)));
    page.lines();
    page.subd("e", 9, 12, 8);
    page.replay(9, 4);
    page.live(12);
    assert_eq!(page.lines(), ["gap trimmed 6..=8, on from e/8", "deliver 9..=12", "live"]);
}

#[test]
fn an_emptied_log_is_a_gap() {
    let mut page = Page::open(config());
    page.subscribe(Some(position("e", 5)));
    page.lines();
    page.subd("e", 13, 12, 12);
    page.live(12);
    assert_eq!(page.lines(), ["gap trimmed 6..=12, on from e/12", "live"]);
}

#[test]
fn a_new_epoch_is_a_gap_and_starts_over() {
    let mut page = Page::open(config());
    page.subscribe(Some(position("e", 5)));
    page.lines();
    page.subd("f", 1, 3, 0);
    page.replay(1, 3);
    page.live(3);
    assert_eq!(page.lines(), ["gap epoch_changed 6.., on from f/0", "deliver 1..=3", "live"]);
}

#[test]
fn a_new_epoch_starts_at_its_first_message() {
    let mut page = Page::open(config());
    page.subscribe(Some(position("e", 9)));
    page.lines();
    page.subd("f", 3, 5, 2);
    page.replay(3, 3);
    page.live(5);
    assert_eq!(page.lines(), ["gap epoch_changed 10.., on from f/2", "deliver 3..=5", "live"]);
}

#[test]
fn an_epoch_may_change_while_live() {
    let (mut page, _) = Page::live_at(5, config());
    page.subd("f", 1, 1, 0);
    page.replay(1, 1);
    page.live(1);
    assert_eq!(page.lines(), ["gap epoch_changed 6.., on from f/0", "deliver 1..=1", "live"]);
}

#[test]
fn a_rewound_log_is_a_gap() {
    let mut page = Page::open(config());
    page.subscribe(Some(position("e", 5)));
    page.lines();
    page.subd("e", 1, 3, 3);
    page.live(3);
    page.msgs(4, 2);
    assert_eq!(page.lines(), ["gap rewound 4..=5, on from e/3", "live", "deliver 4..=5"]);
}

#[test]
fn a_complete_replay_is_no_gap() {
    let (mut page, _) = Page::live_at(5, config());
    for head in 6..30 {
        page.msgs(head, 1);
        page.reconnect();
        page.subd("e", 1, head, head);
        page.live(head);
    }
    assert_eq!(page.session.stats().gaps, 0);
    assert_eq!(page.count("deliver"), 24);
}

#[test]
fn a_reconnect_continues_from_the_last_delivery() {
    let (mut page, _) = Page::live_at(5, config());
    page.msgs(6, 2);
    page.lines();
    page.reconnect();
    assert_eq!(page.last_sub(), "sub room e/7 credit 98");
}
