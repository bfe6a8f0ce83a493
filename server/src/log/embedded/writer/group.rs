//! How a group of commands is written: to the journal or to the store's own file.

use redb::{Database, Durability, WriteTransaction};

use super::outage::Uncertain;
use super::{Budget, Command, record};
use crate::log::embedded::handle::needs_reopening;
use crate::log::embedded::journal::{self, Journal};
use crate::log::embedded::store::begin_write;
use crate::log::embedded::tables::{Context, Outcome, Tables};
use crate::log::embedded::trim::{self, Dropped};
use crate::log::{ChannelInfo, Resumed};

/// How many pages a row changes that a step drops: one that has the row, and perhaps another one with the channel's.
const PAGES_PER_DROPPED_ROW: usize = 2;

/// The result of a command, valid once its group is committed.
pub(super) enum Done {
    Appended(Outcome),
    Ensured(ChannelInfo),
    Deleted(bool),
    Stored,
    Resumed(Resumed),
    Dropped(Dropped),
}

/// A group that is on the disk.
pub(super) struct Written {
    /// The number of the commit.
    pub number: u64,
    /// The results, in the order of the commands.
    pub done: Vec<Done>,
    /// The transaction, if only the journal has the group. It makes the group visible to readers.
    pub in_memory: Option<WriteTransaction>,
}

/// What a group has changed in a transaction.
struct Filled {
    /// The number of the commit.
    number: u64,
    done: Vec<Done>,
    /// How many pages the rows that it has dropped lay in, about.
    dropped_pages: usize,
}

/// Why a group could not be written.
pub(super) struct Failure {
    pub error: redb::Error,
    /// Whether the file has to be reopened before anything else can be written.
    pub lasting: bool,
    /// Set if the group may be stored all the same, which turns out when the file is reopened.
    pub uncertain: Option<Box<Uncertain>>,
}

/// Writes the group to the journal and prepares a commit in memory, or commits it to the store's own file.
pub(super) fn write(
    db: &Database,
    journal: &mut Journal,
    budget: &mut Budget,
    context: Context,
    number: u64,
    group: &[Command],
) -> Result<Written, Failure> {
    let failed = |error| Failure { lasting: needs_reopening(&error), error, uncertain: None };
    let record = record::encode(&context, group).filter(|record| journal.has_room(record.len()));
    let record = record.filter(|record| budget.allows(record.len(), group.len(), most_dropped_pages(group)));
    if let Some(record) = &record {
        // The disk is busy with it while the transaction begins and the tables change.
        journal.write(number, record).map_err(|e| failed(e.into()))?;
    }
    let uncertain = |failure: Failure, changes| Failure {
        lasting: true,
        uncertain: Some(Box::new(Uncertain { number, changes })),
        ..failure
    };
    let prepared = begin(db).and_then(|txn| {
        let filled = fill(&txn, context, group).map_err(failed)?;
        Ok((txn, filled))
    });
    let (mut txn, filled) = prepared.map_err(|failure| match journal.retract() {
        Ok(()) => failure,
        Err(_) => uncertain(failure, Uncertain::unknown(group)),
    })?;
    debug_assert_eq!(filled.number, number);
    let stored = match &record {
        Some(_) => flush(&mut txn, journal).map(|()| Some(txn)),
        None => txn.commit().map(|()| None).map_err(redb::Error::from),
    };
    match (stored, record) {
        (Err(error), _) => {
            let failure = failed(error);
            let lasting = failure.lasting;
            let changes = Uncertain::done(group, filled.done);
            Err(Failure { lasting, ..uncertain(failure, changes) })
        }
        (Ok(in_memory), record) => {
            match record {
                Some(record) => budget.spend(record.len(), group.len(), filled.dropped_pages),
                None => {
                    journal.start_over();
                    budget.start_over();
                }
            }
            Ok(Written { number: filled.number, done: filled.done, in_memory })
        }
    }
}

/// A transaction that cannot begin will not begin the next time either.
fn begin(db: &Database) -> Result<WriteTransaction, Failure> {
    begin_write(db).map_err(|error| Failure { error, lasting: true, uncertain: None })
}

/// Flushes the journal, after which the transaction need not be durable.
fn flush(txn: &mut WriteTransaction, journal: &mut Journal) -> Result<(), redb::Error> {
    txn.set_two_phase_commit(false);
    txn.set_durability(Durability::None)?;
    Ok(journal.flush()?)
}

/// How many pages the steps of a group change at most, about.
fn most_dropped_pages(group: &[Command]) -> usize {
    let rows = |command: &Command| if let Command::Trim(step, _) = command { step.most_rows() } else { 0 };
    group.iter().map(rows).sum::<usize>() * PAGES_PER_DROPPED_ROW
}

fn fill(txn: &WriteTransaction, context: Context, group: &[Command]) -> Result<Filled, redb::Error> {
    let mut done = Vec::with_capacity(group.len());
    let mut tables = Tables::open(txn, context)?;
    let number = tables.count_commit()?;
    for command in group {
        done.push(match command {
            Command::Append(append, _) => Done::Appended(tables.append(append)?),
            Command::Ensure(ch, _) => Done::Ensured(tables.channel(ch)?.info()),
            Command::Delete(ch, _) => Done::Deleted(tables.delete(ch)?),
            Command::StorePositions(positions, _) => {
                positions.iter().try_for_each(|(key, at)| tables.store_position(key, at))?;
                Done::Stored
            }
            Command::Resume(keys, otherwise, _) => Done::Resumed(tables.resume(keys, *otherwise)?),
            Command::Trim(..) => Done::Dropped(Dropped::default()), // below, when the tables are closed
            Command::Control(_) => continue,                        // never in a group: see `take_group`
        });
    }
    // Half of the rows are messages, which lie together. A step has few rows of each channel.
    let mut dropped_pages = tables.finish()? / 2;
    for (command, done) in group.iter().zip(&mut done) {
        if let (Command::Trim(step, _), Done::Dropped(dropped)) = (command, done) {
            *dropped = trim::drop_expired(txn, context, step)?;
            dropped_pages += dropped.rows * PAGES_PER_DROPPED_ROW;
        }
    }
    Ok(Filled { number, done, dropped_pages })
}

/// Applies what the journal has and the store has not, in memory. Returns the newest commit.
pub(in crate::log) fn replay(
    db: &Database,
    committed: u64,
    records: &[journal::Record],
) -> Result<u64, redb::Error> {
    if records.is_empty() {
        return Ok(committed);
    }
    let mut txn = begin_write(db)?;
    let mut newest = committed;
    for record in records {
        let damaged = |e: serde_json::Error| redb::Error::Corrupted(format!("commit {}: {e}", record.number));
        let (context, group) = record::decode(&record.bytes).map_err(damaged)?;
        newest = fill(&txn, context, &group)?.number;
    }
    txn.set_two_phase_commit(false);
    txn.set_durability(Durability::None)?;
    txn.commit()?;
    Ok(newest)
}
