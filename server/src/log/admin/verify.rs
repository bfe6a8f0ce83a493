//! `log verify`: reads everything and reports what is inconsistent. The checksums of the pages were verified when the
//! store was opened; this compares the rows with each other.

use std::io::Write;

use redb::{Database, ReadableDatabase};
use seamline::wire::MessageId;
use serde_json::value::RawValue;

use super::{AdminError, all_channels};
use crate::log::embedded::keys::{entries, is_indexed};
use crate::log::embedded::schema::{Channel, MESSAGES};

/// How many problems are reported per channel.
const REPORTED_MAX: usize = 20;

/// Fails if anything is inconsistent.
pub fn verify(db: &Database, out: &mut impl Write) -> Result<(), AdminError> {
    let mut found = 0;
    let mut messages = 0;
    let all = all_channels(db)?;
    for (name, channel) in &all {
        let mut problems = messages_of(db, name, channel)?;
        problems.extend(keys_of(db, channel)?);
        messages += (channel.head + 1).saturating_sub(channel.first);
        for problem in problems.iter().take(REPORTED_MAX) {
            writeln!(out, "{name:?}: {problem}").map_err(AdminError::Output)?;
        }
        if let Some(more @ 1..) = problems.len().checked_sub(REPORTED_MAX) {
            writeln!(out, "{name:?}: and {more} more").map_err(AdminError::Output)?;
        }
        found += problems.len();
    }
    match found {
        0 => writeln!(out, "no problems found: {} channels, {messages} messages", all.len())
            .map_err(AdminError::Output),
        _ => Err(AdminError::Inconsistent(found)),
    }
}

/// Offsets are contiguous from `first` to `head`, ids grow, payloads are JSON.
fn messages_of(db: &Database, ch: &str, channel: &Channel) -> Result<Vec<String>, AdminError> {
    let Channel { number, first, head, last_id, .. } = channel;
    let table = db.begin_read()?.open_table(MESSAGES)?;
    let mut problems = Vec::new();
    let mut next = *first;
    let mut newest = MessageId { ms: 0, seq: 0 };
    for row in table.range((*number, 0)..=(*number, u64::MAX))? {
        let (key, value) = row.map_err(|error| AdminError::StoreAfter {
            ch: ch.to_owned(),
            offset: next.saturating_sub(1),
            error,
        })?;
        let offset = key.value().1;
        let (ms, seq, data) = value.value();
        let id = MessageId { ms, seq };
        match offset {
            _ if offset < *first || offset > *head => {
                problems.push(format!("offset {offset} is outside {first}..={head}"))
            }
            _ if offset > next => problems.push(format!("offsets {next} to {} are missing", offset - 1)),
            _ => {}
        }
        if id <= newest && newest.ms > 0 {
            problems.push(format!("offset {offset}: id {id} is not greater than {newest}, the id before it"));
        }
        if let Err(e) = serde_json::from_str::<&RawValue>(data) {
            problems.push(format!("offset {offset}: the payload is not JSON: {e}"));
        }
        (newest, next) = (id, offset.saturating_add(1));
    }
    if next <= *head {
        problems.push(format!("offsets {next} to {head} are missing"));
    }
    if newest > *last_id {
        problems.push(format!("the newest id is {newest}, but the channel's row has {last_id}"));
    }
    Ok(problems)
}

/// Each key is found by its hash, and leads to the message with its id, as long as that message is kept.
fn keys_of(db: &Database, channel: &Channel) -> Result<Vec<String>, AdminError> {
    let txn = db.begin_read()?;
    let messages = txn.open_table(MESSAGES)?;
    let mut problems = Vec::new();
    for entry in entries(&txn, channel.number)? {
        let entry = entry?;
        let (key, offset) = (&entry.key, entry.offset);
        if !is_indexed(&txn, channel.number, &entry)? {
            problems.push(format!("key {key:?} of offset {offset} is missing in the index"));
        }
        if offset < channel.first {
            continue; // keys outlive their messages
        }
        let message = messages.get((channel.number, offset))?;
        let id = message.map(|message| MessageId { ms: message.value().0, seq: message.value().1 });
        if id != Some(entry.id) {
            problems.push(format!("key {key:?} leads to offset {offset}, which has another id"));
        }
    }
    Ok(problems)
}
