//! Channels that cannot be used, because something that is not ours is kept under one of their names. What comes of it
//! is said once, however many ask.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use tracing::{error, info};

use crate::log::StoreError;

/// What a channel can be used for; one may fail without the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Use {
    Read,
    Publish,
    StorePosition,
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Use::Read => "reading",
            Use::Publish => "publishing",
            Use::StorePosition => "storing positions",
        })
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct BrokenChannels {
    // A plain mutex: never held across an await.
    reported: Mutex<HashSet<(String, Use)>>,
}

impl BrokenChannels {
    /// Passes a result on, and says what is new in it.
    pub fn note<T>(&self, ch: &str, usage: Use, result: Result<T, StoreError>) -> Result<T, StoreError> {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(value) => {
                if !reported.is_empty() && reported.remove(&(ch.to_owned(), usage)) {
                    info!(ch, "{usage} works again in this channel");
                }
                Ok(value)
            }
            Err(StoreError::Failed(why)) => {
                if reported.insert((ch.to_owned(), usage)) {
                    error!(ch, "{usage} fails in this channel: {why}; look at its keys in Redis");
                }
                Err(StoreError::Channel(why))
            }
            Err(e) => Err(e),
        }
    }
}
