//! Settings of the plain dialect.

/// The largest number that a message can have. The npm package reports offsets as JavaScript numbers, which
/// are exact up to here.
pub const NUMBER_MAX: u64 = (1 << 53) - 1;

/// Settings of the plain dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainConfig {
    /// The paths of a message's id, as names joined by dots. The first path that exists is used. An object
    /// without an id is an ephemeral event. Integers of any size keep their digits. Default: `stream_id`,
    /// else `id`, else `message.id`.
    pub id_paths: Vec<String>,
    /// The paths of a message's number, in the same way. Numbers must be contiguous from 1, over all messages
    /// of the conversation. If they are not, leave this empty. A number above [`NUMBER_MAX`] is ignored; the
    /// error `bad_number` reports it once. Default: `sequence_number`, else `message.sequence_number`.
    pub number_paths: Vec<String>,
    /// How far out of order messages may arrive, and how long a replay may pause while live messages overtake
    /// it. Default 2 s.
    pub settle_ms: u64,
    /// How many ids are remembered, and how many messages may wait for a missing number. Default
    /// 4,096.
    pub window_messages: u64,
    /// When the page wakes up, the client replaces a connection that has received nothing for this long,
    /// because it cannot ping such a server. Default 10 s.
    pub silence_ms: u64,
}

impl Default for PlainConfig {
    fn default() -> Self {
        let paths = |paths: &[&str]| paths.iter().map(|&path| path.to_owned()).collect();
        PlainConfig {
            id_paths: paths(&["stream_id", "id", "message.id"]),
            number_paths: paths(&["sequence_number", "message.sequence_number"]),
            settle_ms: 2_000,
            window_messages: 4_096,
            silence_ms: 10_000,
        }
    }
}

impl PlainConfig {
    /// `window_messages` as a length: 32 bits in a page.
    pub(super) fn window_max(&self) -> usize {
        usize::try_from(self.window_messages).unwrap_or(usize::MAX)
    }
}
