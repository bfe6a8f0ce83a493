//! What a client was told, for the verdict.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use seamline::core::{Gap, Stats};
use seamline::wire::{MessageId, Position};

/// A publication's key, which is its payload as well: a client's number, and the publication's at that client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(pub u32, pub u32);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0, self.1)
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('-').and_then(|(a, b)| Some(Key(a.parse().ok()?, b.parse().ok()?)));
        numbers.ok_or_else(|| format!("{text:?} is no key that was published"))
    }
}

/// Something that a client's application was told of a channel.
#[derive(Clone, Debug)]
pub enum Told {
    /// Where it begins, and when that was told.
    Attached(Position, u64),
    /// A message, at the next offset of the epoch that was told before.
    Message(u64, MessageId, Key),
    /// A gap, the position after it, and when that was told.
    Gap(Gap, Position, u64),
}

/// An acknowledged publication.
#[derive(Clone, Copy, Debug)]
pub struct Acknowledged {
    pub ch: u64,
    pub key: Key,
    pub id: MessageId,
    pub offset: u64,
}

/// What a client has been told, and what was acknowledged to it.
#[derive(Debug, Default)]
pub struct Record {
    /// By the channel's number.
    pub told: HashMap<u64, Vec<Told>>,
    pub acknowledged: Vec<Acknowledged>,
    /// Publications that were refused for good, with the reason.
    pub refused: Vec<String>,
    /// Publications without an answer.
    pub unanswered: usize,
    pub stats: Stats,
}

/// The clock from which the log takes its ids, here as everywhere on this machine.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
