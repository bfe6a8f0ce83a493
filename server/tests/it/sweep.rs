//! The sweep drops what is past its retention in small steps. Publications go on meanwhile, and a server that is killed
//! between two steps neither loses nor repeats a message.

use std::fmt::Write;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{PATIENCE, Server, log_command, try_request};

const CHANNELS: usize = 2000;
const MESSAGES: u64 = 3;
const KILLS: u64 = 6;

/// Channels whose messages and keys are years old, as an export.
fn old_channels() -> String {
    let mut lines = json!({"line": "export", "format": 1}).to_string();
    for i in 0..CHANNELS {
        let id = |offset: u64| format!("{}-0", 1_700_000_000_000 + offset);
        let (name, epoch) = (name(i), "e");
        let last_id = id(MESSAGES);
        let channel = json!({"line": "channel", "name": name, "epoch": epoch, "first": 1, "head": MESSAGES, "last_id": last_id});
        write!(lines, "\n{channel}").unwrap();
        for offset in 1..=MESSAGES {
            write!(lines, "\n{}", json!({"offset": offset, "id": id(offset), "data": offset})).unwrap();
        }
        for offset in 1..=MESSAGES {
            let key = json!({"line": "key", "key": format!("k{offset}"), "offset": offset, "id": id(offset)});
            write!(lines, "\n{key}").unwrap();
        }
    }
    let end = json!({"line": "end", "messages": CHANNELS as u64 * MESSAGES});
    lines + "\n" + &end.to_string() + "\n"
}

fn name(i: usize) -> String {
    format!("old-{i:04}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_during_sweeps_loses_and_repeats_nothing() {
    let mut server = Server::start(&[]);
    server.terminate();
    server.ended().await;
    let (code, shown) = log_command(&server.data(), &["import"], old_channels().as_bytes());
    assert_eq!(code, Some(0), "{shown}");
    let mut next = 1;
    let mut partly = 0;
    server.restart_with(&["--retain-age", "2500ms"]); // so it sweeps every 250 ms
    for kill in 0..KILLS {
        let lives = Duration::from_millis(260 + seamline_server::random::between(0, 40 + 20 * kill));
        let _ = tokio::time::timeout(lives, publish(&server, &mut next)).await;
        server.kill();
        let (code, shown) = log_command(&server.data(), &["verify"], b"");
        assert_eq!(code, Some(0), "{shown}");
        server.restart();
        partly +=
            u64::from(first(&server, 0).await == MESSAGES + 1 && first(&server, CHANNELS - 1).await == 1);
    }
    println!("{partly} of {KILLS} kills were during a sweep; {} publications", next - 1);
    let start = Instant::now();
    while first(&server, CHANNELS - 1).await != MESSAGES + 1 {
        assert!(start.elapsed() < PATIENCE, "the sweep does not end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for i in 0..CHANNELS {
        assert_eq!(first(&server, i).await, MESSAGES + 1, "{}", name(i));
    }
    // A key is gone with its message, once it is old enough: the publication is a new one.
    let url = server.url(&format!("/channels/{}/messages", name(0)));
    let (status, answer) = try_request("POST", url, &[("idempotency-key", "k1")], b"1").await.unwrap();
    assert_eq!((status, answer["offset"].as_u64()), (201, Some(MESSAGES + 1)), "offsets go on");
}

/// The first offset that the channel still has. The head never changes.
async fn first(server: &Server, channel: usize) -> u64 {
    let page = server.read(&name(channel), 0).await;
    assert_eq!(page["head"], MESSAGES, "{page}");
    page["first"].as_u64().unwrap()
}

/// Publishes one message after another, each with a key, until the server is gone. What has not been answered is
/// published again.
async fn publish(server: &Server, next: &mut u64) {
    let url = server.url("/channels/live/messages");
    loop {
        let key = next.to_string();
        let answer = try_request("POST", url.clone(), &[("idempotency-key", &key)], b"1").await;
        let Ok((status, answer)) = answer else { return };
        assert!(matches!(status, 200 | 201), "{status} {answer}");
        assert_eq!(answer["offset"], *next, "each publication has one offset");
        *next += 1;
    }
}
