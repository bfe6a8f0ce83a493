//! The settings of the plain dialect.

use std::time::Duration;

use crate::plain::PlainConfig;

/// Settings for a server of the plain dialect. All have defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "pass it to `ClientBuilder::plain`"]
pub struct PlainOptions {
    pub(super) id_paths: Vec<String>,
    pub(super) number_paths: Vec<String>,
    pub(super) settle: Duration,
    pub(super) window_messages: u64,
    pub(super) silence: Duration,
}

impl Default for PlainOptions {
    fn default() -> Self {
        let PlainConfig { id_paths, number_paths, settle_ms, window_messages, silence_ms } =
            PlainConfig::default();
        let (settle, silence) = (Duration::from_millis(settle_ms), Duration::from_millis(silence_ms));
        PlainOptions { id_paths, number_paths, settle, window_messages, silence }
    }
}

impl PlainOptions {
    /// The paths of a message's id, as names joined by dots. The first path that exists is used. An object without an
    /// id is an ephemeral event. Default: `stream_id`, else `id`, else `message.id`.
    pub fn id_paths<T: Into<String>>(mut self, paths: impl IntoIterator<Item = T>) -> Self {
        self.id_paths = paths.into_iter().map(Into::into).collect();
        self
    }

    /// The paths of a message's number, in the same way. Numbers must be contiguous from 1, over all messages of the
    /// conversation. If they are not, pass none. Default: `sequence_number`, else `message.sequence_number`.
    pub fn number_paths<T: Into<String>>(mut self, paths: impl IntoIterator<Item = T>) -> Self {
        self.number_paths = paths.into_iter().map(Into::into).collect();
        self
    }

    /// How far out of order messages may arrive, and how long a replay may pause while live messages overtake it.
    /// Default 2 s.
    pub fn settle(mut self, time: Duration) -> Self {
        self.settle = time;
        self
    }

    /// How many ids are remembered, and how many messages may wait for a missing number. Default 4,096.
    pub fn window_messages(mut self, messages: u64) -> Self {
        self.window_messages = messages;
        self
    }

    /// When the page or the machine wakes up, the client replaces a connection that has received nothing for this long.
    /// Default 10 s.
    pub fn silence(mut self, time: Duration) -> Self {
        self.silence = time;
        self
    }
}
