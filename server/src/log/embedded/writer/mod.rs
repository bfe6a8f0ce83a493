//! The only writer of the embedded store.
//!
//! One thread takes commands from a bounded queue, as many as are waiting, and commits them in one transaction, so that
//! the disk is flushed once per group instead of once per message. Only then does it pass the messages to the live
//! stream, in log order, and answer the publishers. So no message is delivered or acknowledged that a crash could take
//! back, and because a single thread publishes, live order *is* log order.
//!
//! Most groups are flushed to the [`Journal`], and committed in memory. The disk begins to write a group while the
//! tables change, and readers see it a moment after it was announced; those that begin in between wait. A [`Budget`]
//! limits how much is in memory before a commit writes everything to the store's own file.
//!
//! When the disk rejects a group, an [`outage`] begins: the writer rejects everything until the disk has space again.

mod budget;
#[cfg(test)]
mod faults;
mod group;
mod outage;
mod record;
#[cfg(test)]
mod steps;

use std::sync::Arc;

use redb::WriteTransaction;
use seamline::wire::{Position, StartAt};
use tokio::sync::{mpsc, oneshot};
use tracing::error;

pub(super) use self::budget::Budget;
pub(in crate::log) use self::group::replay;
use self::group::{Done, Failure, Written};
use self::outage::Outage;
use super::commits::CommitCount;
use super::handle::Handle;
use super::journal::Journal;
use super::store::Reopened;
use super::tables::{Context, Outcome};
use super::trim::Step;
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
    /// Delete the channel. The answer is whether there was one.
    Delete(String, Answer<bool>),
    StorePositions(Vec<(PositionKey, Position)>, Answer<()>),
    Resume(Vec<PositionKey>, StartAt, Answer<Resumed>),
    /// Drop what is past its retention or was deleted, up to a limit. The answer is whether some is left.
    Trim(Step, Answer<bool>),
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
            Ok(written) => self.finish(group, written),
            Err(failure) if failure.lasting => self.interrupt(group, failure),
            Err(Failure { error, .. }) => {
                error!("cannot commit {} commands: {error}", group.len());
                let e = StoreError::Failed("the message could not be committed".into());
                group.into_iter().for_each(|command| command.refuse(&e));
            }
        }
    }

    fn write(&mut self, group: &[Command]) -> Result<Written, Failure> {
        let Writer { handle, journal, budget, retention, committed, .. } = self;
        let context = Context::now(*retention, group.len());
        let closed = || Err(Failure { error: redb::Error::DatabaseClosed, lasting: true, uncertain: None });
        let number = *committed + 1;
        handle
            .with_present(|db| group::write(db, journal, budget, context, number, group))
            .unwrap_or_else(closed)
    }

    /// Announces the group, and makes it visible to readers. What is announced is on the disk, so this can take place
    /// while those who are waiting are already being woken. Reads that begin meanwhile wait.
    fn finish(&mut self, group: Vec<Command>, Written { number, done, in_memory }: Written) {
        self.wrote(number);
        let handle = self.handle.clone();
        let _readers = in_memory.is_some().then(|| handle.hold_readers());
        group.into_iter().zip(done).for_each(|(command, done)| self.announce(command, done));
        if let Some(Err(e)) = in_memory.map(WriteTransaction::commit) {
            self.not_visible(&e.into());
        }
    }

    /// Records the newest commit. Before it is announced: a store that is salvaged after a crash misses what was
    /// announced and is only in the journal, and this number shows it.
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
                        self.hub.publish_traced(&append.ch, message, append.trace.published());
                        Ok(appended)
                    }
                    Outcome::Known(appended) => Ok(appended),
                    Outcome::KeyConflict => Err(StoreError::KeyConflict),
                });
            }
            (Command::Ensure(_, answer), Done::Ensured(info)) => drop(answer.send(Ok(info))),
            (Command::Delete(ch, answer), Done::Deleted(existed)) => {
                if existed {
                    self.hub.reset(&ch);
                }
                drop(answer.send(Ok(existed)));
            }
            (Command::StorePositions(_, answer), Done::Stored) => drop(answer.send(Ok(()))),
            (Command::Resume(_, _, answer), Done::Resumed(resumed)) => drop(answer.send(Ok(resumed))),
            (Command::Trim(_, answer), Done::Dropped(dropped)) => drop(answer.send(Ok(dropped.more))),
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
            Command::Delete(_, answer) => drop(answer.send(Err(e.clone()))),
            Command::StorePositions(_, answer) => drop(answer.send(Err(e.clone()))),
            Command::Resume(_, _, answer) => drop(answer.send(Err(e.clone()))),
            Command::Trim(_, answer) => drop(answer.send(Err(e.clone()))),
            Command::Control(_) => {}
        }
    }
}

/// Takes what is queued, up to the limits, the first control command or the first step of dropping: a group has one at
/// most, so that publishers wait for a bounded time.
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
        let is_last = matches!(group.last(), Some(Command::Trim(..)));
        let room = !is_last && group.len() < GROUP_COMMANDS_MAX && bytes < GROUP_BYTES_MAX;
        next = if room { queue.try_recv().ok() } else { None };
    }
    (group, None)
}
