//! The live feeds of one socket. What is published waits in the hub until the writer takes it.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use slab::Slab;

use super::Shared;
use crate::trace;
use crate::ws::feed::live::{LiveFeed, Step};

/// See the module.
pub(super) struct LiveFeeds {
    shared: Arc<Shared>,
    feeds: Slab<Box<LiveFeed>>,
    /// The frames of the run that was taken last, but for the first one. `None` if there are none, which is the rule.
    #[expect(clippy::box_collection, reason = "smaller in an idle connection")]
    rest: Option<Box<VecDeque<Bytes>>>,
    /// Bytes of messages that were taken and are not written yet.
    waiting: i64,
    /// The runs among them that are traced.
    deliveries: trace::Deliveries,
}

impl LiveFeeds {
    pub fn new(shared: Arc<Shared>) -> Self {
        // By itself, the slab would begin with room for four, which most sockets do not need.
        let feeds = Slab::with_capacity(1);
        LiveFeeds { shared, feeds, rest: None, waiting: 0, deliveries: trace::Deliveries::default() }
    }

    /// Adds a feed, unless it has ended.
    pub fn add(&mut self, mut feed: Box<LiveFeed>) {
        let entry = self.feeds.vacant_entry();
        if feed.link().went_live(entry.key()) {
            feed.notify(self.shared.inbox.clone(), entry.key());
            entry.insert(feed);
        }
    }

    /// The next frame to write, if there is one.
    pub fn next(&mut self) -> Option<Bytes> {
        match self.rest.as_mut().and_then(|rest| rest.pop_front()) {
            Some(frame) => Some(frame),
            None => {
                self.rest = None;
                self.take()
            }
        }
    }

    /// The frames that were taken have been written.
    pub fn written(&mut self) {
        self.release();
        self.deliveries.written(self.rest.as_ref().is_none_or(|rest| rest.is_empty()));
    }

    fn release(&mut self) {
        self.shared.waiting_bytes.dec_by(std::mem::take(&mut self.waiting));
    }

    /// Takes the next run, from the feed that has waited longest.
    fn take(&mut self) -> Option<Bytes> {
        loop {
            let key = self.shared.inbox.take()?;
            // A feed that was removed may have left its key behind.
            let Some(feed) = self.feeds.get_mut(key) else { continue };
            if feed.link().ended() {
                self.feeds.remove(key);
                continue;
            }
            match feed.step(self.shared.frame_size.bytes_max()) {
                Step::Write(run) => {
                    let Some((first, rest)) = feed.frames(&run).split_first() else { continue };
                    let (first, rest) = (first.clone(), VecDeque::from(rest.to_vec()));
                    self.rest = if rest.is_empty() { None } else { Some(Box::new(rest)) };
                    self.deliveries.take(run.delivery());
                    self.wait_for(run.bytes());
                    return Some(first);
                }
                Step::WriteText(text) => return Some(text.into()),
                Step::Nothing => {}
                Step::Replay => self.feeds.remove(key).replay(),
            }
        }
    }

    fn wait_for(&mut self, bytes: usize) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.waiting += bytes;
        self.shared.waiting_bytes.inc_by(bytes);
    }
}

impl Drop for LiveFeeds {
    fn drop(&mut self) {
        self.release();
    }
}
