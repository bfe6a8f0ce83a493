//! The only writer of the embedded store.
//!
//! One thread takes commands from a bounded queue, as many as are waiting, and commits them in one transaction, so that
//! the disk is flushed once per group instead of once per message. Only then does it pass the messages to the live
//! stream, in log order, and answer the publishers. So no message is delivered or acknowledged that a crash could take
//! back, and because a single thread publishes, live order *is* log order.
//!
//! Most groups are flushed to the [journal], and committed in memory. A [`Budget`] limits how much that
//! is before a commit writes everything to the store's own file.
//!
//! When the disk rejects a group, an [`outage`] begins: the writer rejects everything until the disk has space again.

mod budget;
#[cfg(test)]
mod faults;
mod outage;
mod record;

use std::sync::Arc;

use redb::{Database, Durability, WriteTransaction};
use seamline::wire::{Position, StartAt};
use tokio::sync::{mpsc, oneshot};
use tracing::error;

pub(super) use self::budget::Budget;
use self::outage::Outage;
use super::commits::CommitCount;
use super::handle::{Handle, needs_reopening};
use super::journal::{self, Journal};
use super::store::{Reopened, begin_write};
use super::tables::{Context, Outcome, Tables};
use super::trim::{self, Expired};
use crate::error::SetupError;
use crate::log::hub::Hub;
use crate::log::{Append, Appended, ChannelInfo, PositionKey, Resumed, Retention, StoreError};

/// Maximum number of commands per transaction.
const GROUP_COMMANDS_MAX: usize = 512;
/// Maximum payload bytes per transaction: a group stays in memory until it is published.
const GROUP_BYTES_MAX: usize = 8 * 1024 * 1024;

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

pub(super) enum Command {
    Append(Append, Answer<Appended>),
    /// Create the channel if it is missing.
    Ensure(String, Answer<ChannelInfo>),
    StorePositions(Vec<(PositionKey, Position)>, Answer<()>),
    Resume(Vec<PositionKey>, StartAt, Answer<Resumed>),
    /// Drop what is past its retention, up to a limit. The answer is whether some is left.
    Trim(Expired, Answer<bool>),
    Control(Control),
}

/// Commands that are not part of a group.
pub(super) enum Control {
    /// A reader found that this generation of the database refuses everything.
    Failed(u64, redb::Error),
    /// Check whether the store can be written again.
    Retry(oneshot::Sender<()>),
    Stop(oneshot::Sender<()>),
}

/// The result of a command, valid once its group is committed.
enum Done {
    Appended(Outcome),
    Ensured(ChannelInfo),
    Stored,
    Resumed(Resumed),
    Trimmed { more: bool },
}

/// A group that has been written.
struct Written {
    /// The number of the commit.
    number: u64,
    /// The results, in the order of the commands.
    done: Vec<Done>,
}

/// Why a group could not be written.
struct Failure {
    error: redb::Error,
    /// Whether the file has to be reopened before anything else can be written.
    lasting: bool,
    /// Set if the commit itself failed. Whether the group is stored turns out when the file is reopened.
    uncertain: Option<Box<Written>>,
}

/// Reopens the store, which was at this commit.
pub(super) type OpenFile = Box<dyn Fn(u64) -> Result<Reopened, SetupError> + Send>;

pub(super) struct Writer {
    pub handle: Arc<Handle>,
    pub open_file: OpenFile,
    pub journal: Journal,
    pub budget: Budget,
    pub commits: CommitCount,
    /// The newest commit that is known to be stored.
    pub committed: u64,
    pub hub: Arc<Hub>,
    pub retention: Retention,
    pub outage: Option<Outage>,
}

impl Writer {
    /// Runs until a `Stop`, or until all senders are gone.
    pub fn run(mut self, mut queue: mpsc::Receiver<Command>) {
        while let Some(first) = queue.blocking_recv() {
            let (group, control) = take_group(first, &mut queue);
            if !group.is_empty() {
                self.commit(group);
            }
            match control {
                None => {}
                Some(Control::Failed(generation, e)) => self.reader_failed(generation, &e),
                Some(Control::Retry(tried)) => {
                    self.retry();
                    let _ = tried.send(()); // fails when the store is being closed
                }
                Some(Control::Stop(stopped)) => {
                    self.handle.close(); // before the process may end
                    let _ = stopped.send(());
                    return;
                }
            }
        }
    }

    fn commit(&mut self, group: Vec<Command>) {
        if let Some(outage) = &self.outage {
            return outage.refuse_all(group);
        }
        match self.write(&group) {
            Ok(written) => {
                self.wrote(written.number);
                group.into_iter().zip(written.done).for_each(|(command, done)| self.announce(command, done));
            }
            Err(failure) if failure.lasting => self.interrupt(group, failure),
            Err(Failure { error, .. }) => {
                error!("cannot commit {} commands: {error}", group.len());
                let e = StoreError::Failed("the message could not be committed".into());
                group.into_iter().for_each(|command| command.refuse(&e));
            }
        }
    }

    fn write(&mut self, group: &[Command]) -> Result<Written, Failure> {
        let Writer { handle, journal, budget, retention, .. } = self;
        let context = Context::now(*retention);
        let closed = || Err(Failure { error: redb::Error::DatabaseClosed, lasting: true, uncertain: None });
        handle.with(|db| write(db, journal, budget, context, group)).unwrap_or_else(closed)
    }

    /// Records the newest commit.
    fn wrote(&mut self, number: u64) {
        self.committed = number;
        self.commits.write(number);
    }

    /// Publishes the message, if any, and answers the command. The receiver may be gone, which is no error.
    fn announce(&self, command: Command, done: Done) {
        match (command, done) {
            (Command::Append(append, answer), Done::Appended(outcome)) => {
                let _ = answer.send(match outcome {
                    Outcome::Stored(appended, message) => {
                        self.hub.publish(&append.ch, message);
                        Ok(appended)
                    }
                    Outcome::Known(appended) => Ok(appended),
                    Outcome::KeyConflict => Err(StoreError::KeyConflict),
                });
            }
            (Command::Ensure(_, answer), Done::Ensured(info)) => drop(answer.send(Ok(info))),
            (Command::StorePositions(_, answer), Done::Stored) => drop(answer.send(Ok(()))),
            (Command::Resume(_, _, answer), Done::Resumed(resumed)) => drop(answer.send(Ok(resumed))),
            (Command::Trim(_, answer), Done::Trimmed { more }) => drop(answer.send(Ok(more))),
            _ => {} // a command and its result are of the same kind
        }
    }
}

impl Command {
    /// Answers with an error.
    fn refuse(self, e: &StoreError) {
        match self {
            Command::Append(_, answer) => drop(answer.send(Err(e.clone()))),
            Command::Ensure(_, answer) => drop(answer.send(Err(e.clone()))),
            Command::StorePositions(_, answer) => drop(answer.send(Err(e.clone()))),
            Command::Resume(_, _, answer) => drop(answer.send(Err(e.clone()))),
            Command::Trim(_, answer) => drop(answer.send(Err(e.clone()))),
            Command::Control(_) => {}
        }
    }
}

fn write(
    db: &Database,
    journal: &mut Journal,
    budget: &mut Budget,
    context: Context,
    group: &[Command],
) -> Result<Written, Failure> {
    // A transaction that cannot begin will not begin the next time either.
    let txn = begin_write(db).map_err(|error| Failure { error, lasting: true, uncertain: None })?;
    let failed = |error| Failure { lasting: needs_reopening(&error), error, uncertain: None };
    let written = fill(&txn, context, group).map_err(failed)?;
    let record = record::encode(&context, group).filter(|record| journal.has_room(record.len()));
    let record = record.filter(|record| budget.allows(record.len(), group));
    let stored = match &record {
        Some(record) => in_memory(txn, journal, written.number, record),
        None => txn.commit().map_err(redb::Error::from),
    };
    match (stored, record) {
        (Err(error), _) => Err(Failure { uncertain: Some(Box::new(written)), ..failed(error) }),
        (Ok(()), None) => {
            journal.start_over();
            budget.start_over();
            Ok(written)
        }
        (Ok(()), Some(record)) => {
            budget.spend(record.len(), group);
            Ok(written)
        }
    }
}

/// Flushes the group to the journal, and shows it to the readers.
fn in_memory(
    mut txn: WriteTransaction,
    journal: &mut Journal,
    number: u64,
    record: &[u8],
) -> Result<(), redb::Error> {
    txn.set_two_phase_commit(false);
    txn.set_durability(Durability::None)?;
    journal.append(number, record)?;
    Ok(txn.commit()?)
}

fn fill(txn: &WriteTransaction, context: Context, group: &[Command]) -> Result<Written, redb::Error> {
    let mut done = Vec::with_capacity(group.len());
    let mut tables = Tables::open(txn, context)?;
    let number = tables.count_commit()?;
    for command in group {
        done.push(match command {
            Command::Append(append, _) => Done::Appended(tables.append(append)?),
            Command::Ensure(ch, _) => Done::Ensured(tables.channel(ch)?.info()),
            Command::StorePositions(positions, _) => {
                positions.iter().try_for_each(|(key, at)| tables.store_position(key, at))?;
                Done::Stored
            }
            Command::Resume(keys, otherwise, _) => Done::Resumed(tables.resume(keys, *otherwise)?),
            Command::Trim(..) => Done::Trimmed { more: false }, // below, when the tables are closed
            Command::Control(_) => continue,                    // never in a group: see `take_group`
        });
    }
    tables.finish()?;
    for (command, done) in group.iter().zip(&mut done) {
        if let (Command::Trim(expired, _), Done::Trimmed { more }) = (command, done) {
            *more = trim::drop_expired(txn, context, expired)?;
        }
    }
    Ok(Written { number, done })
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

/// Takes what is queued, up to the limits or the first control command.
fn take_group(first: Command, queue: &mut mpsc::Receiver<Command>) -> (Vec<Command>, Option<Control>) {
    let mut group = Vec::new();
    let mut bytes = 0;
    let mut next = Some(first);
    while let Some(command) = next {
        if let Command::Control(control) = command {
            return (group, Some(control));
        }
        if let Command::Append(append, _) = &command {
            bytes += append.data.len();
        }
        group.push(command);
        let room = group.len() < GROUP_COMMANDS_MAX && bytes < GROUP_BYTES_MAX;
        next = if room { queue.try_recv().ok() } else { None };
    }
    (group, None)
}
