//! The lines of an export: JSON objects, whose field `line` names their kind.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use seamline::wire::MessageId;

/// The version of the format, in the first line.
pub const FORMAT: u64 = 1;

/// One line. A channel comes before everything that belongs to it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum Head {
    /// The first line.
    Export { format: u64 },
    /// A channel. The lines up to the next channel belong to it.
    Channel { name: String, epoch: String, first: u64, head: u64, last_id: MessageId },
    /// Offsets that could not be read when a damaged store was exported.
    Lost { first: u64, last: u64 },
    /// An idempotency key and its message.
    Key { key: String, offset: u64, id: MessageId },
    /// The acknowledged position of a client.
    Position {
        user: String,
        client: String,
        epoch: String,
        offset: u64,
        id: Option<MessageId>,
        stored_ms: u64,
    },
    /// The last line. If it is missing, the export is incomplete.
    End { messages: u64 },
}

/// A message. It is not part of the tagged enum, which cannot hold raw JSON.
#[derive(Debug, Serialize, Deserialize)]
pub struct MessageLine<'a> {
    /// The offset.
    pub offset: u64,
    /// The id.
    pub id: MessageId,
    /// The payload.
    #[serde(borrow)]
    pub data: &'a RawValue,
}
