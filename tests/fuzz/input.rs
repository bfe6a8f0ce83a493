//! Makes inputs: valid frames, damaged in every way.

use crate::rng::Rng;

/// One frame of each kind, in both directions.
const FRAMES: [&str; 26] = [
    r#"{"op":"hello","v":1,"client_id":"tab-7f3a","token":"eyJhbGciOi"}"#,
    r#"{"op":"sub","ch":"room-1","credit":2000,"ref":4,"position":{"epoch":"e34f","offset":3,"id":"17-0"}}"#,
    r#"{"op":"sub","ch":"room-1","credit":2000,"ahead":32000,"ahead_bytes":8388608,"from":"start"}"#,
    r#"{"op":"sub","ch":"room-1","credit":0,"from":"tail","position":null}"#,
    r#"{"op":"more","ch":"room-1","credit":1000}"#,
    r#"{"op":"unsub","ch":"room-1"}"#,
    r#"{"op":"pub","ch":"room-1","key":"k","data":{"text":"hello"}}"#,
    r#"{"op":"cast","ch":"room-1","data":null}"#,
    r#"{"op":"ack","ch":"room-1","epoch":"e34f","offset":3,"id":"1795556137576-0"}"#,
    r#"{"op":"token","token":"eyJhbGciOi"}"#,
    r#"{"op":"ping"}"#,
    r#"{"op":"welcome","session":"fdcd","heartbeat_ms":25000,"max_frame_bytes":262144}"#,
    r#"{"op":"subd","ch":"room-1","epoch":"e34f","first":1,"head":5,"at":3,"ref":4,"resumed":true}"#,
    r#"{"op":"subd","ch":"room-1","epoch":"e34f","first":6,"head":5,"at":3,"at_epoch":"old","resumed":false}"#,
    r#"{"op":"msgs","ch":"room-1","n":4,"ids":["17-0","17-1"],"data":[{"text":"a"},null],"replay":true}"#,
    r#"{"op":"live","ch":"room-1","head":5,"ref":4}"#,
    r#"{"op":"incoming","bytes":98304}"#,
    r#"{"op":"puback","ch":"room-1","key":"k","id":"17-0","offset":4}"#,
    r#"{"op":"pubnack","ch":"room-1","key":"k","code":"log_error","message":"later","retry_after_ms":1000}"#,
    r#"{"op":"cast","ch":"room-1","data":{"typing":true}}"#,
    r#"{"op":"pong"}"#,
    r#"{"op":"drain","reconnect_in_ms":430}"#,
    r#"{"op":"err","code":"log_error","message":"later","ch":"room-1","retry_after_ms":1000}"#,
    r#"{"op":"err","code":"bad_version"}"#,
    r#"{"op":"err","code":"too_many_channels","message":"too many","ch":"room-1","ref":4}"#,
    r#"{"op":"dance","with":["me",1,2.5,-3,1e400,true]}"#,
];

/// What breaks readers of JSON, or of ids and numbers.
const PIECES: [&str; 24] = [
    "null",
    "true",
    "-1",
    "1.5",
    "1e308",
    "1e400",
    "18446744073709551615",
    "18446744073709551616",
    "\"\"",
    "{}",
    "[]",
    "[[[[[[[[[[",
    "\\u0000",
    "\\ud800",
    "\u{feff}",
    "\"op\":",
    "\"op\":\"sub\",",
    "\"ch\":7,",
    "99-0",
    "-0",
    "9007199254740993",
    "\"17-99999999999999999999\"",
    "ÿ",
    "\u{1f980}",
];

/// Numbers at which arithmetic breaks.
pub fn number(rng: &mut Rng) -> u64 {
    match rng.below(4) {
        0 => rng.below(10),
        1 => u64::MAX - rng.below(3),
        2 => (1 << 53) - 1 + rng.below(3),
        _ => rng.below(u64::MAX),
    }
}

/// A frame, more or less.
pub fn text(rng: &mut Rng) -> String {
    let mut bytes = FRAMES[rng.below(FRAMES.len() as u64) as usize].as_bytes().to_vec();
    for _ in 0..rng.below(6) {
        damage(&mut bytes, rng);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn damage(bytes: &mut Vec<u8>, rng: &mut Rng) {
    let at = rng.below(bytes.len() as u64 + 1) as usize;
    let to = (at + rng.below(12) as usize).min(bytes.len());
    match rng.below(6) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..to)),
        2 => bytes.insert(at, rng.below(256) as u8),
        3 => insert(bytes, at, PIECES[rng.below(PIECES.len() as u64) as usize].as_bytes()),
        4 => {
            let part = bytes[at..to].to_vec();
            insert(bytes, at, &part);
        }
        _ => replace_number(bytes, at, rng),
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, part: &[u8]) {
    bytes.splice(at..at, part.iter().copied());
}

/// Another number in place of the next one.
fn replace_number(bytes: &mut Vec<u8>, at: usize, rng: &mut Rng) {
    let Some(from) = bytes.iter().skip(at).position(u8::is_ascii_digit).map(|skip| at + skip) else { return };
    let to =
        bytes.iter().skip(from).position(|byte| !byte.is_ascii_digit()).map_or(bytes.len(), |len| from + len);
    bytes.splice(from..to, number(rng).to_string().into_bytes());
}
