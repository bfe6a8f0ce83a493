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
    let quiet = alive.got_within(Duration::from_secs(9)).await; // it answers pings meanwhile
    assert_eq!(quiet, None, "{}", server.stderr());
    alive.round_trip().await;
    eventually("the silent client to be disconnected", || server.stderr().contains("disconnected")).await;
    assert_eq!(dead.got().await, Got::Disconnected);
}

/// The clients answer, or have nothing to answer yet: only the server is silent. There are many clients, because for
/// each of them it is random whether the server sees its answer or the timer first.
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

/// Expects silence for this long. Pings are answered.
async fn quiet(clients: &mut [Client], time: Duration) {
    let got = join_all(clients.iter_mut().map(|client| client.got_within(time))).await;
    assert!(got.iter().all(Option::is_none), "{got:?}");
}
