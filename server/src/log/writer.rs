//! The one writer of the embedded log.
//!
//! One thread takes everything that changes the store from a bounded queue, as much as is waiting,
//! and commits it in one transaction: the disk is flushed once per group, not once per message.
//! Then — only then — it hands the messages to the live stream in log order, and last it answers the
//! publishers. So nobody hears of a message, live or acknowledged, that a crash could take back; and
//! because one thread publishes, live order *is* log order.

use std::sync::Arc;

use redb::{Database, Durability};
use seamline::core::position::Position;
use tokio::sync::{mpsc, oneshot};
use tracing::error;

use super::commits::CommitCount;
use super::retention::{Retention, sweep};
use super::tables::Tables;
use super::{Append, Appended, ChannelInfo, LogError, Message, SyncKey};
use crate::hub::Hub;
use crate::time::now_ms;

/// How many commands one transaction takes.
const GROUP_COMMANDS_MAX: usize = 512;
/// How many payload bytes one transaction takes: a group is held in memory until it is published.
const GROUP_BYTES_MAX: usize = 8 * 1024 * 1024;

type Answer<T> = oneshot::Sender<Result<T, LogError>>;

pub(super) enum Command {
    Append(Append, Answer<Appended>),
    /// Create the channel if it is not there.
    Ensure(String, Answer<ChannelInfo>),
    StoreSync(Vec<(SyncKey, Position)>, Answer<()>),
    Sweep(Answer<bool>),
    Stop(oneshot::Sender<()>),
}

/// What to do once the group is on the disk, in the order of the commands.
enum Outcome {
    Appended(Answer<Appended>, Appended, Option<(String, Message)>),
    Ensured(Answer<ChannelInfo>, ChannelInfo),
    Stored(Answer<()>),
    Swept(Answer<bool>, bool),
}

pub(super) struct Writer {
    pub db: Arc<Database>,
    pub commits: CommitCount,
    pub hub: Arc<Hub>,
    pub retention: Retention,
}

impl Writer {
    /// Runs until it is told to stop, or until nobody is left to send it anything.
    pub fn run(mut self, mut queue: mpsc::Receiver<Command>) {
        while let Some(first) = queue.blocking_recv() {
            let (group, stop) = take_group(first, &mut queue);
            if !group.is_empty() {
                self.commit(group);
            }
            if let Some(stopped) = stop {
                drop(self); // lets go of the store before anyone may end the process
                let _ = stopped.send(());
                return;
            }
        }
    }

    fn commit(&mut self, group: Vec<Command>) {
        // The answers are inside: when this fails, they are dropped, and each ticket says so.
        match self.write(group) {
            Ok((number, outcomes)) => {
                self.commits.write(number);
                outcomes.into_iter().for_each(|outcome| self.announce(outcome));
            }
            Err(e) => error!("a group of publications could not be committed: {e}"),
        }
    }

    fn write(&self, group: Vec<Command>) -> Result<(u64, Vec<Outcome>), redb::Error> {
        let mut txn = self.db.begin_write()?;
        txn.set_durability(Durability::Immediate)?;
        // The commit record follows what it commits, flushed apart. In one step, a record whose pages are damaged
        // looks like one that was being written: the store would open without the last group, and say nothing.
        txn.set_two_phase_commit(true);
        let now_ms = now_ms();
        let mut outcomes = Vec::with_capacity(group.len());
        let mut sweeps = Vec::new();
        let number = {
            let mut tables = Tables::open(&txn, now_ms)?;
            let number = tables.count_commit()?;
            for command in group {
                outcomes.push(match command {
                    Command::Append(append, answer) => {
                        let (appended, message) = tables.append(append)?;
                        Outcome::Appended(answer, appended, message)
                    }
                    Command::Ensure(ch, answer) => Outcome::Ensured(answer, tables.channel(&ch)?.info()),
                    Command::StoreSync(states, answer) => {
                        states.iter().try_for_each(|(key, at)| tables.store_sync(key, at))?;
                        Outcome::Stored(answer)
                    }
                    Command::Sweep(answer) => {
                        sweeps.push(answer);
                        continue;
                    }
                    Command::Stop(_) => continue, // never part of a group: see take_group
                });
            }
            tables.finish(self.retention, &txn)?;
            number
        };
        for answer in sweeps {
            outcomes.push(Outcome::Swept(answer, sweep(&txn, self.retention, now_ms)?));
        }
        txn.commit()?;
        Ok((number, outcomes))
    }

    /// Publishers that have gone do not wait for their answer: that is no error.
    fn announce(&self, outcome: Outcome) {
        match outcome {
            Outcome::Appended(answer, appended, message) => {
                if let Some((ch, message)) = message {
                    self.hub.publish(&ch, message);
                }
                let _ = answer.send(Ok(appended));
            }
            Outcome::Ensured(answer, info) => drop(answer.send(Ok(info))),
            Outcome::Stored(answer) => drop(answer.send(Ok(()))),
            Outcome::Swept(answer, more) => drop(answer.send(Ok(more))),
        }
    }
}

/// Takes what is waiting, up to the limits, or up to the order to stop.
fn take_group(
    first: Command,
    queue: &mut mpsc::Receiver<Command>,
) -> (Vec<Command>, Option<oneshot::Sender<()>>) {
    let mut group = Vec::new();
    let mut bytes = 0;
    let mut next = Some(first);
    while let Some(command) = next {
        if let Command::Stop(stopped) = command {
            return (group, Some(stopped));
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
