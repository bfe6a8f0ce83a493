//! The idempotency keys of all channels.

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, StorageError, TableError, WriteTransaction};
use seamline::wire::MessageId;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::schema::{KEY_ORDER, KEY_SEED, KEYS, KeyOrderRow, KeyOrderTable, KeyTable, META};

/// The tables of the keys in one transaction.
pub(in crate::log) struct Keys<'txn> {
    hashes: KeyTable<'txn>,
    order: KeyOrderTable<'txn>,
    seed: u64,
}

/// A key and its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::log) struct KeyEntry {
    pub key: String,
    pub offset: u64,
    pub id: MessageId,
}

impl<'txn> Keys<'txn> {
    pub fn open(txn: &'txn WriteTransaction) -> Result<Self, TableError> {
        let seed = seed(&txn.open_table(META)?)?;
        Ok(Keys { hashes: txn.open_table(KEYS)?, order: txn.open_table(KEY_ORDER)?, seed })
    }

    /// The message that was appended under a key.
    pub fn find(&self, channel: u64, key: &str) -> Result<Option<(u64, MessageId)>, StorageError> {
        let hash = self.hash(key);
        for row in self.hashes.range((channel, hash, 0)..=(channel, hash, u64::MAX))? {
            let (_, _, offset) = row?.0.value();
            if let Some(row) = self.order.get((channel, offset))? {
                let (ms, seq, found) = row.value();
                if found == key {
                    return Ok(Some((offset, MessageId { ms, seq })));
                }
            }
        }
        Ok(None)
    }

    pub fn insert(
        &mut self,
        channel: u64,
        key: &str,
        offset: u64,
        id: MessageId,
    ) -> Result<(), StorageError> {
        self.hashes.insert((channel, self.hash(key), offset), ())?;
        self.order.insert((channel, offset), (id.ms, id.seq, key))?;
        Ok(())
    }

    /// Drops the oldest key of a channel if its offset is below this one and it is older than this. Returns whether it
    /// was.
    pub fn drop_oldest(&mut self, channel: u64, below: u64, oldest_ms: u64) -> Result<bool, StorageError> {
        let Some((offset, hash)) = self.oldest(channel, below, oldest_ms)? else { return Ok(false) };
        self.hashes.remove((channel, hash, offset))?;
        self.order.remove((channel, offset))?;
        Ok(true)
    }

    fn oldest(&self, channel: u64, below: u64, oldest_ms: u64) -> Result<Option<(u64, u64)>, StorageError> {
        let oldest = self.order.range((channel, 0)..(channel, below))?.next().transpose()?;
        Ok(oldest.and_then(|(at, row)| {
            let (ms, _, key) = row.value();
            (ms < oldest_ms).then(|| (at.value().1, self.hash(key)))
        }))
    }

    fn hash(&self, key: &str) -> u64 {
        xxh3_64_with_seed(key.as_bytes(), self.seed)
    }
}

/// The keys of a channel, in the order of their messages.
pub(in crate::log) fn entries(
    txn: &ReadTransaction,
    channel: u64,
) -> Result<impl Iterator<Item = Result<KeyEntry, StorageError>>, redb::Error> {
    let table: ReadOnlyTable<(u64, u64), KeyOrderRow> = txn.open_table(KEY_ORDER)?;
    Ok(table.range((channel, 0)..=(channel, u64::MAX))?.map(|row| {
        let (at, row) = row?;
        let (ms, seq, key) = row.value();
        Ok(KeyEntry { key: key.to_owned(), offset: at.value().1, id: MessageId { ms, seq } })
    }))
}

/// Whether the index leads to this key.
pub(in crate::log) fn is_indexed(
    txn: &ReadTransaction,
    channel: u64,
    entry: &KeyEntry,
) -> Result<bool, redb::Error> {
    let hash = xxh3_64_with_seed(entry.key.as_bytes(), seed(&txn.open_table(META)?)?);
    Ok(txn.open_table(KEYS)?.get((channel, hash, entry.offset))?.is_some())
}

/// Without the seed, nobody can choose keys with the same hash.
fn seed(meta: &impl ReadableTable<&'static str, u64>) -> Result<u64, StorageError> {
    Ok(meta.get(KEY_SEED)?.map_or(0, |seed| seed.value()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use redb::{Database, backends::InMemoryBackend};

    #[test]
    fn keys_with_the_same_hash_stay_distinct() {
        let db = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        let txn = db.begin_write().unwrap();
        let mut keys = Keys::open(&txn).unwrap();
        let id = MessageId { ms: 1, seq: 0 };
        keys.insert(1, "b", 2, id).unwrap();
        keys.order.insert((1, 1), (1, 0, "other")).unwrap();
        let hash = keys.hash("b");
        keys.hashes.insert((1, hash, 1), ()).unwrap(); // as if `other` had the hash of `b`
        assert_eq!(keys.find(1, "b").unwrap(), Some((2, id)));
        assert_eq!(keys.find(1, "other").unwrap(), None);
        assert_eq!(keys.find(2, "b").unwrap(), None);
    }
}
