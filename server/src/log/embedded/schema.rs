//! The tables of the embedded store, and a channel's row.
//!
//! Messages are keyed by the channel's *number* instead of its name, so that keys stay short and a channel's messages
//! lie together.

use redb::{ReadableTable, Table, TableDefinition};
use seamline::wire::MessageId;

use crate::log::ChannelInfo;

/// The version of this layout. A store with another version is refused. The journal is part of it: a record has the same
/// effect whenever it is applied.
pub(in crate::log) const VERSION: u64 = 2;

/// The key in [`META`] of the number of commits.
pub(in crate::log) const COMMITS: &str = "commits";
/// The key in [`META`] of the secret seed of [`KEYS`].
pub(in crate::log) const KEY_SEED: &str = "key_seed";
/// `version`, `next_channel`, `commits`, `key_seed`.
pub(in crate::log) const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
/// Channel name → number, epoch, first, head, last id (ms, seq).
pub(in crate::log) const CHANNELS: TableDefinition<&str, ChannelRow> = TableDefinition::new("channels");
/// Channel number, offset → id (ms, seq), payload.
pub(in crate::log) const MESSAGES: TableDefinition<(u64, u64), MessageRow> = TableDefinition::new("messages");
/// Channel number, hash of the idempotency key, offset: where a key may be in [`KEY_ORDER`]. Keys are random, so each
/// one changes another page of this table; without the keys themselves there are fewer pages.
pub(in crate::log) const KEYS: TableDefinition<(u64, u64, u64), ()> = TableDefinition::new("key_hashes");
/// Channel number, offset → id (ms, seq), idempotency key: the keys in the order in which they expire.
pub(in crate::log) const KEY_ORDER: TableDefinition<(u64, u64), KeyOrderRow> =
    TableDefinition::new("key_order");
/// The numbers of deleted channels whose messages and keys are still there.
pub(in crate::log) const DELETED: TableDefinition<u64, ()> = TableDefinition::new("deleted");
/// User, client id, channel → epoch, offset, id (ms, seq) if known, stored at (ms).
pub(in crate::log) const POSITIONS: TableDefinition<PositionRowKey, PositionRow> =
    TableDefinition::new("sync");

pub(in crate::log) type ChannelRow = (u64, &'static str, u64, u64, u64, u64);
pub(in crate::log) type MessageRow = (u64, u64, &'static str);
pub(in crate::log) type KeyOrderRow = (u64, u64, &'static str);
pub(in crate::log) type PositionRowKey = (&'static str, &'static str, &'static str);
pub(in crate::log) type PositionRow = (&'static str, u64, Option<(u64, u64)>, u64);

pub(in crate::log) type ChannelTable<'txn> = Table<'txn, &'static str, ChannelRow>;
pub(in crate::log) type MessageTable<'txn> = Table<'txn, (u64, u64), MessageRow>;
pub(in crate::log) type KeyTable<'txn> = Table<'txn, (u64, u64, u64), ()>;
pub(in crate::log) type KeyOrderTable<'txn> = Table<'txn, (u64, u64), KeyOrderRow>;
pub(in crate::log) type PositionTable<'txn> = Table<'txn, PositionRowKey, PositionRow>;

/// A row of [`CHANNELS`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::log) struct Channel {
    pub number: u64,
    pub epoch: String,
    pub first: u64,
    pub head: u64,
    /// The newest id ever assigned, even if its message is gone: ids only grow.
    pub last_id: MessageId,
}

impl Channel {
    /// A channel before its first message.
    pub fn new(number: u64, epoch: String) -> Self {
        Channel { number, epoch, first: 1, head: 0, last_id: MessageId { ms: 0, seq: 0 } }
    }

    pub fn info(&self) -> ChannelInfo {
        ChannelInfo { epoch: self.epoch.clone(), first: self.first, head: self.head }
    }

    /// The next id. If the clock has not advanced, or has stepped back, the sequence number grows instead.
    pub fn next_id(&self, now_ms: u64) -> MessageId {
        if now_ms > self.last_id.ms {
            MessageId { ms: now_ms, seq: 0 }
        } else {
            MessageId { ms: self.last_id.ms, seq: self.last_id.seq + 1 }
        }
    }

    pub fn load(
        table: &impl ReadableTable<&'static str, ChannelRow>,
        ch: &str,
    ) -> Result<Option<Self>, redb::StorageError> {
        Ok(table.get(ch)?.map(|row| Channel::from_row(row.value())))
    }

    pub fn from_row((number, epoch, first, head, ms, seq): (u64, &str, u64, u64, u64, u64)) -> Self {
        Channel { number, epoch: epoch.to_owned(), first, head, last_id: MessageId { ms, seq } }
    }

    pub fn save(&self, table: &mut ChannelTable<'_>, ch: &str) -> Result<(), redb::StorageError> {
        let MessageId { ms, seq } = self.last_id;
        table.insert(ch, (self.number, self.epoch.as_str(), self.first, self.head, ms, seq))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_when_the_clock_steps_back() {
        let mut channel = Channel::new(1, "e".into());
        let mut next = |now| {
            channel.last_id = channel.next_id(now);
            channel.last_id.to_string()
        };
        assert_eq!(next(1000), "1000-0");
        assert_eq!(next(1000), "1000-1");
        assert_eq!(next(400), "1000-2");
        assert_eq!(next(1001), "1001-0");
    }
}
