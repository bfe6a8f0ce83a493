//! The only writer of the embedded store.
//!
//! One thread takes commands from a bounded queue, as many as are waiting, and commits them in one transaction, so that
//! the disk is flushed once per group instead of once per message. Only then does it pass the messages to the live
//! stream, in log order, and answer the publishers. So no message is delivered or acknowledged that a crash could take
//! back, and because a single thread publishes, live order *is* log order.
//!
//! When the disk rejects a group, an [`outage`] begins: the writer rejects everything until the disk has space again.

#[cfg(test)]
mod faults;
mod outage;

use std::sync::Arc;

use redb::Database;
use seamline::wire::{Position, StartAt};
use tokio::sync::{mpsc, oneshot};
use tracing::error;

use self::outage::Outage;
use super::commits::CommitCount;
use super::handle::{Handle, needs_reopening};
use super::store::begin_write;
use super::tables::Tables;
use super::trim::sweep;
use crate::error::SetupError;
use crate::log::hub::Hub;
use crate::log::{Append, Appended, ChannelInfo, Message, PositionKey, Resumed, Retention, StoreError};
use crate::time::now_ms;

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
    Sweep(Answer<bool>),
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
    Appended(Appended, Option<Message>),
    Ensured(ChannelInfo),
    Stored,
    Resumed(Resumed),
    Swept,
}

/// A group that has been written.
struct Written {
    /// The number of the commit.
    number: u64,
    /// The results, in the order of the commands.
    done: Vec<Done>,
    /// Whether another sweep has to go on.
    more_to_sweep: bool,
}

/// Why a group could not be written.
struct Failure {
    error: redb::Error,
    /// Whether the file has to be reopened before anything else can be written.
    lasting: bool,
    /// Set if the commit itself failed. Whether the group is stored turns out when the file is reopened.
    uncertain: Option<Box<Written>>,
}

/// Reopens the file, which was at this commit; also returns its newest commit.
pub(super) type OpenFile = Box<dyn Fn(u64) -> Result<(Database, u64), SetupError> + Send>;

pub(super) struct Writer {
    pub handle: Arc<Handle>,
    pub open_file: OpenFile,
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
                let Written { done, more_to_sweep, .. } = written;
                let pairs = group.into_iter().zip(done);
                pairs.for_each(|(command, done)| self.announce(command, done, more_to_sweep));
            }
            Err(failure) if failure.lasting => self.interrupt(group, failure),
            Err(Failure { error, .. }) => {
                error!("cannot commit {} commands: {error}", group.len());
                let e = StoreError::Failed("the message could not be committed".into());
                group.into_iter().for_each(|command| command.refuse(&e));
            }
        }
    }

    fn write(&self, group: &[Command]) -> Result<Written, Failure> {
        let closed = || Err(Failure { error: redb::Error::DatabaseClosed, lasting: true, uncertain: None });
        self.handle.with(|db| self.write_to(db, group)).unwrap_or_else(closed)
    }

    fn write_to(&self, db: &Database, group: &[Command]) -> Result<Written, Failure> {
        // A transaction that cannot begin will not begin the next time either.
        let txn = begin_write(db).map_err(|error| Failure { error, lasting: true, uncertain: None })?;
        let failed = |error| Failure { lasting: needs_reopening(&error), error, uncertain: None };
        let written = self.fill(&txn, group).map_err(failed)?;
        match txn.commit().map_err(redb::Error::from) {
            Ok(()) => Ok(written),
            Err(error) => Err(Failure { uncertain: Some(Box::new(written)), ..failed(error) }),
        }
    }

    fn fill(&self, txn: &redb::WriteTransaction, group: &[Command]) -> Result<Written, redb::Error> {
        let now_ms = now_ms();
        let mut done = Vec::with_capacity(group.len());
        let mut sweeps = false;
        let mut tables = Tables::open(txn, now_ms)?;
        let number = tables.count_commit()?;
        for command in group {
            done.push(match command {
                Command::Append(append, _) => {
                    let (appended, message) = tables.append(append)?;
                    Done::Appended(appended, message)
                }
                Command::Ensure(ch, _) => Done::Ensured(tables.channel(ch)?.info()),
                Command::StorePositions(positions, _) => {
                    positions.iter().try_for_each(|(key, at)| tables.store_position(key, at))?;
                    Done::Stored
                }
                Command::Resume(keys, otherwise, _) => Done::Resumed(tables.resume(keys, *otherwise)?),
                Command::Sweep(_) => {
                    sweeps = true; // done below, when the tables are closed
                    Done::Swept
                }
                Command::Control(_) => continue, // never in a group: see `take_group`
            });
        }
        tables.finish(self.retention, txn)?;
        let more_to_sweep = sweeps && sweep(txn, self.retention, now_ms)?;
        Ok(Written { number, done, more_to_sweep })
    }

    /// Records the newest commit.
    fn wrote(&mut self, number: u64) {
        self.committed = number;
        self.commits.write(number);
    }

    /// Publishes the message, if any, and answers the command. The receiver may be gone, which is no error.
    fn announce(&self, command: Command, done: Done, more_to_sweep: bool) {
        match (command, done) {
            (Command::Append(append, answer), Done::Appended(appended, message)) => {
                if let Some(message) = message {
                    self.hub.publish(&append.ch, message);
                }
                let _ = answer.send(Ok(appended));
            }
            (Command::Ensure(_, answer), Done::Ensured(info)) => drop(answer.send(Ok(info))),
            (Command::StorePositions(_, answer), Done::Stored) => drop(answer.send(Ok(()))),
            (Command::Resume(_, _, answer), Done::Resumed(resumed)) => drop(answer.send(Ok(resumed))),
            (Command::Sweep(answer), Done::Swept) => drop(answer.send(Ok(more_to_sweep))),
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
            Command::Sweep(answer) => drop(answer.send(Err(e.clone()))),
            Command::Control(_) => {}
        }
    }
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
