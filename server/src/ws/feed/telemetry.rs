//! What is counted and logged about a subscription.

use std::sync::Arc;

use tracing::{debug, info};

use super::Feed;
use super::start_point::{ResolvedStart, Start};
use crate::log::{ChannelInfo, Message};
use crate::time::now_ms;

impl Feed {
    /// A subscription starts, or continues in a log that was replaced. Each recovery is one line in the logs.
    pub(super) fn report_start(&self, resolved: &ResolvedStart, start: &Start, log: &ChannelInfo) {
        let (ch, client) = (self.ch(), &self.owner().client_id);
        let (ResolvedStart::Position(_) | ResolvedStart::Stored(_)) = resolved else {
            return debug!(ch, client, ?resolved, ?log, ?start, "subscribed");
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

    /// A replay has reached the live stream.
    pub(super) fn report_replay(&self, messages: u64) {
        self.app.metrics.replayed.inc_by(messages);
        self.app.metrics.replay_messages.observe(messages as f64);
    }

    /// A frame of the live stream is about to be queued. The client was sent everything up to `sent` before.
    pub(super) fn report_live(&self, run: &[Arc<Message>], sent: u64) {
        self.app.metrics.delivered.inc_by(run.len() as u64);
        let again = run.iter().take_while(|message| message.offset <= sent).count();
        self.app.metrics.duplicates.inc_by(again as u64);
        if let Some(first) = run.first() {
            let ms = now_ms().saturating_sub(first.id.ms);
            self.app.metrics.latency_seconds.observe(ms as f64 / 1000.0);
        }
    }

    /// The client was too slow for the live stream.
    pub(super) fn report_resync(&self, missed: u64) {
        self.app.metrics.resyncs.inc();
        let (ch, client) = (self.ch(), &self.owner().client_id);
        info!(ch, client, missed, "too slow for the live stream: back to the log");
    }
}
