//! `log export`: writes channels as lines of JSON, from one snapshot.

use std::io::Write;

use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable};
use seamline::wire::MessageId;
use serde::Serialize;
use serde_json::value::RawValue;

use super::lines::{FORMAT, Head, MessageLine};
use super::{AdminError, all_channels, channels};
use crate::log::embedded::keys::{KeyEntry, entries};
use crate::log::embedded::schema::{Channel, MESSAGES, POSITIONS};

/// Exports these channels, or all of them if none is named.
pub fn export(db: &Database, names: &[String], out: &mut impl Write) -> Result<(), AdminError> {
    let txn = db.begin_read()?;
    line(out, &Head::Export { format: FORMAT })?;
    let mut count = 0;
    let exported = if names.is_empty() { all_channels(db)? } else { channels(db, names)? };
    for (name, channel) in exported {
        let Channel { epoch, first, head, last_id, .. } = channel.clone();
        line(out, &Head::Channel { name: name.clone(), epoch, first, head, last_id })?;
        count += messages(&txn, &name, &channel, out)?;
        keys(&txn, &channel, out)?;
        positions(&txn, &name, out)?;
    }
    line(out, &Head::End { messages: count })
}

fn line(out: &mut impl Write, line: &impl Serialize) -> Result<(), AdminError> {
    serde_json::to_writer(&mut *out, line).map_err(|e| AdminError::Output(e.into()))?;
    writeln!(out).map_err(AdminError::Output)
}

fn messages(
    txn: &ReadTransaction,
    ch: &str,
    channel: &Channel,
    out: &mut impl Write,
) -> Result<u64, AdminError> {
    let mut count = 0;
    let table = txn.open_table(MESSAGES)?;
    for row in table.range((channel.number, channel.first)..=(channel.number, u64::MAX))? {
        let (key, value) = row?;
        let (offset, (ms, seq, data)) = (key.value().1, value.value());
        let data: &RawValue = serde_json::from_str(data).map_err(|error| AdminError::Payload {
            ch: ch.to_owned(),
            offset,
            error,
        })?;
        line(out, &MessageLine { offset, id: MessageId { ms, seq }, data })?;
        count += 1;
    }
    Ok(count)
}

fn keys(txn: &ReadTransaction, channel: &Channel, out: &mut impl Write) -> Result<(), AdminError> {
    for entry in entries(txn, channel.number)? {
        let KeyEntry { key, offset, id } = entry?;
        line(out, &Head::Key { key, offset, id })?;
    }
    Ok(())
}

fn positions(txn: &ReadTransaction, name: &str, out: &mut impl Write) -> Result<(), AdminError> {
    let table = txn.open_table(POSITIONS)?;
    for row in table.iter()? {
        let (key, value) = row?;
        let (user, client, ch) = key.value();
        let (epoch, offset, id, stored_ms) = value.value();
        if ch == name {
            let (user, client, epoch) = (user.to_owned(), client.to_owned(), epoch.to_owned());
            let id = id.map(|(ms, seq)| MessageId { ms, seq });
            line(out, &Head::Position { user, client, epoch, offset, id, stored_ms })?;
        }
    }
    Ok(())
}
