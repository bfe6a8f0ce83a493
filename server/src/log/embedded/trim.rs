//! Dropping messages, keys and positions that are past their retention.

use redb::{ReadableTable, StorageError, WriteTransaction};

use super::schema::{
    CHANNELS, Channel, KEY_ORDER, KEYS, KeyOrderTable, KeyTable, MESSAGES, MessageTable, POSITIONS,
};
use crate::log::retention::{KEY_AGE_MIN, POSITION_AGE_MAX, Retention};
use crate::time::millis;

/// How many rows one sweep may remove: publishers wait while the writer sweeps.
const SWEEP_ROWS_MAX: usize = 10_000;

/// Trims channels in one transaction.
pub(super) struct Trimmer<'txn> {
    messages: MessageTable<'txn>,
    keys: KeyTable<'txn>,
    key_order: KeyOrderTable<'txn>,
    now_ms: u64,
    rows_left: usize,
}

impl<'txn> Trimmer<'txn> {
    pub fn open(txn: &'txn WriteTransaction, now_ms: u64) -> Result<Self, redb::TableError> {
        Ok(Trimmer {
            messages: txn.open_table(MESSAGES)?,
            keys: txn.open_table(KEYS)?,
            key_order: txn.open_table(KEY_ORDER)?,
            now_ms,
            rows_left: SWEEP_ROWS_MAX,
        })
    }

    /// Whether the limit is reached, so that another sweep has to go on.
    pub fn spent(&self) -> bool {
        self.rows_left == 0
    }

    /// Drops the oldest messages and keys of a channel. Returns whether `channel.first` has moved.
    pub fn trim(&mut self, channel: &mut Channel, retention: Retention) -> Result<bool, StorageError> {
        let before = channel.first;
        let keep_from = (channel.head + 1).saturating_sub(retention.messages);
        while channel.first < keep_from && self.rows_left > 0 {
            self.drop_first(channel)?;
        }
        if let Some(age) = retention.age {
            let oldest_ms = self.now_ms.saturating_sub(millis(age));
            while self.rows_left > 0 && self.first_ms(channel)?.is_some_and(|ms| ms < oldest_ms) {
                self.drop_first(channel)?;
            }
        }
        self.trim_keys(channel)?;
        Ok(channel.first != before)
    }

    fn drop_first(&mut self, channel: &mut Channel) -> Result<(), StorageError> {
        self.messages.remove((channel.number, channel.first))?;
        channel.first += 1;
        self.rows_left -= 1;
        Ok(())
    }

    fn first_ms(&self, channel: &Channel) -> Result<Option<u64>, StorageError> {
        Ok(self.messages.get((channel.number, channel.first))?.map(|row| row.value().0))
    }

    /// A key is dropped when its message is gone *and* it is old enough.
    fn trim_keys(&mut self, channel: &Channel) -> Result<(), StorageError> {
        let oldest_ms = self.now_ms.saturating_sub(millis(KEY_AGE_MIN));
        while self.rows_left > 0 {
            let gone = (channel.number, 0)..(channel.number, channel.first);
            let Some(row) = self.key_order.range(gone)?.next().transpose()? else { break };
            let ((_, offset), (ms, key)) = (row.0.value(), row.1.value());
            if ms >= oldest_ms {
                break;
            }
            self.keys.remove((channel.number, key))?;
            drop(row);
            self.key_order.remove((channel.number, offset))?;
            self.rows_left -= 1;
        }
        Ok(())
    }
}

/// Trims every channel, up to a limit of rows. Returns whether more is left to do.
pub(super) fn sweep(txn: &WriteTransaction, retention: Retention, now_ms: u64) -> Result<bool, redb::Error> {
    let mut trimmer = Trimmer::open(txn, now_ms)?;
    let mut channels = txn.open_table(CHANNELS)?;
    let names: Vec<String> =
        channels.iter()?.map(|row| Ok(row?.0.value().to_owned())).collect::<Result<_, StorageError>>()?;
    for ch in names {
        if trimmer.spent() {
            break;
        }
        if let Some(mut channel) = Channel::load(&channels, &ch)?
            && trimmer.trim(&mut channel, retention)?
        {
            channel.save(&mut channels, &ch)?;
        }
    }
    let oldest_ms = now_ms.saturating_sub(millis(POSITION_AGE_MAX));
    txn.open_table(POSITIONS)?.retain(|_, (_, _, _, stored_ms)| stored_ms >= oldest_ms)?;
    Ok(trimmer.spent())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::embedded::tables::Tables;
    use crate::log::{Append, PositionKey};
    use redb::{Database, backends::InMemoryBackend};
    use seamline::wire::Position;

    const HOUR_MS: u64 = 3_600_000;
    const RETENTION: Retention = Retention { messages: 2, age: None };

    /// Publishes with a key at a time; returns the offset, and whether the key was known.
    fn publish(db: &Database, key: &str, now_ms: u64) -> (u64, bool) {
        let txn = db.begin_write().unwrap();
        let mut tables = Tables::open(&txn, now_ms).unwrap();
        let append = Append { ch: "c".into(), key: Some(key.into()), data: "1".into() };
        let (appended, _) = tables.append(&append).unwrap();
        tables.finish(RETENTION, &txn).unwrap();
        txn.commit().unwrap();
        (appended.offset, appended.duplicate)
    }

    #[test]
    fn a_key_outlives_its_message_for_a_day() {
        let db = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        let start = 1_000 * HOUR_MS;
        for (i, key) in ["a", "b", "c"].iter().enumerate() {
            assert_eq!(publish(&db, key, start), (i as u64 + 1, false));
        }
        // The message of `a` is trimmed, its key is young; that of `b` will be old, but its message stays.
        assert_eq!(publish(&db, "a", start + 23 * HOUR_MS), (1, true));
        assert_eq!(publish(&db, "b", start + 50 * HOUR_MS), (2, true));
        assert_eq!(publish(&db, "a", start + 50 * HOUR_MS), (4, false), "trimmed and old: forgotten");
    }

    #[test]
    fn a_position_is_kept_for_thirty_days() {
        let db = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        publish(&db, "a", HOUR_MS);
        let txn = db.begin_write().unwrap();
        {
            let mut tables = Tables::open(&txn, HOUR_MS).unwrap();
            let epoch = tables.channel("c").unwrap().epoch.clone();
            let key =
                PositionKey { user: "ada".into(), client_id: "tab".into(), page_load: None, ch: "c".into() };
            tables.store_position(&key, &Position { epoch, offset: 1, id: None }).unwrap();
        }
        let left = |now_ms| {
            sweep(&txn, RETENTION, now_ms).unwrap();
            redb::ReadableTableMetadata::len(&txn.open_table(POSITIONS).unwrap()).unwrap()
        };
        assert_eq!(left(HOUR_MS + 29 * 24 * HOUR_MS), 1);
        assert_eq!(left(HOUR_MS + 31 * 24 * HOUR_MS), 0);
    }
}
