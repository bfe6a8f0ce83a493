//! Acknowledged positions that are not stored yet.

use std::collections::HashMap;
use std::pin::Pin;
use std::task::{Context, Poll};
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
#[derive(Default)]
pub(super) struct Acks {
    /// Boxed, because most clients have none.
    #[expect(clippy::box_collection, reason = "smaller in an idle connection")]
    pending: Option<Box<HashMap<String, Position>>>,
    /// When they are stored. A client that acknowledges nothing needs no timer.
    due: Option<Pin<Box<Sleep>>>,
}

impl Acks {
    /// Records a position. The store checks it. Here it only must not move backwards, nor take memory without bound;
    /// what cannot be a position of the log is discarded.
    fn record(&mut self, ch: String, mut position: Position, channels_max: usize) {
        position.epoch = names::bounded_epoch(position.epoch);
        if names::check_channel(&ch).is_err() || position.epoch.is_empty() {
            return;
        }
        let pending = self.pending.get_or_insert_default();
        let known = pending.get(&ch);
        let behind = known.is_some_and(|at| at.epoch == position.epoch && position.offset < at.offset);
        let fits = known.is_some() || pending.len() < channels_max;
        if fits && !behind {
            pending.insert(ch, position);
            self.schedule();
        }
    }

    /// Has what the client acknowledged stored soon.
    pub fn schedule(&mut self) {
        self.due.get_or_insert_with(|| Box::pin(sleep(STORE_DELAY)));
    }

    /// Whether something has to be stored.
    pub fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.due.as_mut().map_or(Poll::Pending, |due| due.as_mut().poll(cx))
    }

    /// Takes what has changed since the last time.
    fn take(&mut self, owner: &Owner) -> Vec<(PositionKey, Position)> {
        let mut positions = Vec::new();
        for (ch, position) in self.pending.take().into_iter().flat_map(|pending| *pending) {
            positions.extend(owner.store_keys(&ch).map(|key| (key, position.clone())));
        }
        positions
    }
}

impl Connection {
    pub(super) fn record_ack(&mut self, ch: String, position: Position) {
        let channels_max = usize::try_from(self.app.config.max_channels).unwrap_or(usize::MAX);
        self.acks.record(ch, position, channels_max);
    }

    /// Stores what the client has acknowledged. If the store fails, that is kept for the next time.
    pub(super) async fn store_acks(&mut self) {
        self.acks.due = None;
        self.locate_acked().await;
        let positions = self.acks.take(&self.registered.entry.owner);
        if positions.is_empty() {
            return;
        }
        if let Err(e) = self.app.store.store_positions(positions.clone()).await {
            if !e.is_reported() {
                warn!("cannot store acknowledged positions: {e}");
            }
            positions.into_iter().for_each(|(key, position)| self.record_ack(key.ch, position));
        }
    }
}
