//! Reading a log backwards: `read`, and its answers `page` and `readnack`. They are apart from the frames of the core,
//! which does not read history: the npm package has an entry that writes and reads them in JavaScript.

use serde::{Deserialize, Serialize};

use super::json::{ClientFields, FrameError};
use super::{MessageId, Text};

/// The feature in `welcome` of a server that answers `read`.
pub const READ_FEATURE: &str = "read";

/// `read`: asks for messages before an offset, the newest ones first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "op", rename = "read")]
pub struct Read {
    /// The channel.
    pub ch: Text,
    /// Only messages before this offset; without it, up to the head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// At most so many.
    pub limit: u64,
    /// `ref` on the wire. The answer carries it.
    #[serde(rename = "ref")]
    pub reference: u64,
}

impl<D> TryFrom<ClientFields<D>> for Read {
    type Error = FrameError;

    fn try_from(fields: ClientFields<D>) -> Result<Self, FrameError> {
        let missing = |field| FrameError::Missing { op: "read".to_owned(), field };
        Ok(Read {
            ch: fields.ch.ok_or(missing("ch"))?,
            before: fields.before,
            limit: fields.limit.ok_or(missing("limit"))?,
            reference: fields.reference.ok_or(missing("ref"))?,
        })
    }
}

/// `page`: a contiguous run of messages, in the order of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename = "page")]
pub struct HistoryPage<D> {
    /// The `ref` of the `read` that this answers.
    #[serde(rename = "ref")]
    pub reference: u64,
    /// The channel.
    pub ch: Text,
    /// The log's epoch.
    pub epoch: Text,
    /// The offset of the oldest message that the log still has; `head + 1` if it has none.
    pub first: u64,
    /// The offset of the newest message; 0 if there never was one.
    pub head: u64,
    /// The offset of the first message of the page; 0 if the page is empty.
    pub n: u64,
    /// The messages' ids.
    pub ids: Vec<MessageId>,
    /// The messages' payloads, as many as `ids`.
    pub data: Vec<D>,
}

/// `readnack`: a `read` was rejected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename = "readnack")]
pub struct ReadNack {
    /// The `ref` of the `read` that this answers.
    #[serde(rename = "ref")]
    pub reference: u64,
    /// The channel.
    pub ch: Text,
    /// Why, for programs.
    pub code: Text,
    /// Why, for people.
    pub message: Text,
    /// Set if a retry may succeed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_is_read_back() {
        for before in [None, Some(7)] {
            let read = Read { ch: "c".into(), before, limit: 50, reference: 3 };
            let fields: ClientFields<()> =
                serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
            assert_eq!(fields.op, "read");
            assert_eq!(Read::try_from(fields), Ok(read));
        }
    }

    #[test]
    fn errors_name_the_missing_field() {
        for (text, field) in [
            (r#"{"op":"read","limit":1,"ref":1}"#, "ch"),
            (r#"{"op":"read","ch":"c","ref":1}"#, "limit"),
            (r#"{"op":"read","ch":"c","limit":1}"#, "ref"),
        ] {
            let fields: ClientFields<()> = serde_json::from_str(text).unwrap();
            assert_eq!(Read::try_from(fields), Err(FrameError::Missing { op: "read".to_owned(), field }));
        }
    }
}
