//! Reads everything that Redis ever stored from its append-only file, even what was trimmed or lost before a client saw
//! it.

use std::path::Path;

use anyhow::{Context, Result};
use seamline::wire::MessageId;

use crate::cluster::{Payload, channel_name};
use crate::record::Key;

/// A message that was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The channel's name.
    pub ch: String,
    pub epoch: String,
    pub offset: u64,
    pub id: MessageId,
    pub key: Key,
}

impl Stored {
    pub fn is_in(&self, ch: u64) -> bool {
        self.ch == channel_name(ch)
    }
}

/// Reads the files in a directory. Redis must not be running, and must never have rewritten them.
pub fn read(directory: &Path) -> Result<Vec<Stored>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)
        .with_context(|| format!("cannot read the append-only file in {}", directory.display()))?
    {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".incr.aof") {
            files.push(path);
        }
    }
    files.sort();
    let mut stored = Vec::new();
    for file in files {
        stored.extend(messages(&std::fs::read(file)?));
    }
    Ok(stored)
}

/// The writes of a script stand between MULTI and EXEC. At the end of the file, those without EXEC do not count.
fn messages(mut bytes: &[u8]) -> Vec<Stored> {
    let (mut stored, mut open) = (Vec::new(), None);
    while let Some(command) = command(&mut bytes) {
        match command[..] {
            ["MULTI"] => open = Some(stored.len()),
            ["EXEC"] => open = None,
            ["XADD", log, id, "o", offset, "e", epoch, "d", data] => {
                stored.extend(message(log, id, offset, epoch, data))
            }
            _ => {}
        }
    }
    stored.truncate(open.unwrap_or(stored.len()));
    stored
}

fn message(log: &str, id: &str, offset: &str, epoch: &str, data: &str) -> Option<Stored> {
    let ch = log.strip_prefix("seamline:{")?.strip_suffix("}:log")?.to_owned();
    let key = serde_json::from_str::<Payload>(data).ok()?.key.parse().ok()?;
    Some(Stored { ch, epoch: epoch.into(), offset: offset.parse().ok()?, id: id.parse().ok()?, key })
}

/// The next command, if it is complete.
fn command<'a>(bytes: &mut &'a [u8]) -> Option<Vec<&'a str>> {
    let count = number(bytes, b'*')?;
    (0..count).map(|_| text(bytes)).collect()
}

fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let length = number(bytes, b'$')?;
    let (text, rest) = (bytes.get(..length)?, bytes.get(length + 2..)?);
    *bytes = rest;
    std::str::from_utf8(text).ok()
}

fn number(bytes: &mut &[u8], sign: u8) -> Option<usize> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    let line = bytes[..end].strip_prefix(&[sign])?;
    let number = std::str::from_utf8(line).ok()?.parse().ok()?;
    *bytes = &bytes[end + 2..];
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resp(commands: &[&[&str]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for words in commands {
            bytes.extend(format!("*{}\r\n", words.len()).bytes());
            words.iter().for_each(|word| bytes.extend(format!("${}\r\n{word}\r\n", word.len()).bytes()));
        }
        bytes
    }

    #[test]
    fn only_complete_transactions_are_read() {
        let log = "seamline:{channel-3}:log";
        let add = |offset: &'static str| ["XADD", log, "5-1", "o", offset, "e", "x", "d", r#"{"key":"1-2"}"#];
        let meta = ["HSET", "seamline:{channel-3}:meta", "head", "1"];
        let (first, second) = (add("1"), add("2"));
        let bytes = resp(&[
            &["SELECT", "0"],
            &["MULTI"],
            &first,
            &meta,
            &["EXEC"],
            &["SET", "x", "\r\n*"],
            &["MULTI"],
            &second,
            &["EXEC"],
        ]);
        let id = MessageId { ms: 5, seq: 1 };
        let stored =
            |offset| Stored { ch: "channel-3".into(), epoch: "x".into(), offset, id, key: Key(1, 2) };
        assert_eq!(messages(&bytes), [stored(1), stored(2)]);
        assert!(stored(1).is_in(3) && !stored(1).is_in(30));
        // Redis was killed while it wrote: the last script is incomplete.
        for cut in 1..bytes.len() {
            let whole = messages(&bytes[..bytes.len() - cut]);
            assert!(whole.is_empty() || whole == [stored(1)], "{cut}");
        }
    }
}
