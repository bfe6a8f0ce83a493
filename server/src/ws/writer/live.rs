//! The live feeds of one socket. What is published waits in the hub until the writer takes it.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use prometheus_client::metrics::gauge::Gauge;
use slab::Slab;

use crate::log::hub::Inbox;
use crate::ws::feed::live::{LiveFeed, Step};

/// See the module.
pub(super) struct LiveFeeds {
    inbox: Arc<Inbox>,
    feeds: Slab<Box<LiveFeed>>,
    /// The frames of the run that was taken last.
    frames: VecDeque<Bytes>,
    /// Bytes of messages that were taken and are not written yet.
    waiting: i64,
    /// The bytes that wait for all sockets together.
    waiting_bytes: Gauge,
}

impl LiveFeeds {
    pub fn new(inbox: Arc<Inbox>, waiting_bytes: Gauge) -> Self {
        LiveFeeds { inbox, feeds: Slab::new(), frames: VecDeque::new(), waiting: 0, waiting_bytes }
    }

    /// Adds a feed, unless it has ended.
    pub fn add(&mut self, mut feed: Box<LiveFeed>) {
        let entry = self.feeds.vacant_entry();
        if feed.link().went_live(entry.key()) {
            feed.notify(self.inbox.clone(), entry.key());
            entry.insert(feed);
        }
    }

    /// Waits until a feed may have something to write.
    pub async fn ready(&self) {
        self.inbox.ready().await;
    }

    /// The next frame to write, if there is one.
    pub fn next(&mut self, frame_bytes_max: usize) -> Option<Bytes> {
        if self.frames.is_empty() {
            self.take(frame_bytes_max);
        }
        self.frames.pop_front()
    }

    /// The frames that were taken have been written.
    pub fn written(&mut self) {
        self.waiting_bytes.dec_by(std::mem::take(&mut self.waiting));
    }

    /// Takes the next run, from the feed that has waited longest.
    fn take(&mut self, frame_bytes_max: usize) {
        while self.frames.is_empty() {
            let Some(key) = self.inbox.take() else { return };
            // A feed that was removed may have left its key behind.
            let Some(feed) = self.feeds.get_mut(key) else { continue };
            if feed.link().ended() {
                self.feeds.remove(key);
                continue;
            }
            match feed.step(frame_bytes_max) {
                Step::Write(run) => {
                    self.frames.extend(feed.frames(&run).iter().cloned());
                    self.wait_for(run.bytes());
                }
                Step::WriteText(text) => self.frames.push_back(text.into()),
                Step::Nothing => {}
                Step::Replay => self.feeds.remove(key).replay(),
            }
        }
    }

    fn wait_for(&mut self, bytes: usize) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.waiting += bytes;
        self.waiting_bytes.inc_by(bytes);
    }
}

impl Drop for LiveFeeds {
    fn drop(&mut self) {
        self.written();
    }
}
