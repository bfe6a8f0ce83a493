//! A client that has gone without a word is dropped; one that answers pings is kept.

use std::time::Duration;

use crate::support::{Client, Got, Server, eventually};

#[tokio::test]
async fn a_client_that_answers_pings_is_kept_and_one_that_does_not_is_dropped() {
    let server = Server::start(&["--heartbeat-ms", "2000"]);
    // Nobody reads this socket, so nobody answers the pings that arrive there.
    let mut dead = Client::greeted(&server, "dead").await;
    let mut alive = Client::greeted(&server, "alive").await;
    let quiet = alive.got_within(Duration::from_secs(9)).await; // answers pings meanwhile
    assert_eq!(quiet, None, "{}", server.stderr());
    alive.round_trip().await;
    eventually("the silent one to be dropped", || server.stderr().contains("disconnected")).await;
    assert_eq!(dead.got().await, Got::Cut);
}

/// Its clients answer, or have nothing to answer yet: the silence is its own.
#[tokio::test]
async fn a_server_that_stood_still_drops_nobody() {
    let server = Server::start(&["--heartbeat-ms", "1000"]);
    let mut client = Client::greeted(&server, "c").await;
    server.pause();
    let quiet = client.got_within(Duration::from_secs(5)).await;
    server.resume();
    assert_eq!(quiet, None, "{}", server.stderr());
    assert_eq!(client.got_within(Duration::from_millis(1500)).await, None);
    client.round_trip().await;
}
