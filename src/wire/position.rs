//! Positions in a channel's log: epochs, offsets and ids.

use serde::{Deserialize, Serialize};

use super::{MessageId, Text};

/// A position in a channel's log: everything up to and including `offset` lies behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The random name that the log got when it was created. Another epoch is another history: offsets of two
    /// epochs cannot be compared.
    pub epoch: Text,
    /// The offset of the last message behind this position; 0 is before the first message.
    pub offset: u64,
    /// The id of that message (`last_message_id`), if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<MessageId>,
}
