//! How much waits for the application, in messages and in bytes, and how many replayed messages may therefore
//! be in transit.

use std::num::NonZeroU64;

use crate::core::sum::sum;
use crate::core::window::{Window, grown};
use crate::core::{Batch, Config, Instant};
use crate::wire::Ahead;

/// How long a grant, and what it allows, wait for their turns besides the path's round trip: in the browser's processes,
/// in the page, which is busy with earlier messages, and in the server.
const TURNS_MS: u64 = 50;

/// Messages that are delivered and not yet processed.
#[derive(Debug, Default)]
pub(super) struct Queue {
    messages: u64,
    /// Their total size, assuming that all have the same size.
    bytes: u64,
    /// The size of a message in the latest frame. Messages in transit are assumed to be as large.
    message_bytes: Option<NonZeroU64>,
    /// How many replayed messages may be in transit or wait. It outlives a connection, and begins the next one.
    window: Window,
}

impl Queue {
    /// How many messages wait.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// `count` more messages were delivered.
    pub fn delivered(&mut self, count: u64, bytes: u64) {
        self.messages = sum(self.messages, count);
        self.bytes = sum(self.bytes, bytes);
    }

    /// `count` more messages were processed.
    pub fn processed(&mut self, count: u64) {
        let left = self.messages.saturating_sub(count);
        self.bytes = self.bytes.checked_div(self.messages).unwrap_or(0) * left; // no more than before
        self.messages = left;
    }

    /// Learns the size of a message from a frame.
    pub fn learn_size<B>(&mut self, batch: &Batch<B>) {
        if let Some(bytes) = batch.bytes.checked_div(batch.count) {
            self.message_bytes = NonZeroU64::new(bytes);
        }
    }

    /// Whether this many more may wait. An empty queue accepts any frame, however large: no setting may stop
    /// a channel for good.
    pub fn has_room(&self, messages: u64, bytes: u64, config: &Config) -> bool {
        self.messages == 0
            || sum(self.messages, messages) <= config.queue_messages_max
                && sum(self.bytes, bytes) <= config.queue_bytes_max
    }

    /// Whether enough of a full queue is processed to fetch more.
    pub fn has_caught_up(&self, config: &Config) -> bool {
        self.messages <= self.window(config) / 2 && self.bytes <= config.queue_bytes_max / 2
    }

    /// How many replayed messages may be in transit or wait for the application.
    pub fn window(&self, config: &Config) -> u64 {
        self.window.size(config.replay_credit, self.window_max(config)).max(1)
    }

    /// How many more replayed messages may be granted, if so many were granted already and so many have arrived.
    pub fn credit(&self, granted: u64, used: u64, config: &Config) -> u64 {
        let bytes = config.queue_bytes_max.saturating_sub(self.bytes);
        let room = self.messages.saturating_add(self.at_most(u64::MAX, bytes)).max(1);
        let in_all = sum(room.min(self.window(config)), used);
        in_all.saturating_sub(granted).saturating_sub(self.messages)
    }

    /// How far a replay may go without credit. While nothing is known of the path, the credit is small, because the
    /// messages may be large. The server knows their size: up to half of the bytes that may wait, it need not wait
    /// for the first grant.
    pub fn ahead(&self, config: &Config) -> Option<Ahead> {
        let messages = config.queue_messages_max.saturating_sub(self.messages);
        let bytes = (config.queue_bytes_max / 2).saturating_sub(self.bytes);
        let messages = messages.min(grown(config.replay_credit));
        (!self.window.is_fitted()).then_some(Ahead { messages, bytes })
    }

    /// A replay begins.
    pub fn replay_begins(&mut self, now: Instant) {
        self.window.measure_from(Some(now));
    }

    /// The application has finished so many replayed messages: the window follows their rate.
    pub fn replayed(&mut self, count: u64, now: Instant, round_trip_ms: u64, config: &Config) {
        let round_trip_ms = sum(round_trip_ms, TURNS_MS);
        self.window.pass(count, now, round_trip_ms, config.replay_credit, self.window_max(config));
    }

    /// The queue was full: the application is too slow for the window.
    pub fn overflowed(&mut self) {
        self.window.reset();
    }

    fn window_max(&self, config: &Config) -> u64 {
        self.at_most(config.queue_messages_max, config.queue_bytes_max)
    }

    /// The maximum of messages, or as many as fit into the maximum of bytes.
    fn at_most(&self, messages: u64, bytes: u64) -> u64 {
        self.message_bytes.map_or(messages, |size| messages.min(bytes / size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn config(messages: u64, bytes: u64) -> Config {
        Config {
            replay_credit: messages,
            queue_messages_max: messages,
            queue_bytes_max: bytes,
            ..Config::default()
        }
    }

    #[test]
    fn large_messages_shrink_the_window() {
        let mut queue = Queue::default();
        let config = config(2_000, 1_000_000);
        assert_eq!(queue.credit(0, 0, &config), 2_000, "nothing is known of sizes yet");
        queue.message_bytes = NonZeroU64::new(250_000);
        assert_eq!((queue.credit(0, 0, &config), queue.window(&config)), (4, 4));
        queue.delivered(3, 750_000);
        assert_eq!((queue.credit(0, 0, &config), queue.credit(5, 3, &config)), (1, 0));
        assert_eq!(queue.credit(2, 10, &config), 9, "8 came ahead of the credit");
        assert!(!queue.has_room(2, 500_000, &config));
        queue.processed(3);
        assert!(queue.has_room(2, 5_000_000, &config), "an empty queue takes any frame");
    }

    proptest! {
        /// In whatever steps it is processed: the rest is never more than was delivered, and finally nothing.
        #[test]
        fn processing_everything_empties_the_queue(
            batches in proptest::collection::vec((1u64..50, 0u64..10_000), 0..20),
            steps in proptest::collection::vec(0u64..80, 0..20),
        ) {
            let mut queue = Queue::default();
            batches.iter().for_each(|&(count, bytes)| queue.delivered(count, bytes));
            let mut last = (queue.messages, queue.bytes);
            for step in steps {
                queue.processed(step);
                prop_assert_eq!(queue.messages, last.0.saturating_sub(step));
                prop_assert!(queue.bytes <= last.1);
                last = (queue.messages, queue.bytes);
            }
            queue.processed(u64::MAX);
            prop_assert_eq!((queue.messages, queue.bytes), (0, 0));
        }
    }
}
