//! The one writer of the embedded log.
//!
//! One thread takes everything that changes the store from a bounded queue, as much as is waiting,
//! and commits it in one transaction: the disk is flushed once per group, not once per message.
//! Then — only then — it hands the messages to the live stream in log order, and last it answers the
//! publishers. So nobody hears of a message, live or acknowledged, that a crash could take back; and
//! because one thread publishes, live order *is* log order.
//!
//! When the disk refuses a group, an [`outage`] begins: the writer refuses everything until it has found room again.

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
use super::retention::{Retention, sweep};
use super::store::{OpenError, begin_write};
use super::tables::Tables;
use crate::log::hub::Hub;
use crate::log::{Append, Appended, ChannelInfo, Message, PositionKey, Resumed, StoreError};
use crate::time::now_ms;

/// How many commands one transaction takes.
const GROUP_COMMANDS_MAX: usize = 512;
/// How many payload bytes one transaction takes: a group is held in memory until it is published.
const GROUP_BYTES_MAX: usize = 8 * 1024 * 1024;

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

pub(super) enum Command {
    Append(Append, Answer<Appended>),
    /// Create the channel if it is not there.
    Ensure(String, Answer<ChannelInfo>),
    StorePositions(Vec<(PositionKey, Position)>, Answer<()>),
    Resume(Vec<PositionKey>, StartAt, Answer<Resumed>),
    Sweep(Answer<bool>),
    Control(Control),
}

/// What is no part of a group.
pub(super) enum Control {
    /// A reader found that the store, after so many openings, refuses everything.
    Failed(u64, redb::Error),
    /// Find out whether the log can store again.
    Retry(oneshot::Sender<()>),
    Stop(oneshot::Sender<()>),
}

/// What became of a command, once its group is on the disk.
enum Done {
    Appended(Appended, Option<Message>),
    Ensured(ChannelInfo),
    Stored,
    Resumed(Resumed),
    Swept,
}

/// A group in the store.
struct Written {
    /// The number of the commit.
    number: u64,
    /// In the order of the commands.
    done: Vec<Done>,
    /// Whether rows remain that another sweep should take.
    more_to_sweep: bool,
}

/// Why a group could not be written.
struct Failure {
    error: redb::Error,
    /// Whether the store has to be opened again before anything else can be written.
    lasting: bool,
    /// The commit itself failed: whether it is in the store shows when that is opened again.
    uncertain: Option<Box<Written>>,
}

/// Opens the store again, which was at this commit; gives the number of its newest one.
pub(super) type Reopen = Box<dyn Fn(u64) -> Result<(Database, u64), OpenError> + Send>;

pub(super) struct Writer {
    pub handle: Arc<Handle>,
    pub reopen: Reopen,
    pub commits: CommitCount,
    /// The number of the newest commit that is known to be in the store.
    pub committed: u64,
    pub hub: Arc<Hub>,
    pub retention: Retention,
    pub outage: Option<Outage>,
}

impl Writer {
    /// Runs until it is told to stop, or until nobody is left to send it anything.
    pub fn run(mut self, mut queue: mpsc::Receiver<Command>) {
        while let Some(first) = queue.blocking_recv() {
            let (group, control) = take_group(first, &mut queue);
            if !group.is_empty() {
                self.commit(group);
            }
            match control {
                None => {}
                Some(Control::Failed(openings, e)) => self.reader_failed(openings, &e),
                Some(Control::Retry(tried)) => {
                    self.retry();
                    let _ = tried.send(()); // the log is gone: nobody tries again
                }
                Some(Control::Stop(stopped)) => {
                    self.handle.close(); // before anyone may end the process
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
                error!("a group of publications could not be committed: {error}");
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
        // What does not even begin will not the next time.
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
                Command::StorePositions(states, _) => {
                    states.iter().try_for_each(|(key, at)| tables.store_position(key, at))?;
                    Done::Stored
                }
                Command::Resume(keys, otherwise, _) => Done::Resumed(tables.resume(keys, *otherwise)?),
                Command::Sweep(_) => {
                    sweeps = true; // when the tables are closed
                    Done::Swept
                }
                Command::Control(_) => continue, // never part of a group: see take_group
            });
        }
        tables.finish(self.retention, txn)?;
        let more_to_sweep = sweeps && sweep(txn, self.retention, now_ms)?;
        Ok(Written { number, done, more_to_sweep })
    }

    /// The store has come as far as this commit.
    fn wrote(&mut self, number: u64) {
        self.committed = number;
        self.commits.write(number);
    }

    /// Publishers that have gone do not wait for their answer: that is no error.
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
            _ => {} // each command is done in its own way
        }
    }
}

impl Command {
    /// Answers that it was not done.
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

/// Takes what is waiting, up to the limits, or up to what is no part of a group.
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
