//! The log cannot store, because the disk is full or fails: from the group that was refused until one of its size
//! fits again.
//!
//! The store is opened again at once, for its readers; redb refuses them, too, after an I/O error. Nobody is
//! acknowledged anything before the log has shown that it can store.

use std::time::Instant;

use tokio::sync::oneshot;
use tracing::{debug, info, warn};

use super::{Command, Done, Failure, Writer, Written};
use crate::log::embedded::room;
use crate::log::{Health, Message, StoreError};

/// See the module.
pub(in crate::log) struct Outage {
    began: Instant,
    /// What publishers are told.
    refusal: StoreError,
    /// The sizes of the payloads that were refused when it began.
    sizes: Vec<usize>,
    /// What is in the store if the commit that failed is.
    uncertain: Option<Uncertain>,
    /// Why the store could not be opened again, the last time that it could not.
    unopened: Option<String>,
}

/// Messages of a commit that may have come to pass. Their publishers were told to ask again.
struct Uncertain {
    number: u64,
    messages: Vec<(String, Message)>,
}

impl Outage {
    pub(super) fn refuse_all(&self, group: Vec<Command>) {
        group.into_iter().for_each(|command| command.refuse(&self.refusal));
    }
}

impl Writer {
    /// A group could not be stored, and the next one could not either.
    pub(super) fn interrupt(&mut self, group: Vec<Command>, failure: Failure) {
        let sizes = group.iter().filter_map(size).collect();
        let uncertain = failure.uncertain.map(|written| Uncertain::new(&group, *written));
        let outage = self.begin_outage(&failure.error, sizes, uncertain);
        outage.refuse_all(group);
        self.open_again();
    }

    /// A reader met an I/O error, after which the store refuses everything.
    pub(super) fn reader_failed(&mut self, openings: u64, e: &redb::Error) {
        let current = openings == *self.handle.openings().borrow();
        if current && self.outage.is_none() {
            self.begin_outage(e, Vec::new(), None);
            self.open_again();
        }
    }

    fn begin_outage(
        &mut self,
        e: &redb::Error,
        sizes: Vec<usize>,
        uncertain: Option<Uncertain>,
    ) -> &mut Outage {
        warn!("the store failed: {e}; reads go on, publications are refused until it can be written again");
        let refusal = StoreError::Unavailable(format!("the store failed: {e}"));
        self.degraded(e);
        self.outage.insert(Outage { began: Instant::now(), refusal, sizes, uncertain, unopened: None })
    }

    fn degraded(&self, e: &impl ToString) {
        self.handle.set_health(Health::Degraded(format!("cannot write to the store: {}", e.to_string())));
    }

    /// Finds out whether the log can store again, and if so, ends the outage.
    pub(super) fn retry(&mut self) {
        let Some(sizes) = self.outage.as_ref().map(|outage| outage.sizes.clone()) else { return };
        if !self.handle.is_open() && !self.open_again() {
            return;
        }
        match self.find_room(&sizes) {
            Ok(()) => {
                if let Some(outage) = self.outage.take() {
                    info!("the store can be written again, after {:.1?}", outage.began.elapsed());
                }
                self.handle.set_health(Health::Ok);
            }
            Err(e) => {
                debug!("the store still cannot be written: {e}");
                self.degraded(&e);
                self.open_again();
            }
        }
    }

    /// What retention no longer wants makes room, too: also where the disk stays full.
    fn find_room(&mut self, sizes: &[usize]) -> Result<(), redb::Error> {
        match self.write(&[Command::Sweep(oneshot::channel().0)]) {
            Ok(swept) => self.wrote(swept.number),
            Err(failure) if failure.lasting => return Err(failure.error),
            Err(failure) => debug!("trimming failed: {}", failure.error),
        }
        self.handle.with(|db| room::prove(db, sizes)).unwrap_or(Err(redb::Error::DatabaseClosed))
    }

    /// Opens the store again. Returns whether it is open.
    fn open_again(&mut self) -> bool {
        self.handle.close();
        let (db, committed) = match (self.reopen)(self.committed) {
            Ok(opened) => opened,
            Err(e) => {
                self.unopened(e.to_string());
                return false;
            }
        };
        self.handle.replace(db);
        self.wrote(committed);
        let uncertain = self.outage.as_mut().and_then(|outage| outage.uncertain.take());
        if let Some(stored) = uncertain.filter(|uncertain| uncertain.number <= committed) {
            stored.messages.into_iter().for_each(|(ch, message)| self.hub.publish(&ch, message));
        }
        true
    }

    /// Says why, unless it has been said.
    fn unopened(&mut self, why: String) {
        self.degraded(&why);
        let Some(outage) = &mut self.outage else { return };
        if outage.unopened.as_ref() != Some(&why) {
            warn!("{why}");
            outage.unopened = Some(why);
        }
    }
}

impl Uncertain {
    fn new(group: &[Command], written: Written) -> Self {
        let message = |(command, done): (&Command, Done)| match (command, done) {
            (Command::Append(append, _), Done::Appended(_, Some(message))) => {
                Some((append.ch.clone(), message))
            }
            _ => None,
        };
        Uncertain {
            number: written.number,
            messages: group.iter().zip(written.done).filter_map(message).collect(),
        }
    }
}

fn size(command: &Command) -> Option<usize> {
    match command {
        Command::Append(append, _) => Some(append.data.len()),
        _ => None,
    }
}
