//! Everything that a channel's log ever had: what it has at the end, what Redis had stored, and what was dispatched. An
//! embedded log does not show what it has trimmed, so only dispatched messages fill that in. Gaps are checked against
//! this.

use std::collections::{BTreeMap, HashMap};

use seamline::wire::MessageId;

use crate::aof::Stored;
use crate::cluster::ChannelLog;
use crate::record::{Acknowledged, Key, Observed};

/// When the log lost everything: from, to, in ms.
pub type Emptied = [(u64, u64)];

/// The history of one channel.
#[derive(Default)]
pub struct History<'a> {
    epochs: HashMap<&'a str, BTreeMap<u64, (MessageId, Key)>>,
    ids: HashMap<MessageId, (u64, Key)>,
    /// What was acknowledged in a log that never was another one: clients may have seen none of it before it was trimmed.
    acknowledged: BTreeMap<u64, MessageId>,
    /// Two different messages at one offset.
    pub conflicts: Vec<String>,
}

impl<'a> History<'a> {
    pub fn of(
        log: &'a ChannelLog,
        stored: impl Iterator<Item = &'a Stored>,
        observed: impl Iterator<Item = &'a [Observed]>,
    ) -> Self {
        let mut history = History::default();
        stored.for_each(|it| history.add(&it.epoch, it.offset, it.id, it.key));
        for (offset, id, key) in &log.messages {
            history.add(&log.epoch, *offset, *id, *key);
        }
        for observed in observed {
            let mut epoch = "";
            for observed in observed {
                match observed {
                    Observed::Attached(position, _) | Observed::Gap(_, position, _) => {
                        epoch = &position.epoch
                    }
                    Observed::Message(offset, id, key) => history.add(epoch, *offset, *id, *key),
                }
            }
        }
        history
    }

    /// Adds what was acknowledged, for the times at which messages were trimmed. Each must be in the log otherwise.
    pub fn add_acknowledged<'b>(&mut self, acknowledged: impl Iterator<Item = &'b Acknowledged>) {
        self.acknowledged.extend(acknowledged.map(|it| (it.offset, it.id)));
    }

    fn add(&mut self, epoch: &'a str, offset: u64, id: MessageId, key: Key) {
        let known = *self.epochs.entry(epoch).or_default().entry(offset).or_insert((id, key));
        if known != (id, key) {
            self.conflicts.push(format!(
                "offset {offset} of {epoch} has two messages: {id} {key} and {} {}",
                known.0, known.1
            ));
        }
        self.ids.insert(id, (offset, key));
    }

    /// The message with this id.
    pub fn by_id(&self, id: MessageId) -> Option<(u64, Key)> {
        self.ids.get(&id).copied()
    }

    /// Whether a message at this offset is known.
    pub fn has(&self, epoch: &str, offset: u64) -> bool {
        self.epochs.get(epoch).is_some_and(|messages| messages.contains_key(&offset))
    }

    /// Keys that occur more than once in one epoch.
    pub fn stored_twice(&self) -> Vec<Key> {
        let mut twice = Vec::new();
        for messages in self.epochs.values() {
            let mut seen = std::collections::HashSet::new();
            twice.extend(messages.values().map(|(_, key)| *key).filter(|key| !seen.insert(*key)));
        }
        twice
    }

    /// Whether a message was trimmed by this time. That happens when the message `retain` offsets later is stored.
    pub fn was_trimmed(&self, epoch: &str, offset: u64, at_ms: u64, retain: u64) -> bool {
        let Some(messages) = self.epochs.get(epoch) else { return false };
        // Ids only grow: if that message is unknown, a later one shows that it had been stored.
        let observed = messages.range(offset + retain..).next().map(|(_, (id, _))| id);
        let acknowledged = self.acknowledged.range(offset + retain..).next().map(|(_, id)| id);
        observed.into_iter().chain(acknowledged).any(|id| id.ms <= at_ms)
    }

    /// Whether the log was emptied between two epochs, the second of which a client observed at this time.
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
