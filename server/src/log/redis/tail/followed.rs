//! The channels that the reader follows: how far each has been read, and which are read next.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use seamline::wire::MessageId;
use tracing::{debug, warn};

use super::put_off::PutOff;
use crate::log::redis::scripts::Seen;

/// See the module. Channels go by the key of their stream.
#[derive(Default)]
pub(super) struct Channels {
    followed: HashMap<Arc<str>, Followed>,
    /// Channels that a wake-up named. They are read first.
    woken: VecDeque<Arc<str>>,
    /// Channels that are read for another reason.
    others: VecDeque<Arc<str>>,
    /// Channels that are followed since the listener last looked, or no longer. `None` without a listener: a new one
    /// starts with all.
    changed: Option<Vec<Arc<str>>>,
    /// What a sweep has found before a wake-up: the newest message of each channel. The wake-up may still arrive.
    unannounced: HashMap<Arc<str>, MessageId>,
    /// Channels that could not be read because their slots were moving.
    put_off: PutOff,
}

/// A channel that the reader follows.
pub(super) struct Followed {
    ch: Box<str>,
    /// The last message that was read.
    pub seen: Seen,
    /// The last entry that was read: that message, or a foreign entry after it.
    pub read_to: MessageId,
    /// The newest message that a wake-up announced.
    woken_to: MessageId,
    /// Why the channel is read next, if it is.
    queued: Option<Why>,
    /// Whether a foreign entry has been logged.
    foreign_logged: bool,
}

/// Why a channel is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// A wake-up named it.
    Woken,
    /// Wake-ups may have been missed: its subscription is new, or its last read was incomplete.
    CatchUp,
    /// It is its turn.
    Sweep,
}

/// A channel to read.
#[derive(Clone)]
pub(super) struct ToRead {
    pub key: Arc<str>,
    pub after: MessageId,
    pub why: Why,
}

impl Channels {
    pub fn contains(&self, key: &str) -> bool {
        self.followed.contains_key(key)
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut Followed> {
        self.followed.get_mut(key)
    }

    pub fn len(&self) -> usize {
        self.followed.len()
    }

    pub fn keys(&self) -> Vec<Arc<str>> {
        self.followed.keys().cloned().collect()
    }

    /// The channels for which this is true of their name.
    pub fn keys_where(&self, condition: impl Fn(&str) -> bool) -> Vec<Arc<str>> {
        let chosen = self.followed.iter().filter(|(_, followed)| condition(&followed.ch));
        chosen.map(|(key, _)| key.clone()).collect()
    }

    /// Follows a channel. Returns `false` if it is followed already.
    #[must_use]
    pub fn follow(&mut self, key: &str, followed: Followed) -> bool {
        let is_new = !self.contains(key);
        if is_new {
            let key = Arc::<str>::from(key);
            self.followed.insert(key.clone(), followed);
            self.change(key);
        }
        is_new
    }

    /// Stops following a channel. Returns how far it was read.
    pub fn remove(&mut self, key: &str) -> Option<Followed> {
        let (key, followed) = self.followed.remove_entry(key)?;
        self.unannounced.remove(&key);
        self.change(key);
        Some(followed)
    }

    /// A wake-up announced a message. Returns whether it is to be read.
    pub fn wake(&mut self, key: &str, id: MessageId) -> bool {
        if !self.unannounced.is_empty() && self.unannounced.get(key).is_some_and(|found| *found <= id) {
            self.unannounced.remove(key);
        }
        let Some(followed) = self.followed.get_mut(key).filter(|followed| id > followed.read_to) else {
            return false;
        };
        followed.woken_to = followed.woken_to.max(id);
        self.queue(key, Why::Woken);
        true
    }

    /// Queues a channel to be read, if it is followed.
    pub fn queue(&mut self, key: &str, why: Why) {
        let Some((shared, _)) = self.followed.get_key_value(key) else { return };
        let shared = shared.clone();
        let Some(followed) = self.followed.get_mut(key) else { return };
        match (followed.queued, why) {
            (Some(Why::Woken), _) | (Some(_), Why::CatchUp | Why::Sweep) => {}
            (_, Why::Woken) => {
                self.woken.push_back(shared);
                followed.queued = Some(Why::Woken);
            }
            (None, _) => {
                self.others.push_back(shared);
                followed.queued = Some(why);
            }
        }
    }

    /// The slot of a channel is moving: [`retry`](Self::retry) queues it again.
    pub fn put_off(&mut self, key: &str) {
        if let Some((key, _)) = self.followed.get_key_value(key) {
            self.put_off.add(key.clone());
        }
    }

    /// Queues some of the channels that were put off.
    pub fn retry(&mut self, max: usize) {
        for key in self.put_off.take(max) {
            self.queue(&key, Why::CatchUp);
        }
    }

    /// Takes the channels to read next, those that were woken first. A channel without listeners is dropped.
    pub fn next(&mut self, max: usize, has_listeners: impl Fn(&str) -> bool) -> Vec<ToRead> {
        let mut batch = Vec::new();
        while batch.len() < max {
            let Some(key) = self.woken.pop_front().or_else(|| self.others.pop_front()) else { break };
            // It is in both queues if a wake-up came later, and none if it was dropped meanwhile.
            let Some(followed) = self.followed.get_mut(&key) else { continue };
            let Some(why) = followed.queued.take() else { continue };
            if !has_listeners(&followed.ch) {
                self.remove(&key);
                continue;
            }
            // The read before this one may have gone further than the wake-up.
            if why != Why::Woken || followed.woken_to > followed.read_to {
                batch.push(ToRead { key, after: followed.read_to, why });
            }
        }
        batch
    }

    /// A sweep has read this channel. If it found messages, a wake-up may still announce them until the next sweep.
    pub fn swept(&mut self, key: &Arc<str>, after: MessageId) {
        if let Some(followed) = self.followed.get(key).filter(|followed| followed.seen.id > after) {
            self.unannounced.insert(key.clone(), followed.seen.id);
        }
    }

    /// Whether messages that the sweep before this one found were not announced since.
    pub fn take_unannounced(&mut self, key: &str) -> bool {
        !self.unannounced.is_empty() && self.unannounced.remove(key).is_some()
    }

    /// A listener starts: its subscriptions have to change for all channels.
    pub fn start_listening(&mut self) {
        self.changed = Some(self.keys());
    }

    /// The listener has ended.
    pub fn stop_listening(&mut self) {
        self.changed = None;
    }

    /// Takes some of the channels that are followed since the listener last looked, or no longer.
    pub fn take_changed(&mut self, max: usize) -> Vec<Arc<str>> {
        let Some(changed) = &mut self.changed else { return Vec::new() };
        changed.drain(..changed.len().min(max)).collect()
    }

    fn change(&mut self, key: Arc<str>) {
        if let Some(changed) = &mut self.changed {
            changed.push(key);
        }
    }
}

impl Followed {
    /// Follows a channel from its state at the moment.
    pub fn from(ch: &str, seen: Seen) -> Self {
        let read_to = seen.id;
        Followed { ch: ch.into(), seen, read_to, woken_to: read_to, queued: None, foreign_logged: false }
    }

    /// As another reader takes it over, which has queues of its own.
    pub fn unqueued(self) -> Self {
        Followed { queued: None, ..self }
    }

    pub fn ch(&self) -> &str {
        &self.ch
    }

    /// Starts over from another state.
    pub fn start_over(&mut self, seen: Seen) {
        (self.read_to, self.woken_to) = (seen.id, seen.id);
        (self.seen, self.foreign_logged) = (seen, false);
    }

    /// Skips a foreign entry. There may be many, so only the first one is a warning.
    pub fn skip(&mut self, id: MessageId) {
        match self.foreign_logged {
            true => debug!(ch = self.ch(), %id, "skipped another foreign entry"),
            false => warn!(
                ch = self.ch(), %id,
                "skipped an entry that is no message of this log; check who writes to it"
            ),
        }
        self.foreign_logged = true;
        self.read_to = id;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> MessageId {
        MessageId { ms, seq: 0 }
    }

    fn following(keys: &[&str]) -> Channels {
        let mut channels = Channels::default();
        for key in keys {
            let seen = Seen { epoch: "e".into(), offset: 5, id: at(5) };
            assert!(channels.follow(key, Followed::from(key, seen)));
        }
        channels
    }

    fn next(channels: &mut Channels) -> Vec<(String, Why)> {
        let batch = channels.next(10, |ch| ch != "unheard");
        batch.into_iter().map(|read| (read.key.to_string(), read.why)).collect()
    }

    #[test]
    fn woken_channels_are_read_first_and_once() {
        let mut channels = following(&["a", "b", "c", "unheard"]);
        for key in ["a", "b", "unheard"] {
            channels.queue(key, Why::Sweep);
        }
        for key in ["c", "b", "c", "unknown"] {
            channels.wake(key, at(6));
        }
        let expected = [("c", Why::Woken), ("b", Why::Woken), ("a", Why::Sweep)];
        assert_eq!(next(&mut channels), expected.map(|(key, why)| (key.to_owned(), why)));
        assert!(next(&mut channels).is_empty());
        assert!(!channels.contains("unheard"));
    }

    #[test]
    fn wakeups_of_read_messages_are_ignored() {
        let mut channels = following(&["a"]);
        assert!(!channels.wake("a", at(5)));
        assert!(channels.wake("a", at(6)));
        // A read that had begun before goes further.
        channels.get_mut("a").unwrap().read_to = at(7);
        assert!(next(&mut channels).is_empty());
        assert!(channels.wake("a", at(8)));
        assert_eq!(next(&mut channels).len(), 1);
    }

    #[test]
    fn late_wakeups_do_not_count_as_missed() {
        let mut channels = following(&["a", "b"]);
        for key in ["a", "b"] {
            channels.get_mut(key).unwrap().seen.id = at(6);
            channels.swept(&key.into(), at(5));
        }
        channels.wake("a", at(6));
        assert!(!channels.take_unannounced("a"));
        assert!(channels.take_unannounced("b") && !channels.take_unannounced("b"));
        channels.swept(&"a".into(), at(6));
        assert!(!channels.take_unannounced("a"), "it has found nothing");
    }

    #[test]
    fn a_listener_learns_every_change() {
        let mut channels = following(&["a"]);
        assert!(channels.take_changed(10).is_empty());
        channels.start_listening();
        channels.remove("a");
        let seen = Seen { epoch: "e".into(), offset: 0, id: at(0) };
        assert!(channels.follow("b", Followed::from("b", seen.clone())));
        assert!(!channels.follow("b", Followed::from("b", seen)));
        let changed: Vec<_> = std::iter::from_fn(|| channels.take_changed(1).pop()).collect();
        assert_eq!(changed, ["a", "a", "b"].map(Arc::from));
        channels.stop_listening();
        assert!(channels.take_changed(10).is_empty());
    }
}
