//! Writes channels as lines of JSON, from one snapshot.

use std::io::Write;

use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable};
use seamline::wire::MessageId;
use serde::Serialize;
use serde_json::value::RawValue;

use super::lines::{FORMAT, Head, MessageLine};
use super::{Problem, cannot_write, channels, store};
use crate::log::embedded::schema::{Channel, KEYS, MESSAGES, SYNC};

/// Exports these channels, or all.
pub fn export(db: &Database, names: &[String], out: &mut impl Write) -> Result<(), Problem> {
    let txn = db.begin_read().map_err(store)?;
    line(out, &Head::Export { format: FORMAT })?;
    let mut count = 0;
    for (name, channel) in channels(db, names)? {
        let Channel { epoch, first, head, last_id, .. } = channel.clone();
        line(out, &Head::Channel { name: name.clone(), epoch, first, head, last_id })?;
        count += messages(&txn, &channel, out)?;
        keys(&txn, &channel, out)?;
        positions(&txn, &name, out)?;
    }
    line(out, &Head::End { messages: count })
}

fn line(out: &mut impl Write, line: &impl Serialize) -> Result<(), Problem> {
    let text = serde_json::to_string(line).map_err(|e| e.to_string())?;
    writeln!(out, "{text}").map_err(cannot_write)
}

fn messages(txn: &ReadTransaction, channel: &Channel, out: &mut impl Write) -> Result<u64, Problem> {
    let mut count = 0;
    let table = txn.open_table(MESSAGES).map_err(store)?;
    for row in table.range((channel.number, channel.first)..=(channel.number, u64::MAX)).map_err(store)? {
        let (key, value) = row.map_err(store)?;
        let (offset, (ms, seq, data)) = (key.value().1, value.value());
        let data: &RawValue = serde_json::from_str(data)
            .map_err(|e| format!("offset {offset} is damaged: {e}; see `log verify`"))?;
        line(out, &MessageLine { offset, id: MessageId { ms, seq }, data })?;
        count += 1;
    }
    Ok(count)
}

fn keys(txn: &ReadTransaction, channel: &Channel, out: &mut impl Write) -> Result<(), Problem> {
    let table = txn.open_table(KEYS).map_err(store)?;
    for row in table.range((channel.number, "")..(channel.number + 1, "")).map_err(store)? {
        let (key, value) = row.map_err(store)?;
        let (offset, ms, seq) = value.value();
        line(out, &Head::Key { key: key.value().1.to_owned(), offset, id: MessageId { ms, seq } })?;
    }
    Ok(())
}

fn positions(txn: &ReadTransaction, name: &str, out: &mut impl Write) -> Result<(), Problem> {
    let table = txn.open_table(SYNC).map_err(store)?;
    for row in table.iter().map_err(store)? {
        let (key, value) = row.map_err(store)?;
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
