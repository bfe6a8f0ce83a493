//! Keeps the order of publications. Those of one channel are stored in the order in which the client first sent them.
//! If one is refused for now, those behind it are refused too, until all of them have been sent again, in that order.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many publications of a socket are held. Beyond that, the order is not guaranteed. A client has at most 64
/// unanswered.
const HELD_MAX: usize = 128;

/// The publications of a socket that are held: they were refused for now, and will be sent again. Only for clients that
/// do that.
#[derive(Clone)]
pub(in crate::ws::connection) struct PublicationOrder(Option<Arc<Mutex<Channels>>>);

#[derive(Default)]
struct Channels {
    /// The keys of each channel, in the order in which they first came.
    by_name: HashMap<String, BTreeMap<u64, String>>,
    /// How many keys there are in all.
    count: usize,
    /// How many publications have come in all.
    came: u64,
}

impl PublicationOrder {
    /// `ordered`: whether the client asked for it in `hello`.
    pub fn new(ordered: bool) -> Self {
        PublicationOrder(ordered.then(Arc::default))
    }

    fn channels(&self) -> Option<MutexGuard<'_, Channels>> {
        Some(self.0.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Numbers a publication. One that is sent again keeps its number, and so its place.
    pub fn number(&self, ch: &str, key: &str) -> u64 {
        let Some(mut channels) = self.channels() else { return 0 };
        channels.came += 1;
        let held = channels.by_name.get(ch).and_then(|keys| keys.iter().find(|(_, held)| *held == key));
        held.map_or(channels.came, |(number, _)| *number)
    }

    /// Whether a publication would overtake one that is held.
    pub fn overtakes(&self, ch: &str, key: &str) -> bool {
        let channels = self.channels();
        let first = channels.as_ref().and_then(|channels| channels.by_name.get(ch)?.values().next());
        first.is_some_and(|first| first != key)
    }

    /// Holds a publication that was refused for now.
    pub fn hold(&self, ch: &str, key: &str, number: u64) {
        let Some(mut channels) = self.channels() else { return };
        if channels.count == HELD_MAX {
            return;
        }
        let keys = channels.by_name.entry(ch.to_owned()).or_default();
        if !keys.values().any(|held| held == key) {
            keys.insert(number, key.to_owned());
            channels.count += 1;
        }
    }

    /// Releases a publication that is being stored, or was refused for good.
    pub fn release(&self, ch: &str, key: &str) {
        let Some(mut channels) = self.channels() else { return };
        let Some(keys) = channels.by_name.get_mut(ch) else { return };
        let Some(number) = keys.iter().find_map(|(number, held)| (held == key).then_some(*number)) else {
            return;
        };
        keys.remove(&number);
        if keys.is_empty() {
            channels.by_name.remove(ch);
        }
        channels.count -= 1;
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
}
