//! Channels that could not be read for the moment, because their slots are moving. Each waits once, and they take
//! turns.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// See the module.
#[derive(Default)]
pub(super) struct PutOff {
    queue: VecDeque<Arc<str>>,
    /// What is in the queue.
    keys: HashSet<Arc<str>>,
}

impl PutOff {
    pub fn add(&mut self, key: Arc<str>) {
        if self.keys.insert(key.clone()) {
            self.queue.push_back(key);
        }
    }

    /// Takes those that have waited longest.
    pub fn take(&mut self, max: usize) -> Vec<Arc<str>> {
        let taken: Vec<_> = self.queue.drain(..self.queue.len().min(max)).collect();
        for key in &taken {
            self.keys.remove(key);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_waits_once_and_takes_its_turn() {
        let mut put_off = PutOff::default();
        for key in ["a", "b", "a", "c"] {
            put_off.add(key.into());
        }
        assert_eq!(put_off.take(1), ["a"].map(Arc::from));
        put_off.add("a".into());
        assert_eq!(put_off.take(10), ["b", "c", "a"].map(Arc::from));
        assert!(put_off.take(10).is_empty());
    }
}
