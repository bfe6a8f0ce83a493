//! Reads an export into a store, in one transaction: all of it, or nothing.

use std::io::{BufRead, Write};
use std::path::Path;

use redb::{Database, ReadableTable, Table, WriteTransaction};

use super::lines::{FORMAT, Head, MessageLine};
use super::{Problem, cannot_write, store};
use crate::log::embedded::commits::CommitCount;
use crate::log::embedded::schema::{CHANNELS, Channel, KEY_ORDER, KEYS, MESSAGES, META, SYNC};
use crate::log::embedded::schema::{ChannelTable, KeyOrderTable, KeyTable, MessageTable, PositionTable};
use crate::log::embedded::store::begin_write;

/// Channels that are there already are not touched: they are a reason to do nothing.
pub fn import(
    db: &Database,
    directory: &Path,
    input: impl BufRead,
    new_epoch: bool,
    out: &mut impl Write,
) -> Result<(), Problem> {
    let mut commits = CommitCount::open(directory)
        .map_err(|e| format!("cannot write to {}: {e}; nothing was imported", directory.display()))?;
    // Counted, too, as the server's own commits, so that damage to it is seen.
    let txn = begin_write(db).map_err(store)?;
    let (channels, messages, number) = {
        let mut import = Import::new(&txn, new_epoch)?;
        for (at, line) in input.lines().enumerate() {
            let line = line.map_err(|e| format!("cannot read the input: {e}"))?;
            import
                .line(&line)
                .map_err(|problem| format!("line {}: {problem}; nothing was imported", at + 1))?;
        }
        if !import.ended {
            return Err("the input has no last line, so it is not whole; nothing was imported".into());
        }
        import.save_channel()?;
        (import.imported, import.messages, CommitCount::count(&mut import.meta).map_err(store)?)
    };
    txn.commit().map_err(store)?;
    commits.write(number);
    writeln!(out, "{channels} channels, {messages} messages imported").map_err(cannot_write)
}

struct Import<'txn> {
    channels: ChannelTable<'txn>,
    rows: MessageTable<'txn>,
    keys: KeyTable<'txn>,
    key_order: KeyOrderTable<'txn>,
    sync: PositionTable<'txn>,
    meta: Table<'txn, &'static str, u64>,
    new_epoch: bool,
    /// The channel at hand, its epoch in the export, and the offset of its next message.
    current: Option<(String, Channel, String, u64)>,
    begun: bool,
    ended: bool,
    imported: u64,
    messages: u64,
}

impl<'txn> Import<'txn> {
    fn new(txn: &'txn WriteTransaction, new_epoch: bool) -> Result<Self, Problem> {
        Ok(Import {
            channels: txn.open_table(CHANNELS).map_err(store)?,
            rows: txn.open_table(MESSAGES).map_err(store)?,
            keys: txn.open_table(KEYS).map_err(store)?,
            key_order: txn.open_table(KEY_ORDER).map_err(store)?,
            sync: txn.open_table(SYNC).map_err(store)?,
            meta: txn.open_table(META).map_err(store)?,
            new_epoch,
            current: None,
            begun: false,
            ended: false,
            imported: 0,
            messages: 0,
        })
    }

    fn line(&mut self, text: &str) -> Result<(), Problem> {
        if self.ended {
            return Err("there is something after the last line".into());
        }
        if let Ok(message) = serde_json::from_str::<MessageLine<'_>>(text) {
            return self.message(&message);
        }
        let head = serde_json::from_str(text).map_err(|e| format!("not a line of an export: {e}"))?;
        if !self.begun && !matches!(head, Head::Export { .. }) {
            return Err("this is not the beginning of an export".into());
        }
        match head {
            Head::Export { format: FORMAT } if !self.begun => self.begun = true,
            Head::Export { format } => return Err(format!("format {format} is not expected here")),
            Head::Channel { name, epoch, first, head, last_id } => {
                self.save_channel()?;
                let number = self.draw_number(&name)?;
                let fresh = Channel::new(number);
                let old_epoch = epoch.clone();
                let epoch = if self.new_epoch { fresh.epoch } else { epoch };
                self.current =
                    Some((name, Channel { number, epoch, first, head, last_id }, old_epoch, first));
            }
            Head::Key { key, offset, id } => {
                let (_, channel, ..) = self.current.as_ref().ok_or(NO_CHANNEL)?;
                let number = channel.number;
                self.keys.insert((number, key.as_str()), (offset, id.ms, id.seq)).map_err(store)?;
                self.key_order.insert((number, offset), (id.ms, key.as_str())).map_err(store)?;
            }
            Head::Position { user, client, epoch, offset, id, stored_ms } => {
                let (name, channel, old_epoch, _) = self.current.as_ref().ok_or(NO_CHANNEL)?;
                // A client that was in this very log goes on where it was; another one learns of its gap.
                let epoch = if epoch == *old_epoch { &channel.epoch } else { &epoch };
                let id = id.map(|id| (id.ms, id.seq));
                let key = (user.as_str(), client.as_str(), name.as_str());
                self.sync.insert(key, (epoch.as_str(), offset, id, stored_ms)).map_err(store)?;
            }
            Head::End { messages } if messages == self.messages => self.ended = true,
            Head::End { messages } => {
                return Err(format!("{messages} messages were exported, {} are here", self.messages));
            }
        }
        Ok(())
    }

    fn message(&mut self, message: &MessageLine<'_>) -> Result<(), Problem> {
        let (_, channel, _, next) = self.current.as_mut().ok_or(NO_CHANNEL)?;
        if message.offset != *next || message.offset > channel.head || message.id > channel.last_id {
            return Err(format!("offset {next} is expected, not {} with id {}", message.offset, message.id));
        }
        *next += 1;
        self.messages += 1;
        let row = (message.id.ms, message.id.seq, message.data.get());
        self.rows.insert((channel.number, message.offset), row).map_err(store)?;
        Ok(())
    }

    fn draw_number(&mut self, name: &str) -> Result<u64, Problem> {
        if self.channels.get(name).map_err(store)?.is_some() {
            return Err(format!("the channel {name:?} is there already"));
        }
        let number = self.meta.get("next_channel").map_err(store)?.map_or(1, |next| next.value());
        self.meta.insert("next_channel", number + 1).map_err(store)?;
        Ok(number)
    }

    fn save_channel(&mut self) -> Result<(), Problem> {
        let Some((name, channel, _, next)) = self.current.take() else { return Ok(()) };
        if next != channel.head + 1 {
            return Err(format!("{name:?} ends before offset {}; nothing was imported", channel.head));
        }
        channel.save(&mut self.channels, &name).map_err(store)?;
        self.imported += 1;
        Ok(())
    }
}

const NO_CHANNEL: &str = "it belongs to no channel";
