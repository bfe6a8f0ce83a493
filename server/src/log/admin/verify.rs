//! Reads everything, and says where something is wrong. The pages' checksums were verified when the store was
//! opened; this looks at what the rows say of each other.

use std::io::Write;

use redb::{Database, ReadableDatabase};
use seamline::wire::MessageId;
use serde_json::value::RawValue;

use super::{Problem, cannot_write, channels, store};
use crate::log::embedded::schema::{Channel, KEYS, MESSAGES};

/// How many problems of one channel are told.
const TOLD_MAX: usize = 20;

/// Fails if anything is wrong.
pub fn verify(db: &Database, out: &mut impl Write) -> Result<(), Problem> {
    let mut wrong = 0;
    let mut messages = 0;
    let all = channels(db, &[])?;
    for (name, channel) in &all {
        let mut problems = messages_of(db, channel)?;
        problems.extend(keys_of(db, channel)?);
        messages += (channel.head + 1).saturating_sub(channel.first);
        for problem in problems.iter().take(TOLD_MAX) {
            writeln!(out, "{name:?}: {problem}").map_err(cannot_write)?;
        }
        if let Some(more @ 1..) = problems.len().checked_sub(TOLD_MAX) {
            writeln!(out, "{name:?}: and {more} more").map_err(cannot_write)?;
        }
        wrong += problems.len();
    }
    match wrong {
        0 => writeln!(out, "{} channels, {messages} messages: all is well", all.len()).map_err(cannot_write),
        _ => {
            Err(format!("{wrong} things are wrong: restore the store from a backup, or export what is well"))
        }
    }
}

/// Offsets without a hole from `first` to `head`, ids that grow, payloads that are JSON.
fn messages_of(db: &Database, channel: &Channel) -> Result<Vec<String>, Problem> {
    let Channel { number, first, head, last_id, .. } = channel;
    let txn = db.begin_read().map_err(store)?;
    let table = txn.open_table(MESSAGES).map_err(store)?;
    let mut problems = Vec::new();
    let mut next = *first;
    let mut newest = MessageId { ms: 0, seq: 0 };
    for row in table.range((*number, 0)..=(*number, u64::MAX)).map_err(store)? {
        let (key, value) =
            row.map_err(|e| format!("{} (after offset {})", store(e), next.saturating_sub(1)))?;
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
            problems.push(format!("offset {offset}: its id {id} is not above {newest}, of the one before"));
        }
        if let Err(e) = serde_json::from_str::<&RawValue>(data) {
            problems.push(format!("offset {offset}: its payload is not JSON: {e}"));
        }
        (newest, next) = (id, offset.saturating_add(1));
    }
    if next <= *head {
        problems.push(format!("offsets {next} to {head} are missing"));
    }
    if newest > *last_id {
        problems.push(format!("the newest id is {newest}, and the channel says {last_id}"));
    }
    Ok(problems)
}

/// A key leads to the message that has its id, as long as that is there.
fn keys_of(db: &Database, channel: &Channel) -> Result<Vec<String>, Problem> {
    let txn = db.begin_read().map_err(store)?;
    let (keys, messages) = (txn.open_table(KEYS).map_err(store)?, txn.open_table(MESSAGES).map_err(store)?);
    let mut problems = Vec::new();
    for row in keys.range((channel.number, "")..(channel.number + 1, "")).map_err(store)? {
        let (key, value) = row.map_err(store)?;
        let (offset, ms, seq) = value.value();
        if offset < channel.first {
            continue; // keys outlive their messages
        }
        let message = messages.get((channel.number, offset)).map_err(store)?;
        let found = message.is_some_and(|message| (message.value().0, message.value().1) == (ms, seq));
        if !found {
            problems.push(format!(
                "the key {:?} leads to offset {offset}, which is another message",
                key.value().1
            ));
        }
    }
    Ok(problems)
}
