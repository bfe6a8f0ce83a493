//! Publications of one channel are stored in the order in which the client sent them first, also where one of them
//! is refused for now: those behind it are refused too, until all of these have come again, in that order.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Maximum held publications per socket. Beyond it, order is not guaranteed; the client has at most 64 unanswered.
const HELD_MAX: usize = 128;

/// The publications of a socket that were refused for now and are to come again. Only for clients that send such
/// publications again.
#[derive(Clone)]
pub(in crate::ws) struct Held(Option<Arc<Mutex<Channels>>>);

#[derive(Default)]
struct Channels {
    /// Of each channel, the keys by when they came first.
    by_name: HashMap<String, BTreeMap<u64, String>>,
    /// How many there are in all.
    count: usize,
    /// How many publications came in all.
    came: u64,
}

impl Held {
    /// `ordered`: what the client has said in `hello`.
    pub fn new(ordered: bool) -> Self {
        Held(ordered.then(Arc::default))
    }

    fn channels(&self) -> Option<MutexGuard<'_, Channels>> {
        Some(self.0.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Numbers a publication that came. One that comes again keeps its number, and so its place.
    pub fn number(&self, ch: &str, key: &str) -> u64 {
        let Some(mut channels) = self.channels() else { return 0 };
        channels.came += 1;
        let held = channels.by_name.get(ch).and_then(|keys| keys.iter().find(|(_, held)| *held == key));
        held.map_or(channels.came, |(number, _)| *number)
    }

    /// Whether a publication would overtake one that is to come again.
    pub fn overtakes(&self, ch: &str, key: &str) -> bool {
        let channels = self.channels();
        let first = channels.as_ref().and_then(|channels| channels.by_name.get(ch)?.values().next());
        first.is_some_and(|first| first != key)
    }

    /// A publication was refused for now.
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

    /// A publication is on its way to the log, or was refused for good.
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
    fn later_publications_wait_for_all_that_were_refused() {
        let held = Held::new(true);
        held.hold("a", "1", 1);
        held.hold("a", "2", 2);
        assert!(held.overtakes("a", "2"));
        assert!(!held.overtakes("b", "2"), "another channel goes on");
        assert!(!held.overtakes("a", "1"));
        held.release("a", "1");
        assert!(held.overtakes("a", "3"), "2 has not come again yet");
        held.release("a", "2");
        assert!(!held.overtakes("a", "3"));
    }

    #[test]
    fn a_publication_keeps_its_place_when_the_log_fails_again() {
        let held = Held::new(true);
        for key in ["1", "2"] {
            held.hold("a", key, held.number("a", key));
        }
        let number = held.number("a", "1");
        held.release("a", "1");
        held.hold("a", "1", number);
        assert!(!held.overtakes("a", "1"));
        assert!(held.overtakes("a", "2"));
    }

    #[test]
    fn a_client_that_does_not_ask_for_order_is_not_held_up() {
        let held = Held::new(false);
        held.hold("a", "1", 1);
        assert!(!held.overtakes("a", "2"));
    }
}
