//! Whatever a server answers, a channel advances, waits with a growing pause, or reports a gap.

use crate::page::{Page, config};

/// Message 6 is lost, and `subd` and `live` stay at 5, whatever arrives live.
#[test]
fn messages_unknown_to_the_server_become_a_gap() {
    let (mut page, _) = Page::live_at(5, config());
    page.msgs(7, 1);
    assert_eq!(page.lines(), ["sub room e/5 credit 100"]);
    page.subd("e", 1, 5, 5);
    page.live(5);
    page.msgs(8, 1);
    assert_eq!(page.lines(), ["gap hole 6..=7, on from e/7", "deliver 8..=8"]);
    page.msgs(9, 32);
    assert_eq!(page.lines(), ["deliver 9..=40"]);
    assert_eq!(page.session.stats().gaps, 1);
}

/// The same, and nothing else arrives live.
#[test]
fn a_forgetful_server_is_asked_with_growing_pauses() {
    let (mut page, _) = Page::live_at(5, config());
    page.msgs(7, 1);
    for pause_ms in [250, 500, 1_000] {
        assert_eq!(page.lines(), ["sub room e/5 credit 100"]);
        page.subd("e", 1, 5, 5);
        page.live(5);
        page.wait(pause_ms - 1);
        assert_eq!(page.lines(), [""; 0], "{pause_ms}");
        page.wait(1);
    }
    page.lines();
    page.subd("e", 1, 5, 5);
    page.live(5);
    assert_eq!(page.lines(), ["gap hole 6..=7, on from e/7", "live"]);
    page.wait(20_000);
    assert_eq!(page.count("sub"), 0);
}

#[test]
fn a_lagging_node_loses_nothing() {
    let (mut page, _) = Page::live_at(5, config());
    page.msgs(7, 1);
    page.subd("e", 1, 5, 5);
    page.live(5);
    page.wait(300);
    page.lines();
    page.subd("e", 1, 7, 5);
    page.replay(6, 2);
    page.live(7);
    assert_eq!(page.lines(), ["deliver 6..=7", "live"]);
    assert_eq!((page.session.stats().gaps, page.session.stats().repairs), (0, 1));
}

#[test]
fn late_messages_end_the_wait() {
    let (mut page, _) = Page::live_at(5, config());
    page.msgs(7, 1);
    page.subd("e", 1, 5, 5);
    page.live(5);
    page.lines();
    page.msgs(6, 3);
    assert_eq!(page.lines(), ["deliver 6..=8"]);
}
