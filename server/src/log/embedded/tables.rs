//! What each command of the writer does to the tables, in one transaction.

use std::collections::BTreeMap;

use redb::{ReadableTable, Table, WriteTransaction};
use seamline::wire::{Position, StartAt};

use super::commits::CommitCount;
use super::keys::Keys;
use super::reads::stored_position;
use super::schema::{
    CHANNELS, Channel, ChannelTable, DELETED, MESSAGES, META, MessageTable, POSITIONS, PositionTable,
};
use super::trim::{Trimmer, group_rows_max};
use crate::log::{Append, Appended, Message, PositionKey, Resumed, Retention};
use crate::time::now_ms;

/// What a group of commands reads besides the store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    /// The clock.
    pub now_ms: u64,
    /// Random bits, for the epochs of new channels.
    pub seed: u64,
    pub retention: Retention,
    /// How many rows may be dropped from the channels that are touched.
    pub rows_max: usize,
}

impl Context {
    /// For a group of so many commands.
    pub fn now(retention: Retention, commands: usize) -> Self {
        let rows_max = group_rows_max(commands);
        Context { now_ms: now_ms(), seed: crate::random::bits(), retention, rows_max }
    }

    /// The epoch of a new channel. Random, and another one for each number.
    fn epoch(&self, number: u64) -> String {
        format!("{:016x}", self.seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }
}

/// What becomes of an append.
pub(super) enum Outcome {
    Stored(Appended, Message),
    /// The same message was stored under its key before.
    Known(Appended),
    /// Another message was stored under its key.
    KeyConflict,
}

/// The tables of one transaction, and the channels that it has touched.
pub(super) struct Tables<'txn> {
    txn: &'txn WriteTransaction,
    channels: ChannelTable<'txn>,
    messages: MessageTable<'txn>,
    keys: Keys<'txn>,
    meta: Table<'txn, &'static str, u64>,
    positions: PositionTable<'txn>,
    /// In order, so that a group has the same effect when it is applied again.
    touched: BTreeMap<String, Channel>,
    context: Context,
}

impl<'txn> Tables<'txn> {
    pub fn open(txn: &'txn WriteTransaction, context: Context) -> Result<Self, redb::TableError> {
        Ok(Tables {
            txn,
            channels: txn.open_table(CHANNELS)?,
            messages: txn.open_table(MESSAGES)?,
            keys: Keys::open(txn)?,
            meta: txn.open_table(META)?,
            positions: txn.open_table(POSITIONS)?,
            touched: BTreeMap::new(),
            context,
        })
    }

    /// The number of this commit.
    pub fn count_commit(&mut self) -> Result<u64, redb::StorageError> {
        CommitCount::count(&mut self.meta)
    }

    /// The channel, which is created if missing.
    pub fn channel(&mut self, ch: &str) -> Result<&mut Channel, redb::StorageError> {
        if !self.touched.contains_key(ch) {
            let channel = match Channel::load(&self.channels, ch)? {
                Some(channel) => channel,
                None => self.create()?,
            };
            self.touched.insert(ch.to_owned(), channel);
        }
        Ok(self.touched.get_mut(ch).expect("it was inserted above"))
    }

    fn create(&mut self) -> Result<Channel, redb::StorageError> {
        let number = self.meta.get("next_channel")?.map_or(1, |next| next.value());
        self.meta.insert("next_channel", number + 1)?;
        Ok(Channel::new(number, self.context.epoch(number)))
    }

    /// Appends a message, unless its key was used before.
    pub fn append(&mut self, append: &Append) -> Result<Outcome, redb::StorageError> {
        let now_ms = self.context.now_ms;
        let channel = self.channel(&append.ch)?;
        let number = channel.number;
        let (id, offset) = (channel.next_id(now_ms), channel.head + 1);
        if let Some(key) = &append.key {
            if let Some((offset, id)) = self.keys.find(number, key)? {
                let stored = self.messages.get((number, offset))?;
                if stored.is_some_and(|row| row.value().2 != &*append.data) {
                    return Ok(Outcome::KeyConflict);
                }
                return Ok(Outcome::Known(Appended { id, offset, duplicate: true }));
            }
            self.keys.insert(number, key, offset, id)?;
        }
        self.messages.insert((number, offset), (id.ms, id.seq, &*append.data))?;
        let channel = self.channel(&append.ch)?;
        (channel.last_id, channel.head) = (id, offset);
        let message = Message { offset, id, data: append.data.clone() };
        Ok(Outcome::Stored(Appended { id, offset, duplicate: false }, message))
    }

    /// Deletes a channel; returns whether there was one. Its messages and keys are dropped [later](super::removal).
    pub fn delete(&mut self, ch: &str) -> Result<bool, redb::Error> {
        let touched = self.touched.remove(ch).map(|channel| channel.number);
        let stored = self.channels.remove(ch)?.map(|row| row.value().0);
        let Some(number) = touched.or(stored) else { return Ok(false) };
        self.txn.open_table(DELETED)?.insert(number, ())?;
        Ok(true)
    }

    /// Stores an acknowledged position, unless it is invalid or behind the stored one.
    pub fn store_position(&mut self, key: &PositionKey, at: &Position) -> Result<(), redb::StorageError> {
        // Not `self.channel`: an acknowledgement must not create a channel.
        let known = match self.touched.get(&key.ch) {
            Some(channel) => Some(channel.info()),
            None => Channel::load(&self.channels, &key.ch)?.map(|channel| channel.info()),
        };
        if !known.is_some_and(|info| info.epoch == at.epoch && at.offset <= info.head) {
            return Ok(());
        }
        let stored = self.position(key)?;
        if stored.is_none_or(|stored| stored.epoch != at.epoch || stored.offset <= at.offset) {
            self.set_position(key, at)?;
        }
        Ok(())
    }

    /// Where a client resumes: see [`Store::resume`](super::Store::resume).
    pub fn resume(
        &mut self,
        keys: &[PositionKey],
        otherwise: StartAt,
    ) -> Result<Resumed, redb::StorageError> {
        let mut found = None;
        for key in keys {
            found = self.position(key)?;
            if found.is_some() {
                break;
            }
        }
        let resumed = match found {
            Some(position) => Resumed::Stored(position),
            None => {
                let ch = keys.first().map_or("", |key| &key.ch);
                Resumed::StartPoint(self.channel(ch)?.info().end(otherwise))
            }
        };
        let (Resumed::Stored(at) | Resumed::StartPoint(at)) = &resumed;
        // A client that has processed nothing must not move a position that it shares with others.
        if let [own, _, ..] = keys {
            self.set_position(own, at)?;
        }
        Ok(resumed)
    }

    /// An acknowledged position, unless it is too old.
    fn position(&self, key: &PositionKey) -> Result<Option<Position>, redb::StorageError> {
        stored_position(&self.positions, key, self.context.now_ms)
    }

    fn set_position(&mut self, key: &PositionKey, at: &Position) -> Result<(), redb::StorageError> {
        let row_key = (key.user.as_str(), &*key.client(), key.ch.as_str());
        let id = at.id.map(|id| (id.ms, id.seq));
        self.positions.insert(row_key, (at.epoch.as_str(), at.offset, id, self.context.now_ms))?;
        Ok(())
    }

    /// Trims and saves the channels that the transaction has touched. Returns how many rows it has dropped.
    pub fn finish(self) -> Result<usize, redb::Error> {
        let Tables { mut channels, messages, keys, touched, context, .. } = self;
        let mut trimmer = Trimmer::new(messages, keys, context, context.rows_max);
        for (ch, mut channel) in touched {
            trimmer.trim(&mut channel)?;
            channel.save(&mut channels, &ch)?;
        }
        Ok(trimmer.dropped().rows)
    }
}
