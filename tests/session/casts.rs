//! A subscription for ephemeral events only.

use seamline::wire::{ServerFrame, StartAt};

use crate::page::{Page, ROOM, config};

fn cast(page: &mut Page) {
    page.frame(ServerFrame::Cast { ch: ROOM.to_owned(), data: "hi" });
}

#[test]
fn who_wants_no_messages_is_not_blocked_by_them() {
    let mut page = Page::open(config());
    let from = Some(StartAt::Start);
    page.session.subscribe_to_casts(page.now(), ROOM.to_owned(), from, None).unwrap();
    assert_eq!(page.lines(), ["sub room from Some(Tail) credit 0"]);
    page.subd("e", 1, 2_000, 2_000);
    page.live(2_000);
    page.msgs(2_001, 10_000);
    cast(&mut page);
    assert_eq!(page.lines(), ["live", "cast hi"]);
}

#[test]
fn messages_begin_at_the_start_point_when_they_are_wanted() {
    let mut page = Page::open(config());
    let from = Some(StartAt::Start);
    let channel = page.session.subscribe_to_casts(page.now(), ROOM.to_owned(), from, None).unwrap();
    page.subd("e", 1, 2_000, 2_000);
    page.live(2_000);
    page.lines();
    page.session.want_messages(page.now(), channel);
    page.session.want_messages(page.now(), channel);
    assert_eq!(page.lines(), ["sub room from Some(Start) credit 100"]);
    page.subd("e", 1, 2_000, 0);
    page.replay(1, 1);
    assert_eq!(page.lines(), ["attached e/0", "deliver 1..=1"]);
}

#[test]
fn messages_wanted_without_a_connection_come_with_the_next() {
    let mut page = Page::open(config());
    let channel = page.session.subscribe_to_casts(page.now(), ROOM.to_owned(), None, None).unwrap();
    page.close(1006);
    page.session.want_messages(page.now(), channel);
    page.lines();
    page.wait_for_attempt();
    page.greet();
    assert_eq!(page.lines().last().unwrap(), "sub room from None credit 100");
}
