//! What is counted and logged of a subscription.

use std::sync::Arc;

use tracing::{debug, info};

use super::Feed;
use super::resume::{Asked, Start};
use crate::log::{ChannelInfo, Message};
use crate::time::now_ms;

impl Feed {
    /// A subscription begins, or goes on in a log that was replaced. One line tells of each recovery.
    pub(in crate::ws) fn note_start(&self, asked: &Asked, start: &Start, log: &ChannelInfo) {
        let (ch, client) = (self.ch(), &self.owner.client_id);
        let (Asked::Position(_) | Asked::Stored(_)) = asked else {
            return debug!(ch, client, ?asked, ?log, ?start, "subscribed");
        };
        let behind = log.head.saturating_sub(start.after);
        self.app.metrics.recoveries.inc();
        if start.resumed {
            info!(ch, client, at = start.at, behind, "recovered");
        } else {
            self.app.metrics.recoveries_with_gap.inc();
            info!(ch, client, at = start.at, from = start.after, behind, "recovered with a gap");
        }
    }

    /// A replay has met the live stream.
    pub(in crate::ws) fn note_replay(&self, messages: u64) {
        self.app.metrics.replayed.inc_by(messages);
        self.app.metrics.replay_messages.observe(messages as f64);
    }

    /// A frame of the live stream is about to be queued, of which the client was sent what is up to `sent`.
    pub(in crate::ws) fn note_live(&self, run: &[Arc<Message>], sent: u64) {
        self.app.metrics.delivered.inc_by(run.len() as u64);
        let again = run.iter().take_while(|message| message.offset <= sent).count();
        self.app.metrics.duplicates.inc_by(again as u64);
        if let Some(first) = run.first() {
            let ms = now_ms().saturating_sub(first.id.ms);
            self.app.metrics.latency_seconds.observe(ms as f64 / 1000.0);
        }
    }

    /// The client was too slow.
    pub(in crate::ws) fn note_resync(&self, missed: u64) {
        self.app.metrics.resyncs.inc();
        let (ch, client) = (self.ch(), &self.owner.client_id);
        info!(ch, client, missed, "too slow for the live stream: back to the log");
    }
}
