//! A slow link to Redis. What has gathered while it was busy is more than goes through within the reader's time limit;
//! it comes in smaller answers then, and is not asked for again and again.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Client, Redis, Server, offsets};

/// What goes through in the direction from Redis, on each connection.
const BYTES_PER_S: usize = 1_000_000;
/// More than goes through in the 4 s that one answer may take.
const MESSAGES: u64 = 100;
const MESSAGE_BYTES: usize = 80_000;

/// Forwards connections to an address, slowly on the way back; gives its own.
async fn slow_link(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            tokio::spawn(forward(near, to));
        }
    });
    address
}

async fn forward(near: TcpStream, to: SocketAddr) {
    let Ok(far) = TcpStream::connect(to).await else { return };
    let ((mut near_in, mut near_out), (mut far_in, mut far_out)) = (near.into_split(), far.into_split());
    let there = async { drop(tokio::io::copy(&mut near_in, &mut far_out).await) };
    let back = async {
        let mut buffer = vec![0; 16_384];
        while let Ok(read @ 1..) = far_in.read(&mut buffer).await {
            tokio::time::sleep(Duration::from_secs_f64(read as f64 / BYTES_PER_S as f64)).await;
            if near_out.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = there => {}
        () = back => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_gathers_before_a_slow_link_comes_through() {
    let redis = Redis::start();
    let link = slow_link(redis.address()).await;
    let (slow, fast) =
        (Server::start(&["--log", &format!("redis://{link}/0")]), Server::start(&["--log", &redis.url()]));
    let mut reader = Client::greeted(&slow, "reader").await;
    reader.sub("c", 1000, json!({"from": "tail"})).await;
    while reader.next().await["op"] != "live" {}
    let mut publisher = Client::greeted(&fast, "publisher").await;
    let payload = "x".repeat(MESSAGE_BYTES);
    for i in 1..=MESSAGES {
        publisher.send(json!({"op": "pub", "ch": "c", "key": format!("{i}"), "data": payload})).await;
    }
    let mut next = 1;
    while next <= MESSAGES {
        let frame = reader.next().await;
        if frame["op"] == "msgs" {
            for offset in offsets(&frame) {
                assert!(offset <= next, "a hole before {offset}");
                next = next.max(offset + 1);
            }
        }
    }
}
