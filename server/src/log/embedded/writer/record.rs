//! A group of commands as a record of the journal.
//!
//! The record has what the commands read besides the store: the clock, the retention, and the random names of new
//! channels. So when it is applied again after a crash, every message gets the same offset and the same id.

use std::borrow::Cow;
use std::time::Duration;

use seamline::wire::{Position, StartAt};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::Command;
use crate::log::embedded::tables::Context;
use crate::log::embedded::trim::Step;
use crate::log::{Append, PositionKey, Retention};
use crate::time::millis;

#[derive(Serialize, Deserialize)]
struct Record<'a> {
    now_ms: u64,
    seed: u64,
    messages_max: u64,
    age_max_ms: Option<u64>,
    /// Servers before this setting kept keys for a day.
    #[serde(default = "day_ms")]
    key_age_min_ms: u64,
    #[serde(default = "earlier_rows_max")]
    rows_max: usize,
    #[serde(borrow)]
    changes: Vec<Change<'a>>,
}

fn day_ms() -> u64 {
    24 * 3600 * 1000
}

/// What a group could drop before the record had a number for it.
fn earlier_rows_max() -> usize {
    1024
}

/// A command without its answer.
#[derive(Serialize, Deserialize)]
enum Change<'a> {
    Append {
        #[serde(borrow)]
        ch: Cow<'a, str>,
        #[serde(borrow)]
        key: Option<Cow<'a, str>>,
        #[serde(borrow)]
        data: Cow<'a, str>,
    },
    Ensure(#[serde(borrow)] Cow<'a, str>),
    StorePositions(#[serde(borrow)] Vec<(Key<'a>, Cow<'a, Position>)>),
    Resume(#[serde(borrow)] Vec<Key<'a>>, StartAt),
    Trim(Cow<'a, Step>),
}

/// A [`PositionKey`].
#[derive(Serialize, Deserialize)]
struct Key<'a> {
    #[serde(borrow)]
    user: Cow<'a, str>,
    #[serde(borrow)]
    client_id: Cow<'a, str>,
    #[serde(borrow)]
    page_load: Option<Cow<'a, str>>,
    #[serde(borrow)]
    ch: Cow<'a, str>,
}

/// The record of a group. `None` if it has a command that a journal cannot repeat.
pub(super) fn encode(context: &Context, group: &[Command]) -> Option<Vec<u8>> {
    let Context { now_ms, seed, retention, rows_max } = context;
    let record = Record {
        now_ms: *now_ms,
        seed: *seed,
        messages_max: retention.messages,
        age_max_ms: retention.age.map(millis),
        key_age_min_ms: millis(retention.keys),
        rows_max: *rows_max,
        changes: group.iter().map(change).collect::<Option<_>>()?,
    };
    serde_json::to_vec(&record).ok()
}

/// The group of a record. Nobody waits for the answers.
pub(super) fn decode(record: &[u8]) -> serde_json::Result<(Context, Vec<Command>)> {
    let Record { now_ms, seed, messages_max, age_max_ms, key_age_min_ms, rows_max, changes } =
        serde_json::from_slice(record)?;
    let retention = Retention {
        messages: messages_max,
        age: age_max_ms.map(Duration::from_millis),
        keys: Duration::from_millis(key_age_min_ms),
    };
    let context = Context { now_ms, seed, retention, rows_max };
    Ok((context, changes.into_iter().map(command).collect()))
}

fn change(command: &Command) -> Option<Change<'_>> {
    match command {
        Command::Append(Append { ch, key, data, trace: _ }, _) => Some(Change::Append {
            ch: ch.into(),
            key: key.as_deref().map(Cow::Borrowed),
            data: Cow::Borrowed(data),
        }),
        Command::Ensure(ch, _) => Some(Change::Ensure(ch.into())),
        Command::StorePositions(positions, _) => {
            let all = positions.iter().map(|(key, at)| (Key::from(key), Cow::Borrowed(at)));
            Some(Change::StorePositions(all.collect()))
        }
        Command::Resume(keys, otherwise, _) => {
            Some(Change::Resume(keys.iter().map(Key::from).collect(), *otherwise))
        }
        Command::Trim(step, _) => Some(Change::Trim(Cow::Borrowed(step))),
        Command::Delete(..) | Command::Control(_) => None,
    }
}

fn command(change: Change<'_>) -> Command {
    match change {
        Change::Append { ch, key, data } => {
            let (ch, key) = (ch.into_owned(), key.map(Cow::into_owned));
            let append = Append { ch, key, data: data.as_ref().into(), trace: Default::default() };
            Command::Append(append, oneshot::channel().0)
        }
        Change::Ensure(ch) => Command::Ensure(ch.into_owned(), oneshot::channel().0),
        Change::StorePositions(positions) => {
            let all = positions.into_iter().map(|(key, at)| (key.into(), at.into_owned()));
            Command::StorePositions(all.collect(), oneshot::channel().0)
        }
        Change::Resume(keys, otherwise) => {
            Command::Resume(keys.into_iter().map(Key::into).collect(), otherwise, oneshot::channel().0)
        }
        Change::Trim(step) => Command::Trim(step.into_owned(), oneshot::channel().0),
    }
}

impl<'a> From<&'a PositionKey> for Key<'a> {
    fn from(PositionKey { user, client_id, page_load, ch }: &'a PositionKey) -> Self {
        let page_load = page_load.as_deref().map(Cow::Borrowed);
        Key { user: user.into(), client_id: client_id.into(), page_load, ch: ch.into() }
    }
}

impl From<Key<'_>> for PositionKey {
    fn from(Key { user, client_id, page_load, ch }: Key<'_>) -> Self {
        PositionKey {
            user: user.into_owned(),
            client_id: client_id.into_owned(),
            page_load: page_load.map(Cow::into_owned),
            ch: ch.into_owned(),
        }
    }
}
