//! The embedded store after crashes and corruption: the server is killed repeatedly under load, and its files are
//! truncated or have bits flipped. Every acknowledged message is there, or the server and `log verify` report that the
//! store is damaged. No message is lost silently, and the server never panics.
//!
//! `CRASH_KILLS` and `CRASH_DAMAGES` set the numbers; `CRASH_SEED` changes the damages.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::support::{Client, Got, Server, log_command, try_start};

/// Maximum number of unanswered publications per socket.
const WINDOW: u64 = 64;

pub fn times(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_publications_survive_repeated_kills() {
    let mut server = Server::start(&[]);
    let mut acknowledged = BTreeMap::new();
    let mut sent = 0;
    let kills = times("CRASH_KILLS", 12);
    let (mut killed, mut most_ms) = (0, 150);
    while killed < kills || acknowledged.len() as u64 <= kills {
        assert!(killed < 10 * kills, "only {} were acknowledged", acknowledged.len());
        let lives_ms = seamline_server::random::between(5, most_ms);
        let storm = storm(&server, sent, &mut acknowledged);
        let _ = tokio::time::timeout(Duration::from_millis(lives_ms), storm).await;
        server.kill();
        sent += 10_000;
        server.restart();
        killed += 1;
        if acknowledged.len() as u64 <= killed {
            most_ms = (most_ms * 3 / 2).min(5_000); // where the disk is slow, lives are longer
        }
    }
    check(&server, &acknowledged).await;
    println!("{killed} kills, {} acknowledged, 0 missing", acknowledged.len());
    server.kill();
    let (code, shown) = log_command(&server.data(), &["verify"], b"");
    assert_eq!(code, Some(0), "{shown}");
}

/// Publishes as fast as the answers arrive, and records them, until the server is gone.
async fn storm(server: &Server, from: u64, acknowledged: &mut BTreeMap<u64, u64>) {
    let mut client = Client::greeted(server, "storm").await;
    let mut next = from;
    loop {
        while next < from + WINDOW || acknowledged.contains_key(&next.saturating_sub(WINDOW)) {
            let (key, data) = (format!("m{next}"), json!({"i": next, "text": "x".repeat(100)}));
            client.send(json!({"op": "pub", "ch": "c", "key": key, "data": data})).await;
            next += 1;
        }
        let Got::Frame(answer) = client.got().await else { return };
        assert_eq!(answer["op"], "puback", "{answer}");
        let i = answer["key"].as_str().unwrap()[1..].parse().unwrap();
        acknowledged.insert(i, answer["offset"].as_u64().unwrap());
    }
}

/// Checks that each message is at its acknowledged offset, and that offsets are contiguous.
async fn check(server: &Server, acknowledged: &BTreeMap<u64, u64>) {
    if let Some(missing) = first_missing(server, acknowledged).await {
        panic!("acknowledged, and not there: {missing}");
    }
}

async fn first_missing(server: &Server, acknowledged: &BTreeMap<u64, u64>) -> Option<String> {
    let mut stored = BTreeMap::new();
    let mut after = 0;
    loop {
        let page = server.read("c", after).await;
        for message in page["messages"].as_array().unwrap() {
            after += 1;
            assert_eq!(message["offset"], after, "offsets have no hole");
            let twice = stored.insert(message["data"]["i"].as_u64().unwrap(), after);
            assert_eq!(twice, None, "stored twice: {message}");
        }
        if page["head"] == after {
            break;
        }
    }
    let missing = acknowledged.iter().find(|(i, offset)| stored.get(i) != Some(offset));
    missing.map(|(i, offset)| format!("message {i} at offset {offset}; the head is {after}"))
}

/// A store with a thousand messages and another one in a separate commit, closed properly or killed.
pub async fn filled(properly: bool) -> (Server, BTreeMap<u64, u64>) {
    let mut server = Server::start(&[]);
    server.publish_all("c", 1..=1000).await;
    server.publish("c", json!({"i": 1001})).await;
    let acknowledged = (1..=1001).map(|i| (i, i)).collect();
    if properly {
        server.terminate();
        server.ended().await;
    } else {
        server.kill();
    }
    (server, acknowledged)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_store_is_complete_or_refused() {
    let damages = times("CRASH_DAMAGES", 16);
    let mut draw = draws();
    let mut seen = Tally::default();
    for properly in [true, false] {
        let (server, acknowledged) = filled(properly).await;
        let file = std::fs::read(server.data().join("seamline.redb")).unwrap();
        for _ in 0..damages / 2 {
            let mut damaged = file.clone();
            // After the first page, which first_page.rs tests.
            let what = damage(&mut damaged, 4096..file.len(), &mut draw);
            let what = format!("{what} (closed properly: {properly})");
            seen.look_at(&server, &acknowledged, "seamline.redb", &damaged, &what).await;
        }
    }
    println!("{damages} damages: {} harmless, {} refused", seen.whole, seen.refused);
}

/// The newest messages are in the journal alone when the server is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_journal_is_complete_or_refused() {
    const MESSAGES: u64 = 20;
    let damages = times("CRASH_DAMAGES", 16);
    let mut server = Server::start(&[]);
    for i in 1..=MESSAGES {
        server.publish("c", json!({"i": i})).await;
    }
    server.kill();
    let acknowledged = (1..=MESSAGES).map(|i| (i, i)).collect();
    let file = std::fs::read(server.data().join("seamline.journal")).unwrap();
    let (mut draw, mut seen) = (draws(), Tally::default());
    seen.look_at(&server, &acknowledged, "seamline.journal", &file, "no damage").await;
    assert_eq!(seen.whole, 1);
    for _ in 0..damages {
        let mut damaged = file.clone();
        let what = damage(&mut damaged, 0..(MESSAGES as usize + 4) * 4096, &mut draw);
        seen.look_at(&server, &acknowledged, "seamline.journal", &damaged, &what).await;
    }
    seen.look_at(&server, &acknowledged, "seamline.journal", &[], "emptied").await;
    println!("{damages} damages of the journal: {} harmless, {} refused", seen.whole, seen.refused);
    assert!(seen.refused > 1, "the journal is not used");
}

/// Random numbers below a limit (xorshift), determined by `CRASH_SEED`.
pub fn draws() -> impl FnMut(u64) -> u64 {
    let mut rng = times("CRASH_SEED", 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move |below: u64| {
        rng ^= rng << 13;
        rng ^= rng >> 7;
        rng ^= rng << 17;
        rng % below
    }
}

/// The outcomes of damaged stores.
#[derive(Default)]
pub struct Tally {
    pub whole: u64,
    pub refused: u64,
}

impl Tally {
    /// Starts a server on a copy of the directory with a damaged file.
    pub async fn look_at(
        &mut self,
        server: &Server,
        acknowledged: &BTreeMap<u64, u64>,
        name: &str,
        damaged: &[u8],
        what: &str,
    ) {
        let copy = tempfile::TempDir::new().unwrap();
        // Not the socket, which a server that was killed leaves.
        let files = std::fs::read_dir(server.data()).unwrap().map(Result::unwrap);
        for file in files.filter(|file| file.file_type().unwrap().is_file()) {
            std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
        std::fs::write(copy.path().join(name), damaged).unwrap();
        match outcome(copy.path(), acknowledged).await {
            Outcome::Whole => self.whole += 1,
            Outcome::Refused => self.refused += 1,
            Outcome::Wrong(wrong) => panic!("{what}: {wrong}"),
        }
    }
}

enum Outcome {
    Whole,
    Refused,
    Wrong(String),
}

/// Truncates it, flips a bit, or overwrites a page with zeros, as disks and crashes do.
fn damage(file: &mut Vec<u8>, range: Range<usize>, draw: &mut impl FnMut(u64) -> u64) -> String {
    let at = range.start + draw(range.len() as u64) as usize;
    match draw(3) {
        0 => {
            file.truncate(at);
            format!("cut off at {at}")
        }
        1 => {
            let bit = draw(8);
            file[at] ^= 1 << bit;
            format!("bit {bit} of byte {at} flipped")
        }
        _ => {
            let page = at / 4096 * 4096;
            let end = (page + 4096).min(file.len());
            file[page..end].fill(0);
            format!("the page at {page} zeroed")
        }
    }
}

async fn outcome(data: &Path, acknowledged: &BTreeMap<u64, u64>) -> Outcome {
    let outcome = match try_start(&["--data", data.to_str().unwrap()]) {
        Ok(server) => match first_missing(&server, acknowledged).await {
            None => Outcome::Whole,
            Some(missing) => Outcome::Wrong(missing),
        },
        Err(stderr) if stderr.contains("panicked") => Outcome::Wrong(stderr),
        Err(stderr) if stderr.contains("damaged") && stderr.contains("--data") => Outcome::Refused,
        Err(stderr) => Outcome::Wrong(stderr),
    };
    let (code, shown) = log_command(data, &["verify"], b"");
    match outcome {
        Outcome::Whole if code != Some(0) => Outcome::Wrong(format!("it opened, and verify says: {shown}")),
        Outcome::Refused if code != Some(1) || !shown.contains("damaged") => {
            Outcome::Wrong(format!("it did not open, and verify says: {shown}"))
        }
        outcome => outcome,
    }
}
