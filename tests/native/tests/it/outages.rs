//! The server is killed, or its connections fail, and no message is lost or repeated.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use futures::{SinkExt, StreamExt};
use seamline::{ReasonCode, StartFrom, State};
use seamline_test_support::link::Link;
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::Message;

use crate::server::{Scripted, Server};
use crate::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_neither_loses_nor_repeats_messages() {
    const MESSAGES: u64 = 150;
    const PER_KILL: u64 = 50;
    let mut server = Server::start(&[]).await;
    let url = server.url();
    let reader = at(&url).connect().unwrap();
    let mut channel = reader.channel("room", StartFrom::Start).unwrap();
    let publisher = at(&url).connect().unwrap();
    // The publisher is never so far ahead that a kill comes after the messages.
    let may_publish = Arc::new(Semaphore::new(PER_KILL as usize + 10));
    let allowed = Arc::clone(&may_publish);
    let publishing = tokio::spawn(async move {
        for number in 1..=MESSAGES {
            allowed.acquire().await.unwrap().forget();
            let at = publisher.publish("room", &number).await.unwrap();
            assert_eq!(at.offset, number);
        }
    });
    for number in 1..=MESSAGES {
        let message = next_message(&mut channel).await;
        assert_eq!((message.offset, message.json::<u64>().unwrap()), (number, number));
        if number % PER_KILL == 0 {
            server.kill().await;
            server.restart().await;
            may_publish.add_permits(PER_KILL as usize);
        }
    }
    publishing.await.unwrap();
    let stats = reader.stats();
    assert_eq!((stats.delivered, stats.gaps), (MESSAGES, 0));
    assert!(stats.connects >= 3, "{} connections", stats.connects);
}

#[tokio::test]
async fn missed_messages_are_replayed() {
    let server = Server::start(&[]).await;
    let link = Link::to(([127, 0, 0, 1], server.port()).into()).unwrap();
    let reader = at(&format!("ws://{}/ws", link.address)).connect().unwrap();
    let mut channel = reader.channel("room", StartFrom::Tail).unwrap();
    until_live(&mut channel).await;
    let mut states = reader.states().boxed();
    link.refuse(true);
    next_state(&mut states, "waiting").await;
    let publisher = at(&server.url()).connect().unwrap();
    join_all((1..=100).map(|number| publisher.publish("room", &number))).await;
    link.refuse(false);
    for offset in 1..=100 {
        let message = next_message(&mut channel).await;
        assert_eq!((message.offset, message.replayed), (offset, true));
    }
}

#[tokio::test]
async fn publications_without_a_server_are_stored_once() {
    let mut server = Server::start(&[]).await;
    let client = at(&server.url()).connect().unwrap();
    until(&client, "open").await;
    server.kill().await;
    let answers = (1..=3).map(|number| client.publish("room", &number)).collect::<Vec<_>>();
    server.restart().await;
    let offsets = join_all(answers).await.into_iter().map(|answer| answer.unwrap().offset);
    assert_eq!(offsets.collect::<Vec<_>>(), [1, 2, 3]);
}

#[tokio::test]
async fn a_silent_connection_is_replaced() {
    let server = Server::start(&[]).await;
    let link = Link::to(([127, 0, 0, 1], server.port()).into()).unwrap();
    let (heartbeat, pong) = (Duration::from_millis(200), Duration::from_millis(300));
    let url = format!("ws://{}/ws", link.address);
    let client = at(&url).heartbeat(heartbeat).pong_timeout(pong).connect().unwrap();
    until(&client, "open").await;
    let mut states = client.states().boxed();
    link.stall(true);
    let waiting = next_state(&mut states, "waiting").await;
    assert!(
        matches!(&waiting, State::Waiting { reason, .. } if reason.code == ReasonCode::HeartbeatTimeout),
        "{waiting:?}"
    );
    link.stall(false);
    next_state(&mut states, "open").await;
}

/// A frame of 100 bytes arrives within 4 s, and the ping behind it is unanswered for as long.
#[tokio::test]
async fn parts_of_a_frame_keep_a_connection_alive() {
    let server = Scripted::start().await;
    let (heartbeat, pong) = (Duration::from_millis(300), Duration::from_millis(1_500));
    let client = at(&server.url()).heartbeat(heartbeat).pong_timeout(pong).connect().unwrap();
    let mut socket = server.accept().await;
    until(&client, "open").await;
    let tcp = socket.get_mut();
    tcp.write_all(&[0x81, 100]).await.unwrap(); // the header of a text frame
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(4) {
        tcp.write_all(b" ").await.unwrap();
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!((client.state().name(), client.stats().connects), ("open", 1));
}

#[tokio::test]
async fn a_close_frame_has_the_reason() {
    let server = Scripted::start().await;
    let client = at(&server.url()).connect().unwrap();
    let mut states = client.states().boxed();
    let mut socket = server.accept().await;
    let close = tokio_tungstenite::tungstenite::protocol::CloseFrame {
        code: 4003.into(),
        reason: "out for lunch".into(),
    };
    socket.send(Message::Close(Some(close))).await.unwrap();
    let waiting = next_state(&mut states, "waiting").await;
    assert!(
        matches!(&waiting, State::Waiting { reason, .. }
            if reason.message == "out for lunch" && reason.close_code == Some(4003)),
        "{waiting:?}"
    );
}
