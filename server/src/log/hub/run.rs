//! A run of messages that a listener takes. Listeners at the same cursor share it, and its text.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::log::Message;
use crate::trace;

/// In how many forms a run can be written.
const FORMS: usize = 2;

/// Messages with contiguous offsets, in log order; at least one.
pub struct Run {
    messages: Vec<Arc<Message>>,
    bytes: usize,
    frames: [OnceLock<Vec<Bytes>>; FORMS],
    delivery: trace::Delivery,
}

impl Run {
    pub(super) fn new(messages: Vec<Arc<Message>>, delivery: trace::Delivery) -> Self {
        let bytes = messages.iter().map(|message| message.data.len()).sum();
        Run { messages, bytes, frames: Default::default(), delivery }
    }

    /// The messages.
    pub fn messages(&self) -> &[Arc<Message>] {
        &self.messages
    }

    /// Bytes of payload.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Its part in traces.
    pub fn delivery(&self) -> &trace::Delivery {
        &self.delivery
    }

    /// The frames of this run in one of the forms. The first listener writes them for all.
    pub fn frames(&self, form: usize, write: impl FnOnce() -> Vec<Bytes>) -> &[Bytes] {
        self.frames[form].get_or_init(write)
    }

    /// Whether a listener with these limits, for which so many messages wait, should take this run. It should not if a
    /// run of its own would be more than twice as long.
    pub(super) fn suits(&self, waiting: usize, messages_max: usize, bytes_max: usize) -> bool {
        let count = self.messages.len();
        let fits = count <= messages_max && (self.bytes <= bytes_max || count == 1);
        // In a run that is shorter because of its bytes, another message would not have fitted.
        let long = 2 * count >= waiting.min(messages_max) || 2 * self.bytes >= bytes_max;
        fits && long
    }
}
