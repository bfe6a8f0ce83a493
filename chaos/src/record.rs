//! What a client observed, for the check.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use seamline::core::{Gap, Stats};
use seamline::wire::{MessageId, Position};

/// The idempotency key of a publication, and its payload: the number of the client, and of its publication.
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
        numbers.ok_or_else(|| format!("{text:?} is not a key that a client published"))
    }
}

/// What the application of a client observed on a channel.
#[derive(Clone, Debug)]
pub enum Observed {
    /// The position where the client begins, and when.
    Attached(Position, u64),
    /// A message: its offset in the current epoch, its id and its key.
    Message(u64, MessageId, Key),
    /// A gap, the position after it, and when it was reported.
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

/// Everything that a client observed, and what was acknowledged to it.
#[derive(Debug, Default)]
pub struct Record {
    /// By the channel's number.
    pub observed: HashMap<u64, Vec<Observed>>,
    pub acknowledged: Vec<Acknowledged>,
    /// Publications that failed for good, with the reason.
    pub refused: Vec<String>,
    /// How many publications have no answer.
    pub unanswered: usize,
    pub stats: Stats,
}

/// The clock from which the log takes its ids: everything runs on this machine.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
