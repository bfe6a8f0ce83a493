//! The lines of an export: JSON objects, told apart by `line`.

use seamline::wire::MessageId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The version in the first line.
pub const FORMAT: u64 = 1;

/// One line. A channel comes before all that belongs to it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum Head {
    /// The first line.
    Export { format: u64 },
    /// What follows is this channel's.
    Channel { name: String, epoch: String, first: u64, head: u64, last_id: MessageId },
    /// An idempotency key, and the message that was stored under it.
    Key { key: String, offset: u64, id: MessageId },
    /// What a client has processed.
    Position {
        user: String,
        client: String,
        epoch: String,
        offset: u64,
        id: Option<MessageId>,
        stored_ms: u64,
    },
    /// The last line: without it, something is missing.
    End { messages: u64 },
}

/// A message's line. Apart from the others, because the payload is raw JSON, which a tagged enum cannot hold.
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
