//! A subscription for ephemeral events only.

use seamline::wire::ServerFrame;

use crate::page::{Page, ROOM, config};

fn cast(page: &mut Page) {
    page.frame(ServerFrame::Cast { ch: ROOM.to_owned(), data: "hi" });
}

#[test]
fn messages_do_not_block_cast_subscriptions() {
    let mut page = Page::open(config());
    page.session.subscribe_to_casts(page.now(), ROOM.to_owned()).unwrap();
    assert_eq!(page.lines(), ["sub room from Some(Tail) credit 0"]);
    assert_eq!(page.ahead, None);
    page.subd("e", 1, 2_000, 2_000);
    page.live(2_000);
    page.msgs(2_001, 10_000);
    cast(&mut page);
    assert_eq!(page.lines(), ["live", "cast hi"]);
}

#[test]
fn cast_subscriptions_return_after_a_reconnect() {
    let mut page = Page::open(config());
    page.session.subscribe_to_casts(page.now(), ROOM.to_owned()).unwrap();
    page.subd("e", 1, 7, 7);
    page.live(7);
    page.reconnect();
    assert_eq!(page.last_sub(), "sub room from Some(Tail) credit 0");
    page.subd("f", 1, 3, 3);
    page.live(3);
    assert_eq!(page.lines(), ["live"], "no gap: no message is missed");
}
