//! The sweep: finds what is past its retention, and has it dropped in small steps, between which publications are
//! stored.
//!
//! It looks at a part of a table at a time, on a snapshot and without the writer. Then the writer drops what was found,
//! in [steps](Step) that remove a bounded number of rows. Each step is a command like any other: it waits its turn,
//! shares a flush with the publications of its group, and is applied again from the journal after a crash.
//!
//! Channels are found in the order of their names, and dropped in the order of their numbers. Rows of channels with
//! adjacent numbers share pages, so a step changes fewer of them.

use std::ops::Bound;

use redb::{Database, ReadableDatabase};

use super::EmbeddedStore;
use super::removal::deleted_channel;
use super::schema::{CHANNELS, Channel, KEY_ORDER, MESSAGES, POSITIONS};
use super::trim::{Expired, PositionName, STEP_ROWS_MAX, Step, first_ms};
use super::writer::Command;
use crate::log::StoreError;
use crate::log::retention::{POSITION_AGE_MAX, Retention};
use crate::time::{millis, now_ms};

/// How many expired channels or positions one look returns.
pub(super) const EXPIRED_MAX: usize = 64;
/// How many channels one step may change: each has a row of its own to save.
const STEP_CHANNELS_MAX: usize = 16;
/// How many expired channels are sorted at once. Bounds the memory.
const SORTED_MAX: usize = 16 * 1024;
/// How many rows one look reads. Between two looks, the snapshot is given up, and others use the processor.
const LOOK_ROWS_MAX: usize = 1024;

/// What a look has found.
pub(super) struct Found<T, K = T> {
    pub expired: Vec<T>,
    /// Where the next look begins; `None` at the end of the table.
    pub next: Option<K>,
}

/// A channel's number and its name.
pub(super) type Numbered = (u64, String);

impl EmbeddedStore {
    /// Drops everything that is past its retention, and what deleted channels have left.
    pub(super) async fn sweep(&self) -> Result<(), StoreError> {
        while let Some(number) = self.read_blocking(deleted_channel).await? {
            self.drop_all(Expired::Deleted(number)).await?;
        }
        let (retention, mut after) = (self.retention, Some(String::new()));
        let mut expired = Vec::new();
        while let Some(last) = after {
            let found = self.read_blocking(move |db| expired_channels(db, retention, &last)).await?;
            expired.extend(found.expired);
            after = found.next;
            if after.is_none() || expired.len() >= SORTED_MAX {
                for names in by_number(std::mem::take(&mut expired)) {
                    self.drop_all(Expired::Channels(names)).await?;
                }
            }
        }
        let mut after = Some(PositionName::default());
        while let Some(last) = after {
            let found = self.read_blocking(move |db| expired_positions(db, &last)).await?;
            if !found.expired.is_empty() {
                self.drop_all(Expired::Positions(found.expired)).await?;
            }
            after = found.next;
        }
        Ok(())
    }

    /// Drops this, step by step.
    pub(super) async fn drop_all(&self, expired: Expired) -> Result<(), StoreError> {
        let step = Step { expired, rows_max: STEP_ROWS_MAX };
        while self.run(|answer| Command::Trim(step.clone(), answer)).await? {}
        Ok(())
    }
}

/// Some channels at a time, in the order of their numbers.
fn by_number(mut expired: Vec<Numbered>) -> Vec<Vec<String>> {
    expired.sort_unstable();
    let names = |some: &[Numbered]| some.iter().map(|(_, name)| name.clone()).collect();
    expired.chunks(STEP_CHANNELS_MAX).map(names).collect()
}

/// Channels after a name that have something to trim.
pub(super) fn expired_channels(
    db: &Database,
    retention: Retention,
    after: &str,
) -> Result<Found<Numbered, String>, redb::Error> {
    let txn = db.begin_read()?;
    let (channels, messages) = (txn.open_table(CHANNELS)?, txn.open_table(MESSAGES)?);
    let key_order = txn.open_table(KEY_ORDER)?;
    let now_ms = now_ms();
    let key_oldest_ms = now_ms.saturating_sub(millis(retention.keys));
    let oldest_ms = retention.age.map_or(0, |age| now_ms.saturating_sub(millis(age)));
    let mut expired = Vec::new();
    let rows = channels.range::<&str>((Bound::Excluded(after), Bound::Unbounded))?;
    for (i, row) in rows.enumerate() {
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
            expired.push((channel.number, name.value().to_owned()));
        }
        if is_full(&expired, i) {
            return Ok(Found { expired, next: Some(name.value().to_owned()) });
        }
    }
    Ok(Found { expired, next: None })
}

/// Positions after a name that are too old.
pub(super) fn expired_positions(
    db: &Database,
    (user, client, ch): &PositionName,
) -> Result<Found<PositionName>, redb::Error> {
    let after = Bound::Excluded((user.as_str(), client.as_str(), ch.as_str()));
    let table = db.begin_read()?.open_table(POSITIONS)?;
    let oldest_ms = now_ms().saturating_sub(millis(POSITION_AGE_MAX));
    let mut expired = Vec::new();
    let rows = table.range::<(&str, &str, &str)>((after, Bound::Unbounded))?;
    for (i, row) in rows.enumerate() {
        let (key, row) = row?;
        let (user, client, ch) = key.value();
        let name = || (user.to_owned(), client.to_owned(), ch.to_owned());
        if row.value().3 < oldest_ms {
            expired.push(name());
        }
        if is_full(&expired, i) {
            return Ok(Found { expired, next: Some(name()) });
        }
    }
    Ok(Found { expired, next: None })
}

/// Whether a look ends after this row.
fn is_full<T>(expired: &[T], row: usize) -> bool {
    expired.len() == EXPIRED_MAX || row + 1 == LOOK_ROWS_MAX
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use redb::backends::InMemoryBackend;
    use redb::{ReadableTableMetadata, WriteTransaction};
    use seamline::wire::Position;

    use super::*;
    use crate::log::embedded::schema::KEYS;
    use crate::log::embedded::tables::{Context, Tables};
    use crate::log::embedded::trim::{Dropped, drop_expired};
    use crate::log::{Append, PositionKey};

    const KEEP_ALL: Context =
        Context { now_ms: 1, seed: 1, retention: Retention::UNLIMITED, rows_max: STEP_ROWS_MAX };
    /// Keeps one message, and no key without its message.
    const KEEP_ONE: Retention = Retention { messages: 1, age: None, keys: Duration::ZERO };

    fn commit(db: &Database, change: impl Fn(&mut Tables<'_>)) {
        let txn = db.begin_write().unwrap();
        let mut tables = Tables::open(&txn, KEEP_ALL).unwrap();
        change(&mut tables);
        tables.finish().unwrap();
        txn.commit().unwrap();
    }

    fn append(tables: &mut Tables<'_>, ch: String, key: Option<String>) {
        tables.append(&Append { ch, key, data: "1".into(), trace: Default::default() }).unwrap();
    }

    /// How many messages, keys and entries of the index are stored.
    fn rows(txn: &WriteTransaction) -> u64 {
        let messages = txn.open_table(MESSAGES).unwrap().len().unwrap();
        let keys = txn.open_table(KEY_ORDER).unwrap().len().unwrap();
        assert_eq!(txn.open_table(KEYS).unwrap().len().unwrap(), keys);
        messages + keys
    }

    fn names(found: Vec<Numbered>) -> Vec<String> {
        found.into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn a_sweep_works_in_bounded_steps() {
        const CHANNELS: usize = 3000;
        let db = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        commit(&db, |tables| {
            for i in 0..CHANNELS {
                for message in 0..=(i % 4) {
                    append(tables, format!("c{i:04}"), Some(message.to_string()));
                }
            }
        });
        let context = Context { now_ms: now_ms(), retention: KEEP_ONE, ..KEEP_ALL };
        let (mut looks, mut dropped, mut after) = (0, 0, Some(String::new()));
        while let Some(last) = after {
            let Found { expired, next } = expired_channels(&db, KEEP_ONE, &last).unwrap();
            assert!(expired.len() <= EXPIRED_MAX);
            looks += 1;
            let step = Step { expired: Expired::Channels(names(expired)), rows_max: STEP_ROWS_MAX };
            let mut more = true;
            while more {
                let txn = db.begin_write().unwrap();
                let before = rows(&txn);
                let done = drop_expired(&txn, context, &step).unwrap();
                assert_eq!(before - rows(&txn), done.rows as u64);
                assert!(done.rows <= STEP_ROWS_MAX);
                (dropped, more) = (dropped + done.rows, done.more);
                txn.commit().unwrap();
            }
            after = next;
        }
        // Of each four channels, three have messages too many: one, two and three, each with its key.
        assert_eq!(dropped, CHANNELS / 4 * 12);
        assert_eq!(looks, (CHANNELS / 4 * 3).div_ceil(EXPIRED_MAX));
        let txn = db.begin_write().unwrap();
        assert_eq!(rows(&txn), 2 * CHANNELS as u64);
    }

    #[test]
    fn a_look_reads_a_bounded_number_of_channels() {
        let db = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        commit(&db, |tables| {
            (0..3000).for_each(|i| append(tables, format!("c{i:04}"), None));
            append(tables, "c2999".into(), None);
        });
        let found = |after: &str| expired_channels(&db, KEEP_ONE, after).unwrap();
        let (first, second, third) = (found(""), found("c1023"), found("c2047"));
        assert_eq!((first.expired.len(), first.next.as_deref()), (0, Some("c1023")));
        assert_eq!((second.expired.len(), second.next.as_deref()), (0, Some("c2047")));
        assert_eq!((names(third.expired), third.next), (vec!["c2999".to_owned()], None));
    }

    #[test]
    fn only_channels_with_something_to_trim_are_found() {
        let db = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        let keep_two = Retention { messages: 2, ..KEEP_ONE };
        commit(&db, |tables| {
            tables.channel("empty").unwrap();
            for i in 0..100 {
                (0..=i % 4).for_each(|_| append(tables, format!("c{i:02}"), None));
            }
        });
        let found = |after: &str| names(expired_channels(&db, keep_two, after).unwrap().expired);
        let mut all = found("");
        assert_eq!((all.len(), all[0].as_str(), all[1].as_str()), (50, "c02", "c03"), "those with 3 or 4");
        assert_eq!(found("c50")[0], "c51");
        all.push("none".into());
        let step = Step { expired: Expired::Channels(all), rows_max: STEP_ROWS_MAX };
        let txn = db.begin_write().unwrap();
        let context = Context { now_ms: now_ms(), retention: keep_two, ..KEEP_ALL };
        let drop = || drop_expired(&txn, context, &step).unwrap();
        assert_eq!(drop(), Dropped { rows: STEP_ROWS_MAX, more: true });
        assert_eq!(drop(), Dropped { rows: 75 - STEP_ROWS_MAX, more: false });
        txn.commit().unwrap();
        assert!(found("").is_empty());
        let old = Retention { messages: 100, age: Some(Duration::ZERO), ..keep_two };
        assert_eq!(expired_channels(&db, old, "").unwrap().expired.len(), EXPIRED_MAX);
    }

    #[test]
    fn channels_are_dropped_in_the_order_of_their_numbers() {
        let found = (0..40).map(|i| (i * 7 % 40, format!("c{i:02}"))).collect();
        let steps = by_number(found);
        assert_eq!(steps.iter().map(Vec::len).collect::<Vec<_>>(), [16, 16, 8]);
        assert_eq!(steps[0][..3], ["c00", "c23", "c06"]);
    }

    #[test]
    fn old_positions_are_found() {
        let db = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        commit(&db, |tables| {
            append(tables, "c".into(), None);
            let epoch = tables.channel("c").unwrap().epoch.clone();
            for i in 0..100 {
                let (user, client_id) = ("ada".into(), format!("{i:02}"));
                let key = PositionKey { user, client_id, page_load: None, ch: "c".into() };
                tables.store_position(&key, &Position { epoch: epoch.clone(), offset: 1, id: None }).unwrap();
            }
        });
        let first = expired_positions(&db, &PositionName::default()).unwrap();
        let last = ("ada".to_owned(), "63".to_owned(), "c".to_owned());
        assert_eq!((first.expired.len(), first.next.as_ref()), (EXPIRED_MAX, Some(&last)));
        let second = expired_positions(&db, &last).unwrap();
        assert_eq!((second.expired.len(), second.next), (100 - EXPIRED_MAX, None));
    }
}
