//! Attempts, tokens, rejections, and the end.

use seamline::core::{Config, Instant};
use seamline::wire::close;

use crate::page::{Page, config, position};

fn with_token() -> Config {
    Config { has_token: true, ..config() }
}

fn answer(page: &mut Page, token: Result<&str, &str>) {
    let answer = token.map(|token| Some(token.to_owned())).map_err(str::to_owned);
    page.session.handle_token(page.now(), page.fetch, answer);
}

#[test]
fn channels_subscribe_behind_hello() {
    let mut page = Page::new(config());
    page.subscribe(Some(position("e", 5)));
    page.connect();
    assert_eq!(page.lines(), ["connecting", "connect 0"]);
    page.opened();
    assert_eq!(page.lines(), ["hello tester", "sub room e/5 credit 100"]);
    page.welcome();
    assert_eq!(page.lines(), ["open"]);
}

#[test]
fn channels_follow_the_application_before_the_welcome() {
    let mut page = Page::new(config());
    page.connect();
    page.opened();
    page.lines();
    let channel = page.subscribe(Some(position("e", 5)));
    assert_eq!(page.lines(), ["sub room e/5 credit 100"]);
    page.session.unsubscribe(page.now(), channel);
    assert_eq!(page.lines(), ["unsub room"]);
    page.welcome();
    assert_eq!(page.lines(), ["open"]);
}

/// The credit that the application frees meanwhile is for the new `sub`.
#[test]
fn credit_is_granted_before_the_welcome() {
    let (mut page, channel) = Page::live_at(0, config());
    page.msgs(1, 80);
    page.close(1006);
    page.wait_for_attempt();
    page.opened();
    page.lines();
    page.processed(channel, 80, 80);
    assert_eq!(page.lines(), ["more room 80"]);
}

#[test]
fn each_connection_subscribes_once() {
    let mut page = Page::new(config());
    page.subscribe(Some(position("e", 5)));
    page.connect();
    page.opened();
    page.close(1006);
    page.wait_for_attempt();
    page.lines();
    page.opened();
    assert_eq!(page.lines(), ["hello tester", "sub room e/5 credit 100"], "once on each connection");
}

#[test]
fn each_hello_of_a_page_load_has_the_same_lineage() {
    let mut page = Page::new(Config { lineage: Some("b a".to_owned()), ..config() });
    page.connect();
    page.greet();
    assert_eq!(page.lines()[2..], ["hello tester lineage b a", "open"]);
    page.close(1006);
    page.wait_for_attempt();
    page.lines();
    page.opened();
    assert_eq!(page.lines(), ["hello tester lineage b a"]);
}

#[test]
fn connecting_twice_connects_once() {
    let mut page = Page::new(config());
    page.connect();
    page.connect();
    assert_eq!(page.count("connect "), 1);
}

#[test]
fn a_hanging_socket_times_out_after_ten_seconds() {
    let mut page = Page::new(config());
    page.connect();
    page.wait(9_999);
    assert_eq!(page.lines(), ["connecting", "connect 0"]);
    page.wait(1);
    assert_eq!(page.lines(), ["disconnect 0 1000", "waiting 1 connect_timeout"]);
}

#[test]
fn a_missing_welcome_times_out() {
    let mut page = Page::new(config());
    page.connect();
    page.wait(6_000);
    page.opened();
    page.lines();
    page.wait(4_000);
    assert_eq!(page.lines(), ["disconnect 0 1000", "waiting 1 connect_timeout"]);
}

#[test]
fn a_failed_connection_is_retried() {
    let mut page = Page::new(config());
    page.connect();
    page.lines();
    page.close(1006);
    assert_eq!(page.lines(), ["waiting 1 connect_failed"]);
    page.wait(500);
    assert_eq!(page.lines(), ["connecting", "connect 1"]);
}

#[test]
fn a_server_restart_is_reported_as_drained() {
    let mut page = Page::open(config());
    page.close(close::SERVICE_RESTART);
    assert_eq!(page.lines(), ["waiting 0 drained"]);
    page.reconnect();
    page.lines();
    page.close(1001);
    assert_eq!(page.lines(), ["waiting 1 connection_lost"]);
    assert_eq!(page.session.stats().connects, 2);
}

#[test]
fn reports_of_an_old_socket_are_ignored() {
    let (mut page, _) = Page::live_at(5, config());
    let old = page.socket;
    page.reconnect();
    page.subd("e", 1, 5, 5);
    page.lines();
    page.msgs_on(old, 6, 2, false);
    page.session.handle_open(page.now(), old);
    page.session.handle_bad_frame(page.now(), old, "nonsense".to_owned());
    page.session.handle_close(page.now(), old, 4403, String::new());
    assert_eq!(page.lines(), [""; 0]);
}

#[test]
fn frames_before_the_welcome_are_ignored() {
    let mut page = Page::new(config());
    page.subscribe(Some(position("e", 5)));
    page.connect();
    page.opened();
    page.lines();
    page.subd("e", 1, 9, 5);
    page.msgs(6, 1);
    page.live(9);
    assert_eq!(page.lines(), [""; 0]);
}

#[test]
fn a_bad_frame_replaces_the_connection() {
    let (mut page, _) = Page::live_at(5, config());
    page.session.handle_bad_frame(page.now(), page.socket, "not JSON".to_owned());
    assert_eq!(page.lines(), ["error bad_frame", "disconnect 0 4400", "waiting 1 protocol_error"]);
}

#[test]
fn a_token_is_fetched_before_the_first_attempt() {
    let mut page = Page::new(with_token());
    page.connect();
    assert_eq!(page.lines(), ["connecting", "fetch token refresh=false"]);
    answer(&mut page, Ok("t1"));
    assert_eq!(page.lines(), ["connect 0"]);
    page.opened();
    assert_eq!(page.lines(), ["hello tester t1"]);
}

#[test]
fn a_failed_token_function_is_retried_after_the_backoff() {
    let mut page = Page::new(with_token());
    page.connect();
    page.lines();
    answer(&mut page, Err("no network"));
    assert_eq!(page.lines(), ["waiting 1 token_failed"]);
    page.wait(500);
    assert_eq!(page.lines(), ["connecting", "fetch token refresh=false"]);
}

#[test]
fn a_hanging_token_function_times_out() {
    let mut page = Page::new(with_token());
    page.connect();
    page.lines();
    page.wait(29_999);
    assert_eq!(page.lines(), [""; 0], "it has a deadline of its own");
    page.wait(1);
    assert_eq!(page.lines(), ["waiting 1 token_failed"]);
    page.wait(500);
    assert_eq!(page.lines(), ["connecting", "fetch token refresh=false"]);
}

#[test]
fn a_late_token_does_not_answer_a_later_call() {
    let mut page = Page::new(with_token());
    page.connect();
    let first = page.fetch;
    page.wait(31_000);
    page.lines();
    page.session.handle_token(page.now(), first, Ok(Some("late".to_owned())));
    assert_eq!(page.lines(), [""; 0]);
    answer(&mut page, Ok("in time"));
    page.opened();
    assert_eq!(page.lines(), ["connect 0", "hello tester in time"]);
}

#[test]
fn a_slow_token_function_is_called_once() {
    let mut page = Page::new(with_token());
    page.connect();
    page.lines();
    for _ in 0..5 {
        page.wait(2_000);
        page.session.handle_wake(page.now());
    }
    page.session.handle_suspend(page.now());
    page.session.handle_wake(page.now());
    page.wait(2_000);
    assert_eq!(page.lines(), ["waiting 0 page_hidden", "connecting"], "the call is still waited for");
    answer(&mut page, Ok("t1"));
    page.opened();
    assert_eq!(page.lines(), ["connect 0", "hello tester t1"]);
}

#[test]
fn a_late_token_is_used_by_the_next_attempt() {
    let mut page = Page::new(with_token());
    page.connect();
    page.wait(5_000);
    page.session.handle_suspend(page.now());
    answer(&mut page, Ok("t1"));
    page.lines();
    page.session.handle_wake(page.now());
    page.opened();
    assert_eq!(page.lines(), ["connecting", "connect 0", "hello tester t1"]);
}

#[test]
fn a_rejected_token_is_refreshed_once() {
    let mut page = Page::new(with_token());
    page.connect();
    answer(&mut page, Ok("t1"));
    page.opened();
    page.lines();
    page.close(4401);
    assert_eq!(page.lines(), ["waiting 1 unauthorized"]);
    page.wait(500);
    assert_eq!(page.lines(), ["connecting", "fetch token refresh=true"]);
    answer(&mut page, Ok("t2"));
    page.opened();
    page.lines();
    page.close(4401);
    assert_eq!(page.lines(), ["closed unauthorized"]);
    assert_eq!(page.session.poll_timeout(), None);
}

#[test]
fn an_expired_token_is_refreshed_every_time() {
    let mut page = Page::new(with_token());
    page.connect();
    for _ in 0..5 {
        answer(&mut page, Ok("t"));
        page.greet();
        page.wait(20_000);
        page.lines();
        page.close(4401);
        assert_eq!(page.lines(), ["waiting 1 unauthorized"]);
        page.wait(500);
        assert_eq!(page.lines(), ["connecting", "fetch token refresh=true"]);
    }
}

#[test]
fn unauthorized_without_a_token_function_ends_the_session() {
    let mut page = Page::open(config());
    page.close(4401);
    assert_eq!(page.lines(), ["closed unauthorized"]);
}

#[test]
fn forbidden_and_replaced_end_the_session() {
    for (code, line) in [(4403, "closed forbidden"), (4009, "closed replaced")] {
        let mut page = Page::open(config());
        page.close(code);
        assert_eq!(page.lines(), [line]);
        assert_eq!(page.session.poll_timeout(), None, "nothing is left to wait for");
    }
}

#[test]
fn close_4400_is_final_only_before_the_welcome() {
    let mut page = Page::new(config());
    page.connect();
    page.opened();
    page.lines();
    page.close(4400);
    assert_eq!(page.lines(), ["closed protocol_error"]);

    let mut page = Page::open(config());
    page.close(4400);
    assert_eq!(page.lines(), ["waiting 1 connection_lost"]);
}

#[test]
fn closing_ends_everything() {
    let (mut page, _) = Page::live_at(5, config());
    page.publish("k");
    page.lines();
    page.session.close(page.now());
    assert_eq!(
        page.lines(),
        ["disconnect 0 1000", "publish failed 2 closed", "closed closed_by_application"]
    );
    page.session.close(page.now());
    page.session.connect(page.now());
    page.session.handle_wake(page.now());
    assert_eq!(page.lines(), [""; 0]);
    assert_eq!(page.session.poll_timeout(), None);
}

#[test]
fn a_clock_set_back_delays_nothing() {
    let mut page = Page::new(config());
    page.connect();
    page.lines();
    let deadline = page.session.poll_timeout().unwrap();
    page.session.handle_timeout(Instant(10));
    page.session.handle_open(Instant(10), page.socket);
    assert_eq!(page.lines(), ["hello tester"]);
    assert_eq!(page.session.poll_timeout(), Some(deadline), "no deadline moves");
    page.session.handle_close(Instant(10), page.socket, 1006, String::new());
    let retry = page.session.poll_timeout().unwrap();
    assert!(retry > page.now() && retry <= page.now().after_ms(500), "{retry:?}");
}
