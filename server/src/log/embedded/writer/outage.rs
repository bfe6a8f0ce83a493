//! An outage: the store cannot be written because the disk is full or fails. It lasts from the group that was rejected
//! until a group of that size fits again.
//!
//! The file is reopened immediately for the readers, because redb rejects them too after an I/O error. Nothing is
//! acknowledged until the store has proved that it can be written.

use std::time::Instant;

use tokio::sync::oneshot;
use tracing::{debug, info, warn};

use super::group::{Done, Failure};
use super::{Budget, Command, Outcome, Reopened, Writer};
use crate::log::embedded::free_space;
use crate::log::embedded::removal::deleted_channel;
use crate::log::embedded::sweep::expired_channels;
use crate::log::embedded::trim::{Expired, STEP_ROWS_MAX, Step};
use crate::log::{Health, Message, StoreError};

/// See the module.
pub(in crate::log) struct Outage {
    began: Instant,
    /// The answer to publishers.
    refusal: StoreError,
    /// The payload sizes of the group that was rejected.
    sizes: Vec<usize>,
    /// The commit that failed, which may be stored all the same.
    uncertain: Option<Uncertain>,
    /// The last error that was logged about reopening the file.
    reopen_error: Option<String>,
}

/// The changes of a commit that may have succeeded. Those who asked for them were asked to retry.
pub(super) struct Uncertain {
    pub number: u64,
    pub changes: Vec<Change>,
}

/// What the listeners of a channel have to learn.
pub(super) enum Change {
    Appended(String, Message),
    /// They have to read the log again: it was deleted, or it is not known what it has.
    Reset(String),
}

impl Outage {
    pub(super) fn refuse_all(&self, group: Vec<Command>) {
        group.into_iter().for_each(|command| command.refuse(&self.refusal));
    }
}

impl Writer {
    /// A group could not be written, and the next one will fail too.
    pub(super) fn interrupt(&mut self, group: Vec<Command>, failure: Failure) {
        let sizes = group.iter().filter_map(size).collect();
        let uncertain = failure.uncertain.map(|uncertain| *uncertain);
        let outage = self.begin_outage(&failure.error, sizes, uncertain);
        outage.refuse_all(group);
        self.reopen();
    }

    /// A group that is in the journal could not be made visible. It will be when the file is reopened.
    pub(super) fn not_visible(&mut self, e: &redb::Error) {
        self.begin_outage(e, Vec::new(), None);
        self.reopen();
    }

    /// A reader met an I/O error, after which the database refuses everything.
    pub(super) fn reader_failed(&mut self, generation: u64, e: &redb::Error) {
        let current = generation == *self.handle.generation().borrow();
        if current && self.outage.is_none() {
            self.begin_outage(e, Vec::new(), None);
            self.reopen();
        }
    }

    fn begin_outage(
        &mut self,
        e: &redb::Error,
        sizes: Vec<usize>,
        uncertain: Option<Uncertain>,
    ) -> &mut Outage {
        warn!(
            "the store failed: {e}; reads continue, publications are rejected until it can be written again"
        );
        let refusal = StoreError::Unavailable(format!("the store failed: {e}"));
        self.degraded(e);
        self.outage.insert(Outage { began: Instant::now(), refusal, sizes, uncertain, reopen_error: None })
    }

    fn degraded(&self, e: &impl ToString) {
        self.handle.set_health(Health::Degraded(format!("cannot write to the store: {}", e.to_string())));
    }

    /// Ends the outage if the store can be written again.
    pub(super) fn retry(&mut self) {
        let Some(sizes) = self.outage.as_ref().map(|outage| outage.sizes.clone()) else { return };
        if !self.handle.is_open() && !self.reopen() {
            return;
        }
        match self.find_space(&sizes) {
            Ok(()) => {
                if let Some(outage) = self.outage.take() {
                    info!("the store can be written again after {:.1?}", outage.began.elapsed());
                }
                self.handle.set_health(Health::Ok);
            }
            Err(e) => {
                debug!("the store still cannot be written: {e}");
                self.degraded(&e);
                self.reopen();
            }
        }
    }

    /// Trims first: dropping old messages frees space even if the disk stays full.
    fn find_space(&mut self, sizes: &[usize]) -> Result<(), redb::Error> {
        while let Some(expired) = self.first_expired()? {
            let step = Step { expired, rows_max: STEP_ROWS_MAX };
            self.budget.exhaust(); // only a commit of the store's own file frees its pages
            match self.write(&[Command::Trim(step, oneshot::channel().0)]) {
                Ok(trimmed) => self.finish(Vec::new(), trimmed),
                Err(failure) if failure.lasting => return Err(failure.error),
                Err(failure) => {
                    debug!("trimming failed: {}", failure.error);
                    break;
                }
            }
        }
        self.handle
            .with_present(|db| free_space::check(db, sizes))
            .unwrap_or(Err(redb::Error::DatabaseClosed))
    }

    fn first_expired(&self) -> Result<Option<Expired>, redb::Error> {
        let find = |db: &_| {
            if let Some(number) = deleted_channel(db)? {
                return Ok(Some(Expired::Deleted(number)));
            }
            let mut after = Some(String::new());
            while let Some(last) = after {
                let found = expired_channels(db, self.retention, &last)?;
                if !found.expired.is_empty() {
                    let names = found.expired.into_iter().map(|(_, name)| name);
                    return Ok(Some(Expired::Channels(names.collect())));
                }
                after = found.next;
            }
            Ok(None)
        };
        self.handle.with_present(find).unwrap_or(Err(redb::Error::DatabaseClosed))
    }

    /// Reopens the file. Returns whether it is open.
    fn reopen(&mut self) -> bool {
        self.handle.close();
        let Reopened { db, journal, committed } = match (self.open_file)(self.committed) {
            Ok(opened) => opened,
            Err(e) => {
                self.reopen_failed(e.to_string());
                return false;
            }
        };
        self.handle.replace(db);
        self.journal = journal;
        self.budget = Budget::default();
        self.wrote(committed);
        let uncertain = self.outage.as_mut().and_then(|outage| outage.uncertain.take());
        if let Some(stored) = uncertain.filter(|uncertain| uncertain.number <= committed) {
            stored.changes.into_iter().for_each(|change| match change {
                Change::Appended(ch, message) => self.hub.publish(&ch, message),
                Change::Reset(ch) => self.hub.reset(&ch),
            });
        }
        true
    }

    /// Logs the error, unless it was the last one to be logged.
    fn reopen_failed(&mut self, why: String) {
        self.degraded(&why);
        let Some(outage) = &mut self.outage else { return };
        if outage.reopen_error.as_ref() != Some(&why) {
            warn!("{why}");
            outage.reopen_error = Some(why);
        }
    }
}

impl Uncertain {
    /// What a group with these results has changed.
    pub fn done(group: &[Command], done: Vec<Done>) -> Vec<Change> {
        let change = |(command, done): (&Command, Done)| match (command, done) {
            (Command::Append(append, _), Done::Appended(Outcome::Stored(_, message))) => {
                Some(Change::Appended(append.ch.clone(), message))
            }
            (Command::Delete(ch, _), Done::Deleted(true)) => Some(Change::Reset(ch.clone())),
            _ => None,
        };
        group.iter().zip(done).filter_map(change).collect()
    }

    /// What a group has changed if it is stored, without its results.
    pub fn unknown(group: &[Command]) -> Vec<Change> {
        let change = |command: &Command| match command {
            Command::Append(append, _) => Some(Change::Reset(append.ch.clone())),
            Command::Delete(ch, _) => Some(Change::Reset(ch.clone())),
            _ => None,
        };
        group.iter().filter_map(change).collect()
    }
}

fn size(command: &Command) -> Option<usize> {
    match command {
        Command::Append(append, _) => Some(append.data.len()),
        _ => None,
    }
}
