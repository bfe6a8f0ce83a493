//! Dropping messages, keys and positions that are past their retention.

use redb::{ReadableTable, StorageError, WriteTransaction};
use serde::{Deserialize, Serialize};

use super::keys::Keys;
use super::removal::drop_deleted;
use super::schema::{CHANNELS, Channel, MESSAGES, MessageRow, MessageTable, POSITIONS};
use super::tables::Context;
use crate::log::retention::POSITION_AGE_MAX;
use crate::time::millis;

/// How many rows one step may remove: publishers wait meanwhile.
pub(super) const STEP_ROWS_MAX: usize = 64;
/// How many rows a group may remove for each of its commands, besides. It adds at most two, so the log can shrink.
const ROWS_PER_COMMAND: usize = 4;

/// How many rows a group of so many commands may remove from the channels that it has touched.
pub(super) fn group_rows_max(commands: usize) -> usize {
    STEP_ROWS_MAX + ROWS_PER_COMMAND * commands
}

/// A bounded piece of dropping. It is a part of the journal's records: applied again, it drops the same rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Step {
    pub expired: Expired,
    /// How many rows it may remove.
    pub rows_max: usize,
}

impl Step {
    /// How many rows it drops at most.
    pub fn most_rows(&self) -> usize {
        match &self.expired {
            Expired::Positions(names) => names.len(),
            _ => self.rows_max,
        }
    }
}

/// What a step has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dropped {
    pub rows: usize,
    /// Whether the limit was reached, so that another step has to go on.
    pub more: bool,
}

/// What is to be dropped. A [sweep](super::sweep) finds it on a snapshot, without the writer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Expired {
    /// Channels with messages or keys that are past their retention.
    Channels(Vec<String>),
    /// Acknowledged positions that are too old.
    Positions(Vec<PositionName>),
    /// What a deleted channel has left, by its number.
    Deleted(u64),
    /// The messages of a channel up to an offset, as long as it has this epoch.
    Messages { ch: String, epoch: String, through: u64 },
}

/// User, client, channel.
pub(super) type PositionName = (String, String, String);

/// Trims channels in one transaction.
pub(super) struct Trimmer<'txn> {
    messages: MessageTable<'txn>,
    keys: Keys<'txn>,
    context: Context,
    rows: usize,
    rows_max: usize,
}

impl<'txn> Trimmer<'txn> {
    pub fn new(messages: MessageTable<'txn>, keys: Keys<'txn>, context: Context, rows_max: usize) -> Self {
        Trimmer { messages, keys, context, rows: 0, rows_max }
    }

    pub fn dropped(&self) -> Dropped {
        Dropped { rows: self.rows, more: self.is_spent() }
    }

    fn is_spent(&self) -> bool {
        self.rows == self.rows_max
    }

    /// Drops the oldest messages and keys of a channel. Returns whether `channel.first` has moved.
    pub fn trim(&mut self, channel: &mut Channel) -> Result<bool, StorageError> {
        let (before, retention) = (channel.first, self.context.retention);
        let keep_from = (channel.head + 1).saturating_sub(retention.messages);
        while channel.first < keep_from && !self.is_spent() {
            self.drop_first(channel)?;
        }
        if let Some(age) = retention.age {
            let oldest_ms = self.context.now_ms.saturating_sub(millis(age));
            while !self.is_spent() && self.first_ms(channel)?.is_some_and(|ms| ms < oldest_ms) {
                self.drop_first(channel)?;
            }
        }
        self.trim_keys(channel)?;
        Ok(channel.first != before)
    }

    /// Drops the messages of a channel up to this offset.
    fn trim_through(&mut self, channel: &mut Channel, through: u64) -> Result<(), StorageError> {
        while channel.first <= through.min(channel.head) && !self.is_spent() {
            self.drop_first(channel)?;
        }
        Ok(())
    }

    fn drop_first(&mut self, channel: &mut Channel) -> Result<(), StorageError> {
        self.messages.remove((channel.number, channel.first))?;
        channel.first += 1;
        self.rows += 1;
        Ok(())
    }

    fn first_ms(&self, channel: &Channel) -> Result<Option<u64>, StorageError> {
        first_ms(&self.messages, channel)
    }

    /// A key is dropped when its message is gone *and* it is old enough.
    fn trim_keys(&mut self, channel: &Channel) -> Result<(), StorageError> {
        let oldest_ms = self.context.now_ms.saturating_sub(millis(self.context.retention.keys));
        while !self.is_spent() && self.keys.drop_oldest(channel.number, channel.first, oldest_ms)? {
            self.rows += 1;
        }
        Ok(())
    }
}

/// Drops what has expired, up to the limit of the step.
pub(super) fn drop_expired(
    txn: &WriteTransaction,
    context: Context,
    Step { expired, rows_max }: &Step,
) -> Result<Dropped, redb::Error> {
    match expired {
        Expired::Channels(names) => {
            let mut trimmer = Trimmer::new(txn.open_table(MESSAGES)?, Keys::open(txn)?, context, *rows_max);
            let mut channels = txn.open_table(CHANNELS)?;
            for ch in names {
                if let Some(mut channel) = Channel::load(&channels, ch)?
                    && trimmer.trim(&mut channel)?
                {
                    channel.save(&mut channels, ch)?;
                }
            }
            Ok(trimmer.dropped())
        }
        Expired::Positions(keys) => drop_positions(txn, context, keys),
        Expired::Deleted(number) => drop_deleted(txn, *number, *rows_max),
        Expired::Messages { ch, epoch, through } => {
            let mut trimmer = Trimmer::new(txn.open_table(MESSAGES)?, Keys::open(txn)?, context, *rows_max);
            let mut channels = txn.open_table(CHANNELS)?;
            if let Some(mut channel) = Channel::load(&channels, ch)?.filter(|channel| channel.epoch == *epoch)
            {
                trimmer.trim_through(&mut channel, *through)?;
                channel.save(&mut channels, ch)?;
            }
            Ok(trimmer.dropped())
        }
    }
}

fn drop_positions(
    txn: &WriteTransaction,
    context: Context,
    names: &[PositionName],
) -> Result<Dropped, redb::Error> {
    let oldest_ms = context.now_ms.saturating_sub(millis(POSITION_AGE_MAX));
    let mut positions = txn.open_table(POSITIONS)?;
    let mut rows = 0;
    for (user, client, ch) in names {
        let key = (user.as_str(), client.as_str(), ch.as_str());
        if positions.get(key)?.is_some_and(|row| row.value().3 < oldest_ms) {
            positions.remove(key)?;
            rows += 1;
        }
    }
    Ok(Dropped { rows, more: false })
}

pub(super) fn first_ms(
    messages: &impl ReadableTable<(u64, u64), MessageRow>,
    channel: &Channel,
) -> Result<Option<u64>, StorageError> {
    Ok(messages.get((channel.number, channel.first))?.map(|row| row.value().0))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::log::embedded::tables::{Outcome, Tables};
    use crate::log::{Append, PositionKey, Retention};
    use redb::backends::InMemoryBackend;
    use redb::{Database, ReadableDatabase, ReadableTableMetadata};
    use seamline::wire::Position;

    const HOUR_MS: u64 = 3_600_000;
    const RETENTION: Retention =
        Retention { messages: 2, age: None, keys: Duration::from_millis(24 * HOUR_MS) };

    fn context(now_ms: u64) -> Context {
        Context { now_ms, seed: 1, retention: RETENTION, rows_max: group_rows_max(1) }
    }

    /// Publishes with a key at a time; returns the offset, and whether the key was known.
    fn publish(db: &Database, key: &str, now_ms: u64) -> (u64, bool) {
        let txn = db.begin_write().unwrap();
        let mut tables = Tables::open(&txn, context(now_ms)).unwrap();
        let append =
            Append { ch: "c".into(), key: Some(key.into()), data: "1".into(), trace: Default::default() };
        let outcome = tables.append(&append).unwrap();
        tables.finish().unwrap();
        txn.commit().unwrap();
        let (Outcome::Stored(appended, _) | Outcome::Known(appended)) = outcome else { panic!("a conflict") };
        (appended.offset, appended.duplicate)
    }

    #[test]
    fn a_key_outlives_its_message() {
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
        let key =
            PositionKey { user: "ada".into(), client_id: "tab".into(), page_load: None, ch: "c".into() };
        let txn = db.begin_write().unwrap();
        let mut tables = Tables::open(&txn, context(HOUR_MS)).unwrap();
        let epoch = tables.channel("c").unwrap().epoch.clone();
        tables.store_position(&key, &Position { epoch, offset: 1, id: None }).unwrap();
        tables.finish().unwrap();
        txn.commit().unwrap();

        let names = vec![("ada".to_owned(), "tab".to_owned(), "c".to_owned())];
        let step = Step { expired: Expired::Positions(names), rows_max: 1 };
        let txn = db.begin_write().unwrap();
        let dropped = |now_ms| drop_expired(&txn, context(now_ms), &step).unwrap();
        assert_eq!(dropped(HOUR_MS + 29 * 24 * HOUR_MS), Dropped { rows: 0, more: false });
        assert_eq!(dropped(HOUR_MS + 31 * 24 * HOUR_MS), Dropped { rows: 1, more: false });
        assert_eq!(dropped(HOUR_MS + 31 * 24 * HOUR_MS), Dropped { rows: 0, more: false });
    }

    #[test]
    fn a_group_that_adds_messages_drops_a_bounded_number() {
        let db = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        let keep_all = Context { retention: Retention { messages: 10_000, ..RETENTION }, ..context(1) };
        let txn = db.begin_write().unwrap();
        let mut tables = Tables::open(&txn, keep_all).unwrap();
        for _ in 0..2000 {
            tables
                .append(&Append { ch: "c".into(), key: None, data: "1".into(), trace: Default::default() })
                .unwrap();
        }
        tables.finish().unwrap();
        txn.commit().unwrap();

        let limited = Context { rows_max: group_rows_max(1), ..context(1) };
        let stored = || db.begin_read().unwrap().open_table(MESSAGES).unwrap().len().unwrap();
        for left in [1933, 1866] {
            let txn = db.begin_write().unwrap();
            let mut tables = Tables::open(&txn, limited).unwrap();
            tables
                .append(&Append { ch: "c".into(), key: None, data: "1".into(), trace: Default::default() })
                .unwrap();
            assert_eq!(tables.finish().unwrap(), group_rows_max(1));
            txn.commit().unwrap();
            assert_eq!(stored(), left);
        }
    }
}
