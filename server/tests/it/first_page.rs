//! Damage to the first page of the embedded store, which has the file's header and its two newest commits, and is
//! written most often. As in crash.rs, every acknowledged message is there, or the store does not open.
//!
//! `CRASH_DAMAGES` and `CRASH_SEED` work as in crash.rs.

use crate::crash::{Tally, draws, filled, times};
use crate::support::{log_command, try_start};

/// The used part of the page; the rest is zeros: a header of 64 bytes and two commit records.
const HEADER_BYTES: u64 = 320;
/// The offset of the flags, one of which selects the newer record.
const FLAGS_AT: usize = 9;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_with_a_damaged_first_page_is_complete_or_refused() {
    let mut draw = draws();
    let mut seen = Tally::default();
    let mut damages = 0;
    for properly in [true, false] {
        let (server, acknowledged) = filled(properly).await;
        let file = std::fs::read(server.data().join("seamline.redb")).unwrap();
        let mut table: Vec<(String, Vec<u8>)> = Vec::new();
        let mut add = |what: String, change: &dyn Fn(&mut Vec<u8>)| {
            let mut damaged = file.clone();
            change(&mut damaged);
            table.push((what, damaged));
        };
        for bit in 0..8 {
            add(format!("bit {bit} of the flags flipped"), &|file| file[FLAGS_AT] ^= 1 << bit);
        }
        for _ in 0..times("CRASH_DAMAGES", 16) / 2 {
            let (at, bit) = (draw(HEADER_BYTES) as usize, draw(8));
            add(format!("bit {bit} of byte {at} flipped"), &|file| file[at] ^= 1 << bit);
            let length = draw(4096) as usize;
            add(format!("cut off at {length}"), &|file| file.truncate(length));
        }
        for (what, range) in
            [("page", 0..4096), ("header", 0..64), ("first record", 64..192), ("second", 192..320)]
        {
            add(format!("the {what} zeroed"), &|file| file[range.clone()].fill(0));
            add(format!("the {what} full of ones"), &|file| file[range.clone()].fill(0xFF));
        }
        add("the older record twice".into(), &|file| {
            let newer = if file[FLAGS_AT] & 1 == 0 { 64..192 } else { 192..320 };
            let older = if newer.start == 64 { 192..320 } else { 64..192 };
            file.copy_within(older, newer.start);
        });
        add("the file emptied".into(), &|file| file.clear());
        for (what, damaged) in table {
            let what = format!("{what} (closed properly: {properly})");
            seen.look_at(&server, &acknowledged, "seamline.redb", &damaged, &what).await;
            damages += 1;
        }
    }
    println!("{damages} damages of the first page: {} harmless, {} refused", seen.whole, seen.refused);
    assert!(seen.refused > 0 && seen.whole > 0, "they were not damages at all, or all of them were fatal");
}

/// The error has both commit numbers, and the way to use the store as it is.
#[tokio::test]
async fn a_store_that_lacks_its_newest_commit_says_so() {
    let (server, _) = filled(false).await;
    let data = server.data();
    let mut file = std::fs::read(data.join("seamline.redb")).unwrap();
    file[FLAGS_AT] ^= 1;
    std::fs::write(data.join("seamline.redb"), file).unwrap();
    let start = || try_start(&["--data", data.to_str().unwrap()]);
    let stderr = start().err().expect("it opens");
    let words = ["it ends at commit", "was written here", "older copy", "--data", "seamline.commits"];
    for words in words.into_iter().chain(["seamline.journal"]) {
        assert!(stderr.contains(words), "no {words:?} in\n{stderr}");
    }
    let (code, shown) = log_command(&data, &["verify"], b"");
    assert!(code == Some(1) && shown.contains("it ends at commit"), "{shown}");

    for name in ["seamline.commits", "seamline.journal"] {
        std::fs::remove_file(data.join(name)).unwrap();
    }
    let server = start().unwrap();
    let head = server.read("c", 0).await["head"].as_u64().unwrap();
    assert!(head < 1001, "{head}");
    assert_eq!(server.publish("c", serde_json::json!({"i": head + 1})).await, head + 1);
    drop(server);
    drop(start().unwrap());
}
