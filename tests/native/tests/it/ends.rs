//! Where a client runs, and how it ends.

use std::time::Duration;

use futures::StreamExt;
use seamline::{Client, ErrorKind, Item, StartFrom, State};
use tokio::runtime::{Builder, Handle};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::server::{Scripted, Server};
use crate::support::*;

#[test]
fn connecting_outside_a_runtime_is_an_error() {
    let error = Client::builder("ws://127.0.0.1:1/ws").connect().map(|_| ()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(error.message.contains("tokio runtime"), "{error}");
}

#[tokio::test]
async fn dropping_everything_closes_the_connection() {
    let server = Scripted::start().await;
    let client = at(&server.url()).connect().unwrap();
    let mut socket = server.accept().await;
    let channel = client.channel("room", StartFrom::Tail).unwrap();
    until(&client, "open").await;
    drop(client);
    let sub = socket.next().await.unwrap().unwrap();
    assert!(sub.to_text().unwrap().contains("\"sub\""), "the channel keeps the client: {sub}");
    drop(channel);
    let mut last = None;
    while let Some(Ok(message)) = socket.next().await {
        last = Some(message);
    }
    assert!(matches!(&last, Some(Message::Close(Some(frame))) if u16::from(frame.code) == 1000), "{last:?}");
}

#[tokio::test]
async fn a_dropped_client_leaves_no_task() {
    let server = Server::start(&[]).await;
    let before = Handle::current().metrics().num_alive_tasks();
    for _ in 0..3 {
        let client = at(&server.url()).connect().unwrap();
        let mut channel = client.channel("room", StartFrom::Tail).unwrap();
        until_live(&mut channel).await;
        assert!(Handle::current().metrics().num_alive_tasks() > before);
    }
    until_tasks(before).await;
}

#[tokio::test]
async fn a_server_that_reads_nothing_keeps_no_task() {
    let server = Scripted::start().await;
    let before = Handle::current().metrics().num_alive_tasks();
    let client = at(&server.url()).connect().unwrap();
    let _socket = server.accept().await;
    until(&client, "open").await;
    let large = "x".repeat(60_000);
    for _ in 0..300 {
        client.cast("room", &large).unwrap(); // more than the system buffers
        tokio::task::yield_now().await;
    }
    drop(client);
    until_tasks(before).await;
}

/// Waits until no more than so many tasks are alive.
async fn until_tasks(count: usize) {
    let ended = async {
        while Handle::current().metrics().num_alive_tasks() > count {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), ended).await.expect("tasks are left");
}

#[test]
fn a_runtime_that_shuts_down_closes_the_client() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (client, mut channel, waiting) = runtime.block_on(async {
        let client = at("ws://127.0.0.1:1/ws").connect().unwrap();
        let channel = client.channel("room", StartFrom::Tail).unwrap();
        let waiting = client.publish("room", "never");
        next_state(&mut client.states().boxed(), "waiting").await;
        (client, channel, waiting)
    });
    drop(runtime);
    let client_state = client.state();
    assert!(matches!(client_state, State::Closed { .. }), "{client_state:?}");
    let another = Builder::new_current_thread().build().unwrap();
    assert_eq!(another.block_on(waiting).unwrap_err().kind, ErrorKind::Closed);
    let item = another.block_on(channel.next());
    assert!(matches!(item, Some(Item::Closed(_))), "{item:?}");
}

#[test]
fn a_runtime_without_timers_closes_the_client() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let client = runtime.block_on(async {
        let client = at("ws://127.0.0.1:1/ws").connect().unwrap();
        let mut states = client.states();
        while states.next().await.is_some() {} // they end when it is closed
        client
    });
    assert!(matches!(client.state(), State::Closed { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_share_a_client() {
    const TASKS: u64 = 8;
    const MESSAGES: u64 = 100;
    let server = Server::start(&[]).await;
    let client = at(&server.url()).connect().unwrap();
    let tasks = (0..TASKS).map(|task| {
        let client = client.clone();
        tokio::spawn(async move {
            let mut channel = client.channel(&format!("room-{task}"), StartFrom::Start).unwrap();
            let answers = (1..=MESSAGES).map(|number| channel.publish(&number)).collect::<Vec<_>>();
            for number in 1..=MESSAGES {
                let message = next_message(&mut channel).await;
                assert_eq!((message.offset, message.json::<u64>().unwrap()), (number, number));
            }
            for answer in answers {
                answer.await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(client.stats().delivered, TASKS * MESSAGES);
}

#[tokio::test]
async fn failures_to_connect_name_the_cause() {
    let server = Server::start(&[]).await;
    let port = server.port();
    let table = [
        ("ws://127.0.0.1:1/ws".to_owned(), "cannot connect to 127.0.0.1, port 1"),
        ("ws://no.such.host.invalid/ws".to_owned(), "cannot connect to no.such.host.invalid"),
        (format!("ws://127.0.0.1:{port}/nowhere"), "404 Not Found"),
    ];
    for (url, cause) in table {
        let client = at(&url).connect().unwrap();
        let waiting = next_state(&mut client.states().boxed(), "waiting").await;
        assert!(
            matches!(&waiting, State::Waiting { reason, .. } if reason.message.contains(cause)),
            "{waiting:?}"
        );
    }
}
