//! A silent client is disconnected; one that answers pings is not.

use std::time::Duration;

use futures::future::join_all;

use crate::support::{Client, Got, Server, eventually};

#[tokio::test]
async fn only_clients_that_answer_pings_stay_connected() {
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

/// Its clients answer, or have nothing to answer yet: the silence is its own. Many of them, for which it sees first,
/// their answers or the time, is drawn anew for each.
#[tokio::test]
async fn clients_survive_a_server_stall() {
    let server = Server::start(&["--heartbeat-ms", "1000"]);
    let names: Vec<_> = (0..20).map(|i| format!("c{i}")).collect();
    let mut clients = join_all(names.iter().map(|name| Client::greeted(&server, name))).await;
    server.pause();
    quiet(&mut clients, Duration::from_secs(5)).await;
    server.resume();
    quiet(&mut clients, Duration::from_millis(1500)).await;
    for client in &mut clients {
        client.round_trip().await;
    }
    assert!(!server.stderr().contains("disconnected"), "{}", server.stderr());
}

/// Nothing comes, for so long; pings are answered.
async fn quiet(clients: &mut [Client], time: Duration) {
    let got = join_all(clients.iter_mut().map(|client| client.got_within(time))).await;
    assert!(got.iter().all(Option::is_none), "{got:?}");
}
