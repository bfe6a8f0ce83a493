//! What a channel's log has ever had: what is in it in the end, what Redis had stored, and what was dispatched. An
//! embedded log does not tell what it has trimmed, so there only the last of these does. By this a gap is judged.

use std::collections::{BTreeMap, HashMap};

use seamline::wire::MessageId;

use crate::aof::Stored;
use crate::record::{Key, Told};
use crate::world::ChannelLog;

/// When everything was taken from the log: from, to, in ms.
pub type Emptied = [(u64, u64)];

/// See the module.
#[derive(Default)]
pub struct History<'a> {
    epochs: HashMap<&'a str, BTreeMap<u64, (MessageId, Key)>>,
    ids: HashMap<MessageId, (u64, Key)>,
    /// Two different messages at one place.
    pub conflicts: Vec<String>,
}

impl<'a> History<'a> {
    pub fn of(
        log: &'a ChannelLog,
        stored: impl Iterator<Item = &'a Stored>,
        told: impl Iterator<Item = &'a [Told]>,
    ) -> Self {
        let mut history = History::default();
        stored.for_each(|it| history.add(&it.epoch, it.offset, it.id, it.key));
        for (offset, id, key) in &log.messages {
            history.add(&log.epoch, *offset, *id, *key);
        }
        for told in told {
            let mut epoch = "";
            for told in told {
                match told {
                    Told::Attached(position, _) | Told::Gap(_, position, _) => epoch = &position.epoch,
                    Told::Message(offset, id, key) => history.add(epoch, *offset, *id, *key),
                }
            }
        }
        history
    }

    fn add(&mut self, epoch: &'a str, offset: u64, id: MessageId, key: Key) {
        let known = *self.epochs.entry(epoch).or_default().entry(offset).or_insert((id, key));
        if known != (id, key) {
            self.conflicts
                .push(format!("offset {offset} of {epoch} is {id} {key}, and {} {}", known.0, known.1));
        }
        self.ids.insert(id, (offset, key));
    }

    /// What is known by an id.
    pub fn by_id(&self, id: MessageId) -> Option<(u64, Key)> {
        self.ids.get(&id).copied()
    }

    /// Keys that one epoch has more than once.
    pub fn stored_twice(&self) -> Vec<Key> {
        let mut twice = Vec::new();
        for messages in self.epochs.values() {
            let mut seen = std::collections::HashSet::new();
            twice.extend(messages.values().map(|(_, key)| *key).filter(|key| !seen.insert(*key)));
        }
        twice
    }

    /// Whether a message was trimmed at a time already. It goes when the one that is `retain` further comes.
    pub fn was_trimmed(&self, epoch: &str, offset: u64, at_ms: u64, retain: u64) -> bool {
        let Some(messages) = self.epochs.get(epoch) else { return false };
        // Ids only grow: if that one is not known, one after it shows that it had come.
        let successor = messages.range(offset + retain..).next();
        successor.is_some_and(|(_, (id, _))| id.ms <= at_ms)
    }

    /// Whether the log was emptied between an epoch and one that a client was told of at a time.
    pub fn was_emptied(&self, old: &str, new: &str, at_ms: u64, emptied: &Emptied) -> bool {
        let ms = |entry: Option<(&u64, &(MessageId, Key))>| entry.map(|(_, (id, _))| id.ms);
        let newest = self.epochs.get(old).and_then(|messages| ms(messages.last_key_value()));
        let oldest = self.epochs.get(new).and_then(|messages| ms(messages.first_key_value()));
        old != new
            && emptied.iter().any(|(from, to)| {
                newest.is_none_or(|ms| ms <= *to) && oldest.is_none_or(|ms| ms >= *from) && *from <= at_ms
            })
    }
}
