//! The disk of the embedded store is full, and later has space again. Publications are rejected with a retry hint, no
//! acknowledged message is lost, reads and live delivery go on, and the server recovers by itself.
//!
//! The tests limit the size of the server's files instead of filling a disk, which needs no privileges.

use serde_json::{Value, json};

use crate::support::{
    Client, Server, eventually, is_degraded, is_well, log_command, offsets, publish_until_stored,
    rejects_publications, request, try_publish,
};

const FAILED: &str = "the store failed";
const STILL: &str = "the store still cannot be written";
const RECOVERED: &str = "the store can be written again";

/// redb doubles its file when it needs space, so this is reached soon.
const LIMIT_BYTES: u64 = 4 << 20;

fn large(i: u64) -> Value {
    json!({"i": i, "text": "x".repeat(100_000)})
}

fn key(i: u64) -> String {
    format!("k{i}")
}

/// A client that has subscribed from the start, and is live.
async fn live(server: &Server, client_id: &str, ch: &str) -> (Client, Value, Vec<u64>) {
    let mut client = Client::greeted(server, client_id).await;
    client.sub(ch, 100_000, json!({"from": "start"})).await;
    let subd = client.next_op("subd").await;
    let mut replayed = Vec::new();
    loop {
        let frame = next(&mut client).await;
        match frame["op"].as_str().unwrap() {
            "msgs" => replayed.extend(offsets(&frame)),
            "live" => return (client, subd, replayed),
            _ => panic!("{frame}"),
        }
    }
}

/// The next frame, skipping announcements of large ones.
async fn next(client: &mut Client) -> Value {
    loop {
        let frame = client.next().await;
        if frame["op"] != "incoming" {
            return frame;
        }
    }
}

async fn hear(client: &mut Client, through: u64) -> Vec<u64> {
    let mut heard = Vec::new();
    while heard.last() != Some(&through) {
        let frame = next(client).await;
        match frame["op"].as_str().unwrap() {
            "msgs" => heard.extend(offsets(&frame)),
            "live" => {}
            _ => panic!("{frame}"),
        }
    }
    heard
}

/// Publishes until the store is full; returns how many messages were stored.
async fn fill(server: &Server, publisher: &mut Client) -> u64 {
    server.limit_file_size(Some(LIMIT_BYTES));
    let mut stored = 0;
    while let Some(offset) = try_publish(publisher, "c", &key(stored + 1), &large(stored + 1)).await {
        stored += 1;
        assert_eq!(offset, stored);
        assert!(stored < 100, "the limit is never reached");
    }
    stored
}

fn count(server: &Server, line: &str) -> usize {
    server.stderr().matches(line).count()
}

/// Whether the logs have exactly these lines above the level `debug`.
fn says(server: &Server, expected: &[&str]) -> bool {
    let stderr = server.stderr();
    let is_said = |line: &&str| [" INFO ", " WARN ", "ERROR "].iter().any(|level| line.contains(level));
    let said = stderr.lines().filter(is_said).filter(|line| line.contains("seamline_server::log"));
    said.clone().count() == expected.len() && said.zip(expected).all(|(line, said)| line.contains(said))
}

#[tokio::test]
async fn the_server_recovers_from_a_full_disk() {
    let mut server = Server::start(&["--max-publishes-per-second", "0"]);
    is_well(&server).await;
    let (mut reader, _, _) = live(&server, "reader", "c").await;
    let mut publisher = Client::greeted(&server, "publisher").await;
    let stored = fill(&server, &mut publisher).await;
    is_degraded(&server).await;
    let (_, health) = request("GET", server.url("/healthz"), &[], b"").await;
    assert!(health["log"].as_str().unwrap().contains("cannot write to the store"), "{health}");
    rejects_publications(&server).await;

    // It retries, and logs that once.
    eventually("some attempts", || count(&server, STILL) >= 3).await;
    is_degraded(&server).await;
    assert!(says(&server, &[FAILED]), "{}", server.stderr());

    // Stored messages are read and delivered, and casts need no disk.
    let all: Vec<u64> = (1..=stored).collect();
    assert_eq!(hear(&mut reader, stored).await, all);
    let (mut late, _, replayed) = live(&server, "late", "c").await;
    assert_eq!(replayed, all);
    publisher.send(json!({"op": "cast", "ch": "c", "data": "typing"})).await;
    assert_eq!(reader.next_op("cast").await["data"], "typing");
    assert_eq!(late.next_op("cast").await["data"], "typing");
    assert_eq!(server.read("c", stored - 1).await["messages"][0]["offset"], stored);

    server.limit_file_size(None);
    let (next, last) = (stored + 1, stored + 20);
    for i in next..=last {
        assert_eq!(publish_until_stored(&mut publisher, "c", &key(i), &large(i)).await, i);
    }
    is_well(&server).await;
    assert!(says(&server, &[FAILED, RECOVERED]), "{}", server.stderr());
    let more: Vec<u64> = (next..=last).collect();
    assert_eq!(hear(&mut reader, last).await, more);
    assert_eq!(hear(&mut late, last).await, more);

    server.kill();
    let (code, shown) = log_command(&server.data(), &["verify"], b"");
    assert_eq!(code, Some(0), "{shown}");
    server.restart();
    assert_eq!(live(&server, "after", "c").await.2, (1..=last).collect::<Vec<_>>());
}

/// Small messages are committed in memory before the store's file is written, and stay readable while it cannot be.
#[tokio::test]
async fn a_full_disk_loses_nothing_in_the_journal() {
    let small = |i: u64| json!({"i": i, "text": "x".repeat(20_000)});
    let mut server = Server::start(&["--max-publishes-per-second", "0"]);
    let mut publisher = Client::greeted(&server, "publisher").await;
    server.limit_file_size(Some(LIMIT_BYTES / 4));
    let mut stored = 0;
    while try_publish(&mut publisher, "c", &key(stored + 1), &small(stored + 1)).await.is_some() {
        stored += 1;
    }
    is_degraded(&server).await;
    let all: Vec<u64> = (1..=stored).collect();
    assert_eq!(live(&server, "during", "c").await.2, all);

    // The same after a crash, and again when there is space.
    server.kill();
    server.restart();
    assert_eq!(live(&server, "restarted", "c").await.2, all);
    let mut publisher = Client::greeted(&server, "publisher").await;
    let next = stored + 1;
    assert_eq!(publish_until_stored(&mut publisher, "c", &key(next), &small(next)).await, next);
    server.kill();
    let (code, shown) = log_command(&server.data(), &["verify"], b"");
    assert_eq!(code, Some(0), "{shown}");
}

/// Old messages expire, and the space that they free inside the file is enough.
#[tokio::test]
async fn retention_frees_space_on_a_full_disk() {
    let server = Server::start(&["--max-publishes-per-second", "0", "--retain-age", "8s"]);
    let mut publisher = Client::greeted(&server, "publisher").await;
    let stored = fill(&server, &mut publisher).await;
    let next = stored + 1;
    assert_eq!(publish_until_stored(&mut publisher, "c", &key(next), &large(next)).await, next);
    is_well(&server).await;
}

#[tokio::test]
async fn positions_acknowledged_on_a_full_disk_are_stored_later() {
    let server = Server::start(&["--max-publishes-per-second", "0"]);
    let (mut reader, subd, _) = live(&server, "reader", "c").await;
    let mut publisher = Client::greeted(&server, "publisher").await;
    let stored = fill(&server, &mut publisher).await;
    hear(&mut reader, stored).await;
    reader.send(json!({"op": "ack", "ch": "c", "epoch": subd["epoch"], "offset": stored})).await;
    reader.round_trip().await;
    is_degraded(&server).await;
    // A client that has a stored position is answered too.
    let mut other = Client::greeted(&server, "other").await;
    other.sub("c", 100, json!({})).await;
    assert_eq!(other.next_op("subd").await["at"], stored);

    server.limit_file_size(None);
    is_well(&server).await;
    reader.close().await;
    let mut back = Client::greeted(&server, "reader").await;
    back.sub("c", 100, json!({})).await;
    let subd = back.next_op("subd").await;
    assert_eq!((&subd["at"], &subd["resumed"]), (&json!(stored), &json!(true)));
}

#[tokio::test]
async fn a_server_on_a_full_disk_shuts_down_cleanly() {
    let mut server = Server::start(&["--max-publishes-per-second", "0"]);
    let mut publisher = Client::greeted(&server, "publisher").await;
    let stored = fill(&server, &mut publisher).await;
    server.terminate();
    assert!(server.ended().await.success(), "{}", server.stderr());
    server.restart();
    assert_eq!(server.read("c", stored - 1).await["head"], stored);
}

/// Nothing can be written, not even logs, and the store cannot be reopened.
#[tokio::test]
async fn unwritable_log_output_is_harmless() {
    let server = Server::start(&["--max-publishes-per-second", "0"]);
    let mut publisher = Client::greeted(&server, "publisher").await;
    assert_eq!(publish_until_stored(&mut publisher, "c", "k1", &json!(1)).await, 1);
    server.limit_file_size(Some(0));
    assert_eq!(try_publish(&mut publisher, "c", "k2", &json!(2)).await, None);
    is_degraded(&server).await;
    let mut late = Client::greeted(&server, "late").await;
    late.sub("c", 100, json!({"from": "start"})).await; // waits
    late.round_trip().await;
    server.limit_file_size(None);
    assert_eq!(publish_until_stored(&mut publisher, "c", "k2", &json!(2)).await, 2);
    is_well(&server).await;
    late.next_op("subd").await;
    assert_eq!(hear(&mut late, 2).await, [1, 2]);
}
