//! The seam: frames that wait for the replay, and messages that are missing after it.

use crate::page::{Page, config};

#[test]
fn live_frames_wait_for_the_replay() {
    let mut page = Page::replaying(9);
    page.msgs(10, 1);
    page.replay(6, 2);
    page.msgs(11, 2);
    assert_eq!(page.lines(), ["deliver 6..=7"]);
    page.replay(8, 2);
    page.live(9);
    assert_eq!(page.lines(), ["deliver 8..=9", "deliver 10..=10", "deliver 11..=12", "live"]);
}

#[test]
fn replayed_messages_are_not_delivered_again_from_the_buffer() {
    let mut page = Page::replaying(9);
    page.msgs(10, 2);
    page.replay(6, 5);
    page.live(10);
    assert_eq!(page.lines(), ["deliver 6..=10", "deliver 11..=11", "live"]);
}

#[test]
fn frames_beyond_the_buffer_are_fetched_again() {
    let mut page = Page::replaying(9);
    page.msgs(10, 290);
    page.msgs(300, 11);
    page.replay(6, 4);
    page.live(9);
    assert_eq!(page.lines(), ["deliver 6..=9", "deliver 10..=299", "sub room e/299 credit 0"]);
    page.subd("e", 1, 301, 299);
    page.replay(300, 2);
    page.live(301);
    assert_eq!(page.lines(), ["deliver 300..=301", "live"]);
    assert_eq!(page.session.stats().gaps, 0);
}

/// A node that lags ends its replay early. The messages that it did not have arrive live, and are too many to buffer.
#[test]
fn dropped_live_frames_are_no_gap() {
    let (mut page, _) = Page::live_at(5, config());
    page.msgs(8, 1);
    page.subd("e", 1, 5, 5);
    page.lines();
    page.msgs(8, 301);
    page.live(5);
    assert_eq!(page.lines(), ["gap hole 6..=7, on from e/7", "sub room e/7 credit 100"]);
    page.subd("e", 1, 308, 7);
    page.replay(8, 100);
    assert_eq!(page.lines(), ["deliver 8..=107"]);
}

/// Whatever ends the replay, the counters still add up.
#[test]
fn dropped_buffered_frames_are_counted() {
    type End = fn(&mut Page);
    let ends: [(&str, End); 4] = [
        ("the connection", |page| page.close(1006)),
        ("the epoch", |page| page.subd("f", 1, 20, 0)),
        ("a hole", |page| page.replay(9, 1)),
        ("the log", |page| page.error(Some("room"), Some(1_000))),
    ];
    for (what, end) in ends {
        let mut page = Page::replaying(20);
        page.msgs(21, 3);
        assert_eq!(page.session.stats().discarded, 0, "buffered");
        end(&mut page);
        let stats = page.session.stats();
        assert_eq!(stats.discarded, stats.received, "{what} ended the replay");
    }
}

#[test]
fn a_hole_is_requested_once_and_repaired() {
    let (mut page, _) = Page::live_at(5, config());
    page.msgs(8, 1);
    assert_eq!(page.lines(), ["sub room e/5 credit 100"]);
    page.msgs(9, 1);
    page.live(9);
    assert_eq!(page.lines(), [""; 0], "frames of the earlier `sub` are dropped");
    page.subd("e", 1, 9, 5);
    page.replay(6, 4);
    page.live(9);
    assert_eq!(page.lines(), ["deliver 6..=9", "live"]);
    assert_eq!(page.session.stats().repairs, 1);
}

#[test]
fn a_hole_skipped_twice_is_a_gap() {
    let (mut page, _) = Page::live_at(5, config());
    page.msgs(8, 1);
    page.subd("e", 1, 8, 5);
    page.lines();
    page.replay(8, 1);
    page.live(8);
    assert_eq!(page.lines(), ["gap hole 6..=7, on from e/7", "deliver 8..=8", "live"]);
    assert_eq!(page.session.stats().gaps, 1);
}

/// The server fell back to the log for a while, and sends live messages again.
#[test]
fn a_second_live_reveals_missing_messages() {
    let (mut page, _) = Page::live_at(5, config());
    page.live(5);
    assert_eq!(page.lines(), ["live"]);
    page.live(7);
    assert_eq!(page.lines(), ["sub room e/5 credit 100"]);
}

#[test]
fn each_hole_is_requested() {
    let (mut page, _) = Page::live_at(5, config());
    page.msgs(7, 1);
    page.subd("e", 1, 7, 5);
    page.replay(6, 2);
    page.live(7);
    page.lines();
    page.msgs(9, 1);
    assert_eq!(page.lines(), ["sub room e/7 credit 98"]);
}

#[test]
fn a_replay_that_ends_early_is_a_hole() {
    let mut page = Page::replaying(9);
    page.replay(6, 2);
    page.live(9);
    assert_eq!(page.lines(), ["deliver 6..=7", "sub room e/7 credit 98"]);
    page.subd("e", 1, 9, 7);
    page.live(9);
    assert_eq!(page.lines(), ["gap hole 8..=9, on from e/9", "live"]);
}

#[test]
fn a_buffered_frame_behind_a_hole_is_requested() {
    let mut page = Page::replaying(7);
    page.msgs(9, 1);
    page.replay(6, 2);
    page.live(7);
    assert_eq!(page.lines(), ["deliver 6..=7", "sub room e/7 credit 98"]);
}

/// There is no room to buffer the first frame, but the log may still have it.
#[test]
fn a_hole_loses_no_dropped_frame() {
    let mut page = Page::replaying(20);
    page.live(20);
    page.lines();
    page.subd("e", 1, 20, 5);
    page.msgs(21, 301);
    page.live(20);
    assert_eq!(page.lines(), ["gap hole 6..=20, on from e/20", "sub room e/20 credit 100"]);
}

#[test]
fn a_hole_before_a_buffered_frame_loses_no_dropped_frame() {
    let mut page = Page::replaying(20);
    page.live(20);
    page.subd("e", 1, 20, 5);
    page.lines();
    page.msgs(21, 301);
    page.msgs(322, 1);
    page.live(20);
    assert_eq!(page.lines(), ["gap hole 6..=20, on from e/20", "sub room e/20 credit 100"]);
}
