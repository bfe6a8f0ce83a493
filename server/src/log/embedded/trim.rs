//! Dropping messages, keys and positions that are past their retention.

use std::ops::Bound;

use redb::{Database, ReadableDatabase, ReadableTable, StorageError, WriteTransaction};

use super::keys::Keys;
use super::schema::{CHANNELS, Channel, KEY_ORDER, MESSAGES, MessageRow, MessageTable, POSITIONS};
use super::tables::Context;
use crate::log::retention::{POSITION_AGE_MAX, Retention};
use crate::time::{millis, now_ms};

/// How many rows one transaction may remove: publishers wait meanwhile. At least twice what a group may add.
const ROWS_MAX: usize = 1024;
/// How many expired channels or positions one transaction may change.
pub(super) const EXPIRED_MAX: usize = 64;

/// What a sweep has found. It is found on a snapshot, without the writer.
pub(super) enum Expired {
    /// Channels with messages or keys that are past their retention.
    Channels(Vec<String>),
    /// Acknowledged positions that are too old.
    Positions(Vec<PositionName>),
}

/// User, client, channel.
pub(super) type PositionName = (String, String, String);

/// Trims channels in one transaction.
pub(super) struct Trimmer<'txn> {
    messages: MessageTable<'txn>,
    keys: Keys<'txn>,
    context: Context,
    rows_left: usize,
}

impl<'txn> Trimmer<'txn> {
    pub fn new(messages: MessageTable<'txn>, keys: Keys<'txn>, context: Context) -> Self {
        Trimmer { messages, keys, context, rows_left: ROWS_MAX }
    }

    /// Whether the limit is reached, so that another transaction has to go on.
    pub fn spent(&self) -> bool {
        self.rows_left == 0
    }

    /// Drops the oldest messages and keys of a channel. Returns whether `channel.first` has moved.
    pub fn trim(&mut self, channel: &mut Channel) -> Result<bool, StorageError> {
        let (before, retention) = (channel.first, self.context.retention);
        let keep_from = (channel.head + 1).saturating_sub(retention.messages);
        while channel.first < keep_from && self.rows_left > 0 {
            self.drop_first(channel)?;
        }
        if let Some(age) = retention.age {
            let oldest_ms = self.context.now_ms.saturating_sub(millis(age));
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
        first_ms(&self.messages, channel)
    }

    /// A key is dropped when its message is gone *and* it is old enough.
    fn trim_keys(&mut self, channel: &Channel) -> Result<(), StorageError> {
        let oldest_ms = self.context.now_ms.saturating_sub(millis(self.context.retention.keys));
        while self.rows_left > 0 && self.keys.drop_oldest(channel.number, channel.first, oldest_ms)? {
            self.rows_left -= 1;
        }
        Ok(())
    }
}

/// Channels after a name that have something to trim: at most [`EXPIRED_MAX`], and fewer if there are no more.
pub(super) fn expired_channels(
    db: &Database,
    retention: Retention,
    after: &str,
) -> Result<Vec<String>, redb::Error> {
    let txn = db.begin_read()?;
    let (channels, messages) = (txn.open_table(CHANNELS)?, txn.open_table(MESSAGES)?);
    let key_order = txn.open_table(KEY_ORDER)?;
    let now_ms = now_ms();
    let key_oldest_ms = now_ms.saturating_sub(millis(retention.keys));
    let oldest_ms = retention.age.map_or(0, |age| now_ms.saturating_sub(millis(age)));
    let mut expired = Vec::new();
    for row in channels.range::<&str>((Bound::Excluded(after), Bound::Unbounded))? {
        let (name, row) = row?;
        let channel = Channel::from_row(row.value());
        let too_many = channel.head + 1 - channel.first.min(channel.head + 1) > retention.messages;
        let gone = (channel.number, 0)..(channel.number, channel.first);
        if too_many
            || oldest_ms > 0 && first_ms(&messages, &channel)?.is_some_and(|ms| ms < oldest_ms)
            || key_order
                .range(gone)?
                .next()
                .transpose()?
                .is_some_and(|(_, row)| row.value().0 < key_oldest_ms)
        {
            expired.push(name.value().to_owned());
        }
        if expired.len() == EXPIRED_MAX {
            break;
        }
    }
    Ok(expired)
}

/// Positions after a name that are too old: at most [`EXPIRED_MAX`], and fewer if there are no more.
pub(super) fn expired_positions(
    db: &Database,
    (user, client, ch): &PositionName,
) -> Result<Vec<PositionName>, redb::Error> {
    let after = Bound::Excluded((user.as_str(), client.as_str(), ch.as_str()));
    let table = db.begin_read()?.open_table(POSITIONS)?;
    let oldest_ms = now_ms().saturating_sub(millis(POSITION_AGE_MAX));
    let mut expired = Vec::new();
    for row in table.range::<(&str, &str, &str)>((after, Bound::Unbounded))? {
        let (key, row) = row?;
        if row.value().3 < oldest_ms {
            let (user, client, ch) = key.value();
            expired.push((user.to_owned(), client.to_owned(), ch.to_owned()));
        }
        if expired.len() == EXPIRED_MAX {
            break;
        }
    }
    Ok(expired)
}

/// Drops what has expired, up to a limit of rows. Returns whether some is left.
pub(super) fn drop_expired(
    txn: &WriteTransaction,
    context: Context,
    expired: &Expired,
) -> Result<bool, redb::Error> {
    match expired {
        Expired::Channels(names) => {
            let mut trimmer = Trimmer::new(txn.open_table(MESSAGES)?, Keys::open(txn)?, context);
            let mut channels = txn.open_table(CHANNELS)?;
            for ch in names {
                if let Some(mut channel) = Channel::load(&channels, ch)?
                    && trimmer.trim(&mut channel)?
                {
                    channel.save(&mut channels, ch)?;
                }
            }
            Ok(trimmer.spent())
        }
        Expired::Positions(keys) => {
            let oldest_ms = context.now_ms.saturating_sub(millis(POSITION_AGE_MAX));
            let mut positions = txn.open_table(POSITIONS)?;
            for (user, client, ch) in keys {
                let key = (user.as_str(), client.as_str(), ch.as_str());
                if positions.get(key)?.is_some_and(|row| row.value().3 < oldest_ms) {
                    positions.remove(key)?;
                }
            }
            Ok(false)
        }
    }
}

fn first_ms(
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
    use crate::log::{Append, PositionKey};
    use redb::{Database, backends::InMemoryBackend};
    use seamline::wire::Position;

    const HOUR_MS: u64 = 3_600_000;
    const RETENTION: Retention =
        Retention { messages: 2, age: None, keys: Duration::from_millis(24 * HOUR_MS) };

    fn context(now_ms: u64) -> Context {
        Context { now_ms, seed: 1, retention: RETENTION }
    }

    /// Publishes with a key at a time; returns the offset, and whether the key was known.
    fn publish(db: &Database, key: &str, now_ms: u64) -> (u64, bool) {
        let txn = db.begin_write().unwrap();
        let mut tables = Tables::open(&txn, context(now_ms)).unwrap();
        let append = Append { ch: "c".into(), key: Some(key.into()), data: "1".into() };
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

        let found = expired_positions(&db, &PositionName::default()).unwrap();
        assert_eq!(found, [("ada".to_owned(), "tab".to_owned(), "c".to_owned())]);
        let expired = Expired::Positions(found);
        let txn = db.begin_write().unwrap();
        let left = |now_ms| {
            assert!(!drop_expired(&txn, context(now_ms), &expired).unwrap());
            redb::ReadableTableMetadata::len(&txn.open_table(POSITIONS).unwrap()).unwrap()
        };
        assert_eq!(left(HOUR_MS + 29 * 24 * HOUR_MS), 1);
        assert_eq!(left(HOUR_MS + 31 * 24 * HOUR_MS), 0);
    }

    #[test]
    fn only_channels_with_something_to_trim_are_found() {
        let db = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        let txn = db.begin_write().unwrap();
        let keep_all = Context { retention: Retention { messages: 100, ..RETENTION }, ..context(now_ms()) };
        let mut tables = Tables::open(&txn, keep_all).unwrap();
        tables.channel("empty").unwrap();
        for i in 0..100 {
            for _ in 0..=i % 4 {
                let append = Append { ch: format!("c{i:02}"), key: None, data: "1".into() };
                tables.append(&append).unwrap();
            }
        }
        tables.finish().unwrap();
        txn.commit().unwrap();

        let found = |after: &str| expired_channels(&db, RETENTION, after).unwrap();
        let mut all = found("");
        assert_eq!((all.len(), all[0].as_str(), all[1].as_str()), (50, "c02", "c03"), "those with 3 or 4");
        assert_eq!(found("c50")[0], "c51");
        let txn = db.begin_write().unwrap();
        all.push("none".into());
        assert!(!drop_expired(&txn, context(now_ms()), &Expired::Channels(all)).unwrap());
        txn.commit().unwrap();
        assert!(found("").is_empty());
        let old = Retention { messages: 100, age: Some(Duration::ZERO), ..RETENTION };
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert_eq!(expired_channels(&db, old, "").unwrap().len(), EXPIRED_MAX);
    }
}
