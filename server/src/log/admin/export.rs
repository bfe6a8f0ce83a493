//! `log export`: writes channels as lines of JSON, from one snapshot.

use std::collections::{HashMap, HashSet};
use std::io::Write;

use redb::{ReadTransaction, StorageError};
use seamline::wire::MessageId;
use serde::Serialize;
use serde_json::value::RawValue;

use super::lines::{FORMAT, Head, MessageLine};
use super::problems::Problems;
use super::salvage::{self, Found};
use super::{AdminError, all_channels, channel};
use crate::log::embedded::keys::{KeyEntry, entries};
use crate::log::embedded::schema::{Channel, MESSAGES, POSITIONS, PositionRow, PositionRowKey};

/// The positions of this many channels are found at once, because each time all positions are read.
const CHANNELS_AT_ONCE: usize = 1000;

type Positions = HashMap<String, Vec<Head>>;

/// Exports these channels, or all of them if none is named.
pub fn export(txn: &ReadTransaction, names: &[String], out: &mut impl Write) -> Result<(), AdminError> {
    let exported = if names.is_empty() { all_channels(txn)? } else { named(txn, names)? };
    line(out, &Head::Export { format: FORMAT })?;
    let mut count = 0;
    for group in exported.chunks(CHANNELS_AT_ONCE) {
        let mut positions = Positions::new();
        for position in positions_of(txn, group)? {
            add(&mut positions, position?);
        }
        for (name, channel) in group {
            line(out, &head(name, channel))?;
            count += messages(txn, name, channel, out)?;
            for entry in entries(txn, channel.number)? {
                line(out, &key(entry?))?;
            }
            rest(&mut positions, name, out)?;
        }
    }
    line(out, &Head::End { messages: count })
}

/// Exports what can be read of these channels, and fails at the end if something cannot.
pub fn salvage(
    txn: &ReadTransaction,
    names: &[String],
    known: Vec<String>,
    out: &mut impl Write,
) -> Result<(), AdminError> {
    let (exported, lost) =
        if names.is_empty() { salvage::channels(txn)? } else { (named(txn, names)?, Vec::new()) };
    let mut problems = Problems::default();
    problems.of_store(known);
    problems.of_store(lost);
    line(out, &Head::Export { format: FORMAT })?;
    let mut count = 0;
    for group in exported.chunks(CHANNELS_AT_ONCE) {
        let mut positions = Positions::new();
        let (found, failure) = salvage::until_failure(positions_of(txn, group)?);
        found.into_iter().for_each(|position| add(&mut positions, position));
        problems.of_store(
            failure.map(|why| format!("some acknowledged positions are lost: {why}")).into_iter().collect(),
        );
        for (name, channel) in group {
            line(out, &head(name, channel))?;
            let (exported, mut lost) = salvaged_messages(txn, channel, out)?;
            count += exported;
            let (keys, failure) = salvage::keys(txn, channel)?;
            lost.extend(failure);
            keys.into_iter().try_for_each(|entry| line(out, &key(entry)))?;
            rest(&mut positions, name, out)?;
            problems.of_channel(name, &lost);
        }
    }
    line(out, &Head::End { messages: count })?;
    if problems.found == 0 { Ok(()) } else { Err(AdminError::Salvaged(problems)) }
}

fn named(txn: &ReadTransaction, names: &[String]) -> Result<Vec<(String, Channel)>, AdminError> {
    names.iter().map(|name| Ok((name.clone(), channel(txn, name)?))).collect()
}

fn line(out: &mut impl Write, line: &impl Serialize) -> Result<(), AdminError> {
    serde_json::to_writer(&mut *out, line).map_err(|e| AdminError::Output(e.into()))?;
    writeln!(out).map_err(AdminError::Output)
}

fn head(name: &str, channel: &Channel) -> Head {
    let Channel { epoch, first, head, last_id, .. } = channel.clone();
    Head::Channel { name: name.to_owned(), epoch, first, head, last_id }
}

fn key(KeyEntry { key, offset, id }: KeyEntry) -> Head {
    Head::Key { key, offset, id }
}

fn messages(
    txn: &ReadTransaction,
    ch: &str,
    channel: &Channel,
    out: &mut impl Write,
) -> Result<u64, AdminError> {
    let mut count = 0;
    let table = txn.open_table(MESSAGES)?;
    let mut read = channel.first.saturating_sub(1);
    for row in table.range((channel.number, channel.first)..=(channel.number, u64::MAX))? {
        let (key, value) =
            row.map_err(|error| AdminError::StoreAfter { ch: ch.to_owned(), offset: read, error })?;
        let (offset, (ms, seq, data)) = (key.value().1, value.value());
        let data: &RawValue = serde_json::from_str(data).map_err(|error| AdminError::Payload {
            ch: ch.to_owned(),
            offset,
            error,
        })?;
        line(out, &MessageLine { offset, id: MessageId { ms, seq }, data })?;
        (count, read) = (count + 1, offset);
    }
    Ok(count)
}

/// Returns the number of messages, and what is lost.
fn salvaged_messages(
    txn: &ReadTransaction,
    channel: &Channel,
    out: &mut impl Write,
) -> Result<(u64, Vec<String>), AdminError> {
    let (mut count, mut problems) = (0, Vec::new());
    salvage::messages(txn, channel, |found| match found {
        Found::Message { offset, id, data } => {
            count += 1;
            line(out, &MessageLine { offset, id, data: &data })
        }
        Found::Lost { first, last, why } => {
            problems.push(salvage::lost(first, last, &why));
            line(out, &Head::Lost { first, last })
        }
    })?;
    Ok((count, problems))
}

/// The positions in these channels, each with the name of its channel.
fn positions_of(
    txn: &ReadTransaction,
    channels: &[(String, Channel)],
) -> Result<impl Iterator<Item = Result<(String, Head), StorageError>>, AdminError> {
    let names: HashSet<String> = channels.iter().map(|(name, _)| name.clone()).collect();
    let position = move |row: Result<_, StorageError>| {
        let (key, value): (redb::AccessGuard<'_, PositionRowKey>, redb::AccessGuard<'_, PositionRow>) =
            match row {
                Ok(row) => row,
                Err(e) => return Some(Err(e)),
            };
        let (user, client, ch) = key.value();
        let (epoch, offset, id, stored_ms) = value.value();
        let (user, client, epoch) = (user.to_owned(), client.to_owned(), epoch.to_owned());
        let id = id.map(|(ms, seq)| MessageId { ms, seq });
        let line = Head::Position { user, client, epoch, offset, id, stored_ms };
        names.contains(ch).then(|| Ok((ch.to_owned(), line)))
    };
    Ok(txn.open_table(POSITIONS)?.range::<PositionRowKey>(..)?.filter_map(position))
}

fn add(positions: &mut Positions, (ch, position): (String, Head)) {
    positions.entry(ch).or_default().push(position);
}

fn rest(positions: &mut Positions, ch: &str, out: &mut impl Write) -> Result<(), AdminError> {
    positions.remove(ch).unwrap_or_default().iter().try_for_each(|position| line(out, position))
}
