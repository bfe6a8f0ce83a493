//! Acknowledged positions that are not stored yet.

use std::collections::HashMap;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use seamline::wire::Position;
use tokio::time::{Sleep, sleep};
use tracing::warn;

use super::Connection;
use crate::limits::names;
use crate::log::{Owner, PositionKey};

/// For how long they are gathered.
const STORE_DELAY: Duration = Duration::from_secs(5);

/// One position per channel, the furthest of its epoch.
pub(super) struct Acks {
    owner: Arc<Owner>,
    channels_max: usize,
    pending: HashMap<String, Position>,
    /// When they are stored. A client that acknowledges nothing needs no timer.
    due: Option<Pin<Box<Sleep>>>,
}

impl Acks {
    pub fn new(owner: Arc<Owner>, channels_max: usize) -> Self {
        Acks { owner, channels_max, pending: HashMap::new(), due: None }
    }

    /// Records a position. The store checks it. Here it only must not move backwards, nor take memory without bound;
    /// what cannot be a position of the log is discarded.
    pub fn record(&mut self, ch: String, mut position: Position) {
        position.epoch = names::bounded_epoch(position.epoch);
        let known = self.pending.get(&ch);
        let behind = known.is_some_and(|at| at.epoch == position.epoch && position.offset < at.offset);
        if names::check_channel(&ch).is_err() || position.epoch.is_empty() {
            return;
        }
        let fits = known.is_some() || self.pending.len() < self.channels_max;
        if fits && !behind {
            self.pending.insert(ch, position);
            self.schedule();
        }
    }

    /// Has what the client acknowledged stored soon.
    pub fn schedule(&mut self) {
        self.due.get_or_insert_with(|| Box::pin(sleep(STORE_DELAY)));
    }

    /// Returns when something has to be stored.
    pub async fn due(&mut self) {
        match &mut self.due {
            Some(due) => due.await,
            None => pending().await,
        }
    }

    /// Takes what has changed since the last time.
    pub fn take(&mut self) -> Vec<(PositionKey, Position)> {
        let mut positions = Vec::new();
        for (ch, position) in std::mem::take(&mut self.pending) {
            positions.extend(self.owner.store_keys(&ch).map(|key| (key, position.clone())));
        }
        positions
    }
}

impl Connection {
    /// Stores what the client has acknowledged. If the store fails, that is kept for the next time.
    pub(super) async fn store_acks(&mut self) {
        self.acks.due = None;
        self.locate_acked().await;
        let positions = self.acks.take();
        if positions.is_empty() {
            return;
        }
        if let Err(e) = self.app.store.store_positions(positions.clone()).await {
            if !e.is_reported() {
                warn!("cannot store acknowledged positions: {e}");
            }
            positions.into_iter().for_each(|(key, position)| self.acks.record(key.ch, position));
        }
    }
}
