//! Keeps the order of publications. Those of one channel are stored in the order in which the client first sent them.
//! If one is refused for now, those behind it are refused too, until all of them have been sent again, in that order.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many publications of a socket are held: as many as a client may have unanswered. Beyond that, the order is not
/// guaranteed.
const HELD_MAX: usize = 1024;

/// The publications of a socket that are held: they were refused for now, and will be sent again. Only for clients that
/// do that.
#[derive(Clone)]
pub(in crate::ws::connection) struct PublicationOrder(Option<Arc<Mutex<Held>>>);

#[derive(Default)]
struct Held {
    by_channel: HashMap<String, Channel>,
    /// How many keys there are in all.
    count: usize,
    /// How many publications have come in all.
    came: u64,
}

/// The held keys of a channel, which is not empty.
#[derive(Default)]
struct Channel {
    numbers: HashMap<Arc<str>, u64>,
    /// In the order in which they first came.
    keys: BTreeMap<u64, Arc<str>>,
}

impl PublicationOrder {
    /// `ordered`: whether the client asked for it in `hello`.
    pub fn new(ordered: bool) -> Self {
        PublicationOrder(ordered.then(Arc::default))
    }

    fn held(&self) -> Option<MutexGuard<'_, Held>> {
        Some(self.0.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Numbers a publication. One that is sent again keeps its number, and so its place.
    pub fn number(&self, ch: &str, key: &str) -> u64 {
        let Some(mut held) = self.held() else { return 0 };
        held.came += 1;
        let number = held.by_channel.get(ch).and_then(|channel| channel.numbers.get(key).copied());
        number.unwrap_or(held.came)
    }

    /// Whether a publication would overtake one that is held.
    pub fn overtakes(&self, ch: &str, key: &str) -> bool {
        let held = self.held();
        let first = held.as_ref().and_then(|held| held.by_channel.get(ch)?.keys.values().next());
        first.is_some_and(|first| **first != *key)
    }

    /// Holds a publication that was refused for now.
    pub fn hold(&self, ch: &str, key: &str, number: u64) {
        let Some(mut held) = self.held() else { return };
        if held.count == HELD_MAX {
            return;
        }
        let channel = held.by_channel.entry(ch.to_owned()).or_default();
        if !channel.numbers.contains_key(key) {
            let key: Arc<str> = key.into();
            channel.numbers.insert(key.clone(), number);
            channel.keys.insert(number, key);
            held.count += 1;
        }
    }

    /// Releases a publication that is being stored, or was refused for good.
    pub fn release(&self, ch: &str, key: &str) {
        let Some(mut held) = self.held() else { return };
        let Some(channel) = held.by_channel.get_mut(ch) else { return };
        let Some(number) = channel.numbers.remove(key) else { return };
        channel.keys.remove(&number);
        if channel.keys.is_empty() {
            held.by_channel.remove(ch);
        }
        held.count -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_publications_wait_for_held_ones() {
        let order = PublicationOrder::new(true);
        order.hold("a", "1", 1);
        order.hold("a", "2", 2);
        assert!(order.overtakes("a", "2"));
        assert!(!order.overtakes("b", "2"), "another channel goes on");
        assert!(!order.overtakes("a", "1"));
        order.release("a", "1");
        assert!(order.overtakes("a", "3"), "2 is still held");
        order.release("a", "2");
        assert!(!order.overtakes("a", "3"));
    }

    #[test]
    fn a_publication_keeps_its_place_when_refused_again() {
        let order = PublicationOrder::new(true);
        for key in ["1", "2"] {
            order.hold("a", key, order.number("a", key));
        }
        let number = order.number("a", "1");
        order.release("a", "1");
        order.hold("a", "1", number);
        assert!(!order.overtakes("a", "1"));
        assert!(order.overtakes("a", "2"));
    }

    #[test]
    fn nothing_is_held_unless_the_client_asks() {
        let order = PublicationOrder::new(false);
        order.hold("a", "1", 1);
        assert!(!order.overtakes("a", "2"));
    }

    #[test]
    fn a_whole_window_is_held_in_order() {
        let order = PublicationOrder::new(true);
        let keys: Vec<_> = (0..HELD_MAX).map(|i| i.to_string()).collect();
        keys.iter().for_each(|key| order.hold("a", key, order.number("a", key)));
        for key in &keys {
            assert!(!order.overtakes("a", key), "{key}");
            assert!(order.overtakes("a", "new"));
            order.release("a", key);
        }
        assert!(!order.overtakes("a", "new"));
        assert!(order.held().unwrap().by_channel.is_empty());
    }
}
