//! `log import`: reads an export into a store in one transaction, all of it or nothing.

use std::io::{BufRead, Write};
use std::path::Path;

use redb::{ReadableTable, Table, WriteTransaction};
use seamline::wire::MessageId;

use super::lines::{FORMAT, Head, MessageLine};
use super::{AdminError, ImportError};
use crate::log::embedded::commits::CommitCount;
use crate::log::embedded::keys::Keys;
use crate::log::embedded::schema::{CHANNELS, Channel, MESSAGES, META, POSITIONS};
use crate::log::embedded::schema::{ChannelTable, MessageTable, PositionTable};
use crate::log::embedded::store::{self, OpenStore, begin_write, exists};

/// Imports channels into a store, which is created if missing. A channel that exists already makes it fail.
pub fn import(
    directory: &Path,
    trusted: bool,
    input: impl BufRead,
    new_epoch: bool,
    out: &mut impl Write,
) -> Result<(), AdminError> {
    let is_new = !exists(directory);
    let imported = import_into(store::open(directory, trusted)?, input, new_epoch, out);
    if imported.is_err() && is_new {
        store::remove(directory);
    }
    imported
}

fn import_into(
    OpenStore { db, mut commits, .. }: OpenStore,
    input: impl BufRead,
    new_epoch: bool,
    out: &mut impl Write,
) -> Result<(), AdminError> {
    // Counted like the server's own commits, so that damage to this one is noticed too.
    let txn = begin_write(&db)?;
    let (channels, messages, number) = {
        let mut import = Import::new(&txn, new_epoch)?;
        import.read(input)?;
        (import.imported, import.messages, CommitCount::count(&mut import.meta)?)
    };
    txn.commit()?;
    commits.write(number);
    writeln!(out, "imported {channels} channels with {messages} messages").map_err(AdminError::Output)
}

struct Import<'txn> {
    channels: ChannelTable<'txn>,
    rows: MessageTable<'txn>,
    keys: Keys<'txn>,
    positions: PositionTable<'txn>,
    meta: Table<'txn, &'static str, u64>,
    new_epoch: bool,
    stage: Stage,
    imported: u64,
    messages: u64,
}

/// How far the import is.
enum Stage {
    Start,
    /// After the first line, before the first channel.
    Begun,
    InChannel(Current),
    Ended,
}

/// The channel that is being imported.
struct Current {
    name: String,
    channel: Channel,
    /// Its epoch in the export.
    old_epoch: String,
    /// The offset of the next message.
    next: u64,
}

impl<'txn> Import<'txn> {
    fn new(txn: &'txn WriteTransaction, new_epoch: bool) -> Result<Self, redb::TableError> {
        Ok(Import {
            channels: txn.open_table(CHANNELS)?,
            rows: txn.open_table(MESSAGES)?,
            keys: Keys::open(txn)?,
            positions: txn.open_table(POSITIONS)?,
            meta: txn.open_table(META)?,
            new_epoch,
            stage: Stage::Start,
            imported: 0,
            messages: 0,
        })
    }

    fn read(&mut self, input: impl BufRead) -> Result<(), AdminError> {
        let mut number = 0;
        for line in input.lines() {
            number += 1;
            let read = line.map_err(ImportError::Input).and_then(|line| self.line(&line));
            read.map_err(|e| AdminError::Import(number, e))?;
        }
        match self.stage {
            Stage::Ended => Ok(()),
            _ => Err(AdminError::Import(number + 1, ImportError::NoEnd)),
        }
    }

    fn line(&mut self, text: &str) -> Result<(), ImportError> {
        if let Stage::Ended = self.stage {
            return Err(ImportError::AfterTheEnd);
        }
        if let Ok(message) = serde_json::from_str::<MessageLine<'_>>(text) {
            return self.message(&message);
        }
        match (&self.stage, serde_json::from_str(text).map_err(ImportError::Format)?) {
            (Stage::Start, Head::Export { format: FORMAT }) => self.stage = Stage::Begun,
            (Stage::Start, Head::Export { format }) => return Err(ImportError::Version(format)),
            (Stage::Start, _) | (_, Head::Export { .. }) => return Err(ImportError::NotTheStart),
            (_, Head::Channel { name, epoch, first, head, last_id }) => {
                self.finish_channel()?;
                let channel = Channel { number: self.next_number(&name)?, epoch, first, head, last_id };
                self.begin_channel(name, channel);
            }
            (_, Head::Lost { first, last }) => self.lost(first, last)?,
            (_, Head::Key { key, offset, id }) => self.key(&key, offset, id)?,
            (_, Head::Position { user, client, epoch, offset, id, stored_ms }) => {
                let Current { name, channel, old_epoch, .. } = self.current()?;
                // A position in the exported log stays valid under the new epoch; any other one is a gap for its
                // client.
                let epoch = if epoch == *old_epoch { channel.epoch.clone() } else { epoch };
                let (name, id) = (name.clone(), id.map(|id| (id.ms, id.seq)));
                self.positions.insert((&*user, &*client, &*name), (&*epoch, offset, id, stored_ms))?;
            }
            (_, Head::End { messages }) => {
                self.finish_channel()?;
                if messages != self.messages {
                    return Err(ImportError::WrongCount { exported: messages, found: self.messages });
                }
                self.stage = Stage::Ended;
            }
        }
        Ok(())
    }

    fn message(&mut self, message: &MessageLine<'_>) -> Result<(), ImportError> {
        let Current { channel, next, .. } = self.current()?;
        if message.offset != *next {
            return Err(ImportError::WrongOffset { expected: *next, found: message.offset });
        }
        if message.offset > channel.head || message.id > channel.last_id {
            return Err(ImportError::BeyondTheHead { offset: message.offset, id: message.id });
        }
        *next += 1;
        let number = channel.number;
        self.messages += 1;
        let row = (message.id.ms, message.id.seq, message.data.get());
        self.rows.insert((number, message.offset), row)?;
        Ok(())
    }

    /// Leaves offsets out. A client reports a gap there.
    fn lost(&mut self, first: u64, last: u64) -> Result<(), ImportError> {
        let Current { channel, next, .. } = self.current()?;
        if first != *next {
            return Err(ImportError::WrongOffset { expected: *next, found: first });
        }
        if last < first || last > channel.head {
            return Err(ImportError::WrongOffset { expected: channel.head, found: last });
        }
        *next = last.saturating_add(1);
        Ok(())
    }

    fn key(&mut self, key: &str, offset: u64, id: MessageId) -> Result<(), ImportError> {
        let number = self.current()?.channel.number;
        Ok(self.keys.insert(number, key, offset, id)?)
    }

    fn current(&mut self) -> Result<&mut Current, ImportError> {
        match &mut self.stage {
            Stage::InChannel(current) => Ok(current),
            _ => Err(ImportError::OutsideAChannel),
        }
    }

    fn next_number(&mut self, name: &str) -> Result<u64, ImportError> {
        if self.channels.get(name)?.is_some() {
            return Err(ImportError::ChannelExists(name.to_owned()));
        }
        let number = self.meta.get("next_channel")?.map_or(1, |next| next.value());
        self.meta.insert("next_channel", number + 1)?;
        Ok(number)
    }

    fn begin_channel(&mut self, name: String, mut channel: Channel) {
        let (old_epoch, next) = (channel.epoch.clone(), channel.first);
        if self.new_epoch {
            channel.epoch = crate::random::name();
        }
        self.stage = Stage::InChannel(Current { name, channel, old_epoch, next });
    }

    fn finish_channel(&mut self) -> Result<(), ImportError> {
        let Stage::InChannel(Current { name, channel, next, .. }) = &self.stage else { return Ok(()) };
        if *next != channel.head + 1 {
            return Err(ImportError::ChannelTruncated { ch: name.clone(), head: channel.head });
        }
        channel.save(&mut self.channels, name)?;
        self.imported += 1;
        Ok(())
    }
}
