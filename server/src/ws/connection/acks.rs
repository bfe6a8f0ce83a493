//! The positions that the client has acknowledged and that are not stored yet.

use std::collections::HashMap;
use std::sync::Arc;

use seamline::wire::Position;

use crate::limits::names;
use crate::log::{Owner, PositionKey};

/// One position per channel, the furthest of its epoch.
pub(in crate::ws) struct Acks {
    owner: Arc<Owner>,
    channels_max: usize,
    pending: HashMap<String, Position>,
}

impl Acks {
    pub fn new(owner: Arc<Owner>, channels_max: usize) -> Self {
        Acks { owner, channels_max, pending: HashMap::new() }
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
    pub fn take(&mut self) -> Vec<(PositionKey, Position)> {
        let mut states = Vec::new();
        for (ch, position) in self.pending.drain() {
            states.extend(self.owner.store_keys(&ch).map(|key| (key, position.clone())));
        }
        states
    }
}
