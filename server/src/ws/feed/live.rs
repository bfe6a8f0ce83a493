//! The live stream: what the hub has. A live feed has no task; the socket's writer takes from it when it has nothing
//! else to write.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::link::Link;
use super::{Cursor, Feed};
use crate::log::After;
use crate::log::hub::{Cast, Inbox, LiveStream, Next, Run};
use crate::ws::dialect::frames::ToClient;
use crate::ws::writer::Gone;
use crate::ws::writer::frame_size::FRAME_MESSAGES_MAX;

/// A feed that has reached the head.
pub(in crate::ws) struct LiveFeed {
    pub(super) feed: Feed,
    pub(super) stream: LiveStream,
    pub(super) cursor: Cursor,
}

/// What to do with a live feed.
pub(in crate::ws) enum Step {
    /// Write a run of messages.
    Write(Arc<Run>),
    /// Write something else.
    WriteText(String),
    /// Nothing for now.
    Nothing,
    /// Read the log again: the live stream has left something out, or has ended because the log has been replaced.
    Replay,
}

impl Feed {
    /// Whether the feed reads from the log what is missing in the live stream. Only an injected fault prevents that.
    fn reads_missed(&self) -> bool {
        #[cfg(feature = "fault-injection")]
        return !self.app.config.faults.unsafe_replay_before_subscribe;
        #[cfg(not(feature = "fault-injection"))]
        true
    }

    /// Sends `live`: the replay has reached the head.
    pub(super) async fn send_live(&self, head: u64) -> Result<(), Gone> {
        self.link.record_sent(head);
        self.out.bulk(&ToClient::Live { ch: self.ch().into(), head, reference: self.link.reference }).await
    }
}

impl LiveFeed {
    /// The connection's side of the subscription.
    pub fn link(&self) -> &Link {
        &self.feed.link
    }

    /// Has the key put into the inbox whenever there is a step to take.
    pub fn notify(&mut self, inbox: Arc<Inbox>, key: usize) {
        self.stream.notify(inbox, key);
    }

    /// Takes what is published, in one frame if several messages wait. What the replay has sent already is sent again:
    /// the client knows best what it has seen.
    pub fn step(&mut self, frame_bytes_max: usize) -> Step {
        let run = match self.stream.take(FRAME_MESSAGES_MAX, frame_bytes_max) {
            Next::Messages(run) => run,
            Next::Cast(cast) => return self.cast(&cast),
            Next::Missed(missed) => {
                self.feed.report_resync(missed);
                return Step::Replay;
            }
            Next::End => {
                self.cursor.announced = false;
                return Step::Replay;
            }
            Next::Nothing => return Step::Nothing,
        };
        let sent = self.cursor.sent.offset;
        let first = run.messages().first().map_or(0, |first| first.offset);
        let missed = first.saturating_sub(sent.saturating_add(1));
        if missed > 0 && self.feed.reads_missed() {
            self.feed.report_resync(missed);
            return Step::Replay;
        }
        self.feed.report_live(run.messages(), sent);
        if let Some(last) = run.messages().last().filter(|last| last.offset > sent) {
            self.cursor.sent = After { offset: last.offset, id: Some(last.id) };
            self.feed.link.record_sent(last.offset);
        }
        Step::Write(run)
    }

    /// The frames of a run. The first subscriber that takes it writes them for all.
    pub fn frames<'run>(&self, run: &'run Run) -> &'run [Bytes] {
        let dialect = self.feed.out.dialect;
        run.frames(dialect as usize, || {
            dialect.messages(self.feed.ch(), run.messages().iter().map(|message| &**message), false)
        })
    }

    fn cast(&self, cast: &Cast) -> Step {
        if cast.from == self.feed.entry.number {
            return Step::Nothing;
        }
        // It was parsed when it arrived.
        let Ok(data) = serde_json::from_str::<&RawValue>(&cast.data) else { return Step::Nothing };
        let frame = ToClient::Cast { ch: self.feed.ch().into(), data };
        self.feed.out.dialect.text(&frame).map_or(Step::Nothing, Step::WriteText)
    }

    /// Goes back to the log, in a task of its own.
    pub fn replay(self) {
        let LiveFeed { feed, cursor, .. } = self;
        let link = feed.link.clone();
        link.spawn(Box::new(feed).run_again(cursor));
    }
}
