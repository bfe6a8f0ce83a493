//! The ids of messages.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::push_number;

/// The id that the log assigned to a message: `ms-seq`, as in Redis Streams.
///
/// Ids are compared *numerically*, as a pair. As text, `"9-0"` would come after `"10-0"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId {
    /// Milliseconds since the Unix epoch, by the log's clock.
    pub ms: u64,
    /// Distinguishes the messages of one millisecond.
    pub seq: u64,
}

/// A text that is not a message id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadMessageId;

impl fmt::Display for BadMessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message id is written `<milliseconds>-<sequence>`, such as `1732400000000-0`")
    }
}

impl std::error::Error for BadMessageId {}

impl FromStr for MessageId {
    type Err = BadMessageId;

    /// By hand, because ids arrive from the network in each frame, and because `u64::from_str` also accepts
    /// `+7`, which is not a valid id.
    fn from_str(text: &str) -> Result<Self, BadMessageId> {
        let mut parts = [None::<u64>; 2];
        let mut part = 0;
        for byte in text.bytes() {
            match byte {
                b'0'..=b'9' => {
                    let digit = u64::from(byte - b'0');
                    let number = parts[part].unwrap_or(0).checked_mul(10).and_then(|n| n.checked_add(digit));
                    parts[part] = Some(number.ok_or(BadMessageId)?);
                }
                b'-' if part == 0 => part = 1,
                _ => return Err(BadMessageId),
            }
        }
        let [ms, seq] = parts;
        Ok(MessageId { ms: ms.ok_or(BadMessageId)?, seq: seq.ok_or(BadMessageId)? })
    }
}

impl MessageId {
    /// The id as text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        push_number(&mut text, self.ms);
        text.push('-');
        push_number(&mut text, self.seq);
        text
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl Serialize for MessageId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MessageId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_shows_the_id_format() {
        let error = "7".parse::<MessageId>().unwrap_err().to_string();
        assert!(error.contains("`<milliseconds>-<sequence>`"), "{error}");
    }

    #[test]
    fn ids_are_compared_as_numbers() {
        let parse = |text: &str| text.parse::<MessageId>().unwrap();
        assert!(parse("9-0") < parse("10-0"));
        assert!(parse("10-9") < parse("10-10"));
        assert_eq!(parse("1732400000000-3").to_string(), "1732400000000-3");
    }

    #[test]
    fn malformed_ids_are_rejected() {
        for text in
            ["", "-", "1", "1-", "-1", "a-b", "1-2-3", "+1-0", "1-+0", " 1-0", "99999999999999999999-0"]
        {
            assert_eq!(text.parse::<MessageId>(), Err(BadMessageId), "{text:?}");
        }
    }
}
