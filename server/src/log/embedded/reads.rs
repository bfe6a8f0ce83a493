//! The reads of the embedded store, each from one snapshot.

use std::ops::Bound;

use redb::{Database, ReadableDatabase, ReadableTable};
use seamline::wire::{MessageId, Position};

use super::schema::{CHANNELS, Channel, MESSAGES, POSITIONS, PositionRow, PositionRowKey};
use crate::log::retention::POSITION_AGE_MAX;
use crate::log::{ChannelList, ChannelState, Message, Page, PageLimit, PositionKey};
use crate::time::{millis, now_ms};

/// Reads a page; `None` if there is no such channel.
pub(super) fn read_page(
    db: &Database,
    ch: &str,
    after: u64,
    limit: PageLimit,
) -> Result<Option<Page>, redb::Error> {
    let txn = db.begin_read()?;
    let Some(channel) = Channel::load(&txn.open_table(CHANNELS)?, ch)? else { return Ok(None) };
    let mut messages = Vec::new();
    let mut bytes = 0;
    let from = after.saturating_add(1).max(channel.first);
    if limit.messages > 0 && from <= channel.head {
        let table = txn.open_table(MESSAGES)?;
        for row in table.range((channel.number, from)..=(channel.number, channel.head))? {
            let (key, value) = row?;
            let (ms, seq, data) = value.value();
            bytes += data.len();
            if messages.len() == limit.messages || (bytes > limit.bytes && !messages.is_empty()) {
                break;
            }
            messages.push(Message { offset: key.value().1, id: MessageId { ms, seq }, data: data.into() });
        }
    }
    Ok(Some(Page::contiguous(channel.info(), messages)))
}

/// Channels after a name, in the order of their names.
pub(super) fn list_channels(db: &Database, after: &str, max: usize) -> Result<ChannelList, redb::Error> {
    let table = db.begin_read()?.open_table(CHANNELS)?;
    let mut rows = table.range::<&str>((Bound::Excluded(after), Bound::Unbounded))?;
    let mut channels = Vec::new();
    for row in rows.by_ref().take(max.max(1)) {
        channels.push(row?.0.value().to_owned());
    }
    let next = rows.next().transpose()?.and(channels.last().cloned());
    Ok(ChannelList { channels, next })
}

/// The state of a channel; `None` if there is no such channel.
pub(super) fn read_state(db: &Database, ch: &str) -> Result<Option<ChannelState>, redb::Error> {
    let channel = Channel::load(&db.begin_read()?.open_table(CHANNELS)?, ch)?;
    Ok(channel.map(|channel| ChannelState {
        info: channel.info(),
        last_id: (channel.head > 0).then_some(channel.last_id),
    }))
}

/// Finds the last message whose id is not greater; `None` if there is no such channel. Ids grow with offsets, so this
/// is a binary search.
pub(super) fn locate(db: &Database, ch: &str, id: MessageId) -> Result<Option<Position>, redb::Error> {
    let txn = db.begin_read()?;
    let Some(channel) = Channel::load(&txn.open_table(CHANNELS)?, ch)? else { return Ok(None) };
    let messages = txn.open_table(MESSAGES)?;
    let mut found = Position { epoch: channel.epoch, offset: 0, id: None };
    // Ids before `low` are not greater than `id`; ids from `high` on are.
    let (mut low, mut high) = (channel.first, channel.head + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let at = messages.get((channel.number, middle))?.map(|row| {
            let (ms, seq, _) = row.value();
            MessageId { ms, seq }
        });
        match at.filter(|at| *at <= id) {
            Some(at) => {
                (found.offset, found.id) = (middle, Some(at));
                low = middle + 1;
            }
            None => high = middle,
        }
    }
    Ok(Some(found))
}

/// The first position stored under one of these keys.
pub(super) fn read_position(db: &Database, keys: &[PositionKey]) -> Result<Option<Position>, redb::Error> {
    let table = db.begin_read()?.open_table(POSITIONS)?;
    let now_ms = now_ms();
    for key in keys {
        if let Some(position) = stored_position(&table, key, now_ms)? {
            return Ok(Some(position));
        }
    }
    Ok(None)
}

/// An acknowledged position, unless it is too old.
pub(super) fn stored_position(
    table: &impl ReadableTable<PositionRowKey, PositionRow>,
    key: &PositionKey,
    now_ms: u64,
) -> Result<Option<Position>, redb::StorageError> {
    let row = table.get((key.user.as_str(), &*key.client(), key.ch.as_str()))?;
    Ok(row.and_then(|row| {
        let (epoch, offset, id, stored_ms) = row.value();
        let fresh = stored_ms >= now_ms.saturating_sub(millis(POSITION_AGE_MAX));
        let id = id.map(|(ms, seq)| MessageId { ms, seq });
        fresh.then(|| Position { epoch: epoch.to_owned(), offset, id })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::embedded::tables::{Context, Tables};
    use crate::log::{Append, Retention};
    use redb::backends::InMemoryBackend;

    /// Only a damaged store has such holes. What is left must keep its offsets.
    #[test]
    fn a_page_ends_before_a_missing_message() {
        let db = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        let txn = db.begin_write().unwrap();
        let retention = Retention::default();
        let mut tables = Tables::open(&txn, Context { now_ms: 1, seed: 1, retention, rows_max: 0 }).unwrap();
        for i in 1..=6 {
            let append =
                Append { ch: "c".into(), key: None, data: i.to_string().into(), trace: Default::default() };
            tables.append(&append).unwrap();
        }
        tables.finish().unwrap();
        for offset in [3, 6] {
            txn.open_table(MESSAGES).unwrap().remove((1, offset)).unwrap();
        }
        txn.commit().unwrap();
        let limit = PageLimit { messages: 100, bytes: 1000 };
        let offsets = |after| -> Vec<u64> {
            let page = read_page(&db, "c", after, limit).unwrap().unwrap();
            assert_eq!(page.info.head, 6);
            page.messages.iter().map(|message| message.offset).collect()
        };
        assert_eq!([offsets(0), offsets(2), offsets(5)], [vec![1, 2], vec![4, 5], vec![]]);
    }
}
