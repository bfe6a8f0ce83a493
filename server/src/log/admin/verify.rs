//! `log verify`: reads everything and reports what is inconsistent. The checksums of the pages were verified when the
//! store was opened; this compares the rows with each other.

use std::io::Write;

use redb::ReadTransaction;
use seamline::wire::MessageId;
use serde_json::value::RawValue;

use super::problems::Problems;
use super::salvage::{self, Found};
use super::{AdminError, all_channels};
use crate::log::embedded::keys::{entries, is_indexed};
use crate::log::embedded::schema::{Channel, MESSAGES};

/// Fails if anything is inconsistent.
pub fn verify(txn: &ReadTransaction, out: &mut impl Write) -> Result<(), AdminError> {
    let mut problems = Problems::default();
    let all = all_channels(txn)?;
    for (name, channel) in &all {
        let mut of_channel = messages_of(txn, name, channel)?;
        of_channel.extend(keys_of(txn, channel)?);
        problems.of_channel(name, &of_channel);
    }
    report(&all, problems, out)
}

/// The same for a store whose pages were not verified: names what cannot be read, and goes on.
pub fn verify_unverified(
    txn: &ReadTransaction,
    known: Vec<String>,
    out: &mut impl Write,
) -> Result<(), AdminError> {
    let mut problems = Problems::default();
    problems.of_store(known);
    let (all, lost) = salvage::channels(txn)?;
    problems.of_store(lost);
    for (name, channel) in &all {
        let mut of_channel = Vec::new();
        salvage::messages(txn, channel, |found| {
            if let Found::Lost { first, last, why } = found {
                of_channel.push(salvage::lost(first, last, &why));
            }
            Ok(())
        })?;
        of_channel.extend(salvage::keys(txn, channel)?.1);
        problems.of_channel(name, &of_channel);
    }
    report(&all, problems, out)
}

fn report(all: &[(String, Channel)], problems: Problems, out: &mut impl Write) -> Result<(), AdminError> {
    let kept = |channel: &Channel| (channel.head.saturating_add(1)).saturating_sub(channel.first);
    let messages: u64 = all.iter().map(|(_, channel)| kept(channel)).fold(0, u64::saturating_add);
    write!(out, "{problems}").map_err(AdminError::Output)?;
    match problems.found {
        0 => writeln!(out, "no problems found: {} channels, {messages} messages", all.len())
            .map_err(AdminError::Output),
        found => Err(AdminError::Inconsistent(found)),
    }
}

/// Offsets are contiguous from `first` to `head`, ids grow, payloads are JSON.
fn messages_of(txn: &ReadTransaction, ch: &str, channel: &Channel) -> Result<Vec<String>, AdminError> {
    let Channel { number, first, head, last_id, .. } = channel;
    let table = txn.open_table(MESSAGES)?;
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
fn keys_of(txn: &ReadTransaction, channel: &Channel) -> Result<Vec<String>, AdminError> {
    let messages = txn.open_table(MESSAGES)?;
    let mut problems = Vec::new();
    for entry in entries(txn, channel.number)? {
        let entry = entry?;
        let (key, offset) = (&entry.key, entry.offset);
        if !is_indexed(txn, channel.number, &entry)? {
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
