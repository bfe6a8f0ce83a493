//! Channels that cannot be used, because foreign data is stored under one of their keys. Each failure is logged once,
//! however many clients it affects.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use tracing::{error, info};

use crate::log::StoreError;

/// An operation on a channel. One may fail while the others work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operation {
    Read,
    Publish,
    StorePosition,
    Delete,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operation::Read => "reading",
            Operation::Publish => "publishing",
            Operation::StorePosition => "storing positions",
            Operation::Delete => "deleting messages",
        })
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct BrokenChannels {
    // A plain mutex: never held across an await.
    reported: Mutex<HashSet<(String, Operation)>>,
}

impl BrokenChannels {
    /// Logs a failure or a recovery, and passes the result on.
    pub fn note<T>(
        &self,
        ch: &str,
        operation: Operation,
        result: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(value) => {
                if !reported.is_empty() && reported.remove(&(ch.to_owned(), operation)) {
                    info!(ch, "{operation} works again in this channel");
                }
                Ok(value)
            }
            Err(StoreError::Failed(why)) => {
                if reported.insert((ch.to_owned(), operation)) {
                    error!(ch, "{operation} fails in this channel: {why}; check its keys in Redis");
                }
                Err(StoreError::Channel(why))
            }
            Err(e) => Err(e),
        }
    }
}
