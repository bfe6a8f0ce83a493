//! Reading what is well in a damaged store.
//!
//! Without verification, a damaged page shows when it is read: redb reports an error, or panics because the bytes make
//! no sense. So each row is read on its own, and either failure makes it a lost one. Bytes that were damaged and still
//! make sense cannot be noticed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use redb::{AccessGuard, ReadOnlyTable, ReadTransaction, ReadableTable, StorageError};
use seamline::wire::MessageId;
use serde_json::value::RawValue;

use super::AdminError;
use crate::log::embedded::keys::{self, KeyEntry};
use crate::log::embedded::schema::{CHANNELS, Channel, ChannelRow, MESSAGES, MessageRow};

/// How many offsets in a row are tried in vain. Beyond that, the extent of the channel is damaged as well.
const TRIES_MAX: u64 = 1_000_000;

/// What a channel has at an offset.
pub(super) enum Found {
    Message {
        offset: u64,
        id: MessageId,
        data: Box<RawValue>,
    },
    /// Offsets that cannot be read, and why the first one cannot.
    Lost {
        first: u64,
        last: u64,
        why: String,
    },
}

/// Channels with their names.
type Channels = Vec<(String, Channel)>;

/// The channels that can be read, by name, and what is wrong with the others.
pub(super) fn channels(txn: &ReadTransaction) -> Result<(Channels, Vec<String>), AdminError> {
    let table = txn.open_table(CHANNELS)?;
    let row = |(name, row): (AccessGuard<'_, &str>, AccessGuard<'_, ChannelRow>)| {
        (name.value().to_owned(), Channel::from_row(row.value()))
    };
    let (mut found, failure) = until_failure(table.iter()?.map(|item| item.map(row)));
    let Some(why) = failure else { return Ok((found, Vec::new())) };
    // A page that cannot be read ends the iterator. What comes after it is found from the other end.
    let last = found.last().map_or(String::new(), |(name, _)| name.clone());
    let (mut rest, _) = until_failure(table.iter()?.rev().map(|item| item.map(row)));
    rest.retain(|(name, _)| *name > last);
    rest.reverse();
    let next = rest.first().map_or("the last one".into(), |(name, _)| format!("{name:?}"));
    let problem = match found.is_empty() {
        true => format!("the channels before {next} are lost: {why}"),
        false => format!("the channels between {last:?} and {next} are lost: {why}"),
    };
    found.append(&mut rest);
    Ok((found, vec![problem]))
}

/// The idempotency keys of a channel that can be read, and what is wrong with the others.
pub(super) fn keys(
    txn: &ReadTransaction,
    channel: &Channel,
) -> Result<(Vec<KeyEntry>, Option<String>), AdminError> {
    let (found, failure) = until_failure(keys::entries(txn, channel.number)?);
    let last = found.last().map_or(0, |entry: &KeyEntry| entry.offset);
    Ok((found, failure.map(|why| format!("the keys after offset {last} are lost: {why}"))))
}

/// Passes each message of a channel to `each`, and each run of offsets that are lost.
pub(super) fn messages(
    txn: &ReadTransaction,
    channel: &Channel,
    mut each: impl FnMut(Found) -> Result<(), AdminError>,
) -> Result<(), AdminError> {
    let table = txn.open_table(MESSAGES)?;
    let (mut lost, mut newest): (Option<(u64, String)>, _) = (None, None);
    for offset in channel.first..=channel.head {
        match message(&table, channel, offset, newest) {
            Ok((id, data)) => {
                if let Some((first, why)) = lost.take() {
                    each(Found::Lost { first, last: offset - 1, why })?;
                }
                newest = Some(id);
                each(Found::Message { offset, id, data })?;
            }
            Err(why) => {
                let (first, _) = lost.get_or_insert((offset, why));
                if offset - *first >= TRIES_MAX {
                    break;
                }
            }
        }
    }
    lost.map_or(Ok(()), |(first, why)| each(Found::Lost { first, last: channel.head, why }))
}

/// The message at an offset, after one with this id.
fn message(
    table: &ReadOnlyTable<(u64, u64), MessageRow>,
    channel: &Channel,
    offset: u64,
    before: Option<MessageId>,
) -> Result<(MessageId, Box<RawValue>), String> {
    let (id, data) = guarded(|| {
        let row = table.get((channel.number, offset)).map_err(|e| e.to_string())?;
        let row = row.ok_or("it is missing")?;
        let (ms, seq, data) = row.value();
        Ok::<_, String>((MessageId { ms, seq }, data.to_owned()))
    })??;
    if before.is_some_and(|before| id <= before) || id > channel.last_id {
        return Err(format!("its id {id} is out of order"));
    }
    let data = RawValue::from_string(data).map_err(|e| format!("its payload is not JSON: {e}"))?;
    Ok((id, data))
}

/// A run of offsets that are lost, in words.
pub(super) fn lost(first: u64, last: u64, why: &str) -> String {
    match first == last {
        true => format!("offset {first} is lost: {why}"),
        false => format!("offsets {first} to {last} are lost: {why}"),
    }
}

/// What an iterator yields before it fails, and how it fails.
pub(super) fn until_failure<T>(
    mut items: impl Iterator<Item = Result<T, StorageError>>,
) -> (Vec<T>, Option<String>) {
    let mut found = Vec::new();
    loop {
        match guarded(|| items.next()) {
            Ok(None) => return (found, None),
            Ok(Some(Ok(item))) => found.push(item),
            Ok(Some(Err(e))) => return (found, Some(e.to_string())),
            Err(why) => return (found, Some(why)),
        }
    }
}

/// Runs a read, which may panic where bytes make no sense.
fn guarded<T>(read: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read)).map_err(|_| "its bytes are damaged".into())
}
