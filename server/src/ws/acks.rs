//! The positions that the client has acknowledged and that are not stored yet.

use std::collections::HashMap;

use seamline::core::position::Position;

use crate::log::SyncKey;
use crate::names;

/// One position per channel, the furthest of its epoch.
pub(super) struct Acks {
    user: String,
    client_id: String,
    channels_max: usize,
    pending: HashMap<String, Position>,
}

impl Acks {
    pub fn new(user: &str, client_id: &str, channels_max: usize) -> Self {
        Acks { user: user.into(), client_id: client_id.into(), channels_max, pending: HashMap::new() }
    }

    /// Remembers a position. The log judges it when it is stored; here it is only kept from moving
    /// backwards and from piling up, and what can be no position of the log is not kept.
    pub fn note(&mut self, ch: String, mut position: Position) {
        position.epoch = names::kept_epoch(position.epoch);
        let known = self.pending.get(&ch);
        let behind = known.is_some_and(|at| at.epoch == position.epoch && position.offset < at.offset);
        if names::channel_problem(&ch).is_some() || position.epoch.is_empty() {
            return;
        }
        let room = known.is_some() || self.pending.len() < self.channels_max;
        if room && !behind {
            self.pending.insert(ch, position);
        }
    }

    /// Takes what has changed since the last time.
    pub fn take(&mut self) -> Vec<(SyncKey, Position)> {
        let (user, client_id) = (&self.user, &self.client_id);
        let key = |ch| SyncKey { user: user.clone(), client_id: client_id.clone(), ch };
        self.pending.drain().map(|(ch, position)| (key(ch), position)).collect()
    }
}
