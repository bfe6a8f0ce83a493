//! The queue to the writer.
//!
//! There is one bounded queue. Only a part of it may be bulk, the frames of feeds, limited in frames and in bytes. A feed
//! waits for a slot before it reads a page or takes a message. So a slow client slows its own replay and no one else's,
//! and takes little memory. Answers are written before the bulk: a `pong` must not wait behind pages of history.

use std::sync::Arc;

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::Semaphore;
use tokio_tungstenite::tungstenite::Bytes;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::Gone;
use super::frame_size::{FRAME_BYTES_MAX, FrameSize};
use super::queue::Queue;
use crate::limits::names;
use crate::log::hub::Inbox;
use crate::ws::dialect::Dialect;
use crate::ws::dialect::frames::ToClient;
use crate::ws::feed::live::LiveFeed;
use crate::ws::interrupt::{Cause, Interrupt};
use crate::ws::progress::Progress;

/// How many frames may wait for the socket.
const FRAMES_MAX: usize = 256;
/// How many of them may be pages and live frames, each at most as large as one page or one message …
const BULK_FRAMES_MAX: usize = 8;
/// … and how many bytes they may have together, unless it is a single larger one. On a slow link, where frames are
/// smaller, it is less: what waits keeps the size that was right when it was read.
const BULK_BYTES_MAX: usize = 256 * 1024;
/// The most bytes that a close frame's reason may have (RFC 6455 §5.5).
const REASON_BYTES_MAX: usize = 123;

/// Something to write.
pub(super) enum Out {
    Text(String),
    /// A frame of a feed. Of several that belong together, the last one has the permit for all.
    Bulk {
        frame: Bytes,
        permit: Option<BulkPermit>,
    },
    /// A feed that goes on live, behind what it has queued.
    Live(Box<LiveFeed>),
    Ping,
    /// Whole control frames, as bytes: what answers the client's.
    Control(Bytes),
    /// The last frame.
    Close(CloseFrame),
}

/// Allows a feed to queue its next frame.
pub(in crate::ws) struct Slot(Arc<Shared>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.slots.add_permits(1);
    }
}

/// Allows frames to wait until they are written.
pub(super) struct BulkPermit {
    slot: Slot,
    /// Their share of the bytes that may wait.
    share: u32,
    bytes: i64,
}

impl Drop for BulkPermit {
    fn drop(&mut self) {
        let shared = &self.slot.0;
        shared.bytes.add_permits(self.share as usize);
        shared.waiting_bytes.dec_by(self.bytes);
    }
}

/// What the writer of a socket and all others share. One allocation, because every idle connection has it.
pub(in crate::ws) struct Shared {
    pub(super) frame_size: FrameSize,
    /// Which live feeds have something to write.
    pub(super) inbox: Arc<Inbox>,
    pub(super) queue: Queue<Box<Out>>,
    /// How many more frames of bulk may wait, and how many more bytes.
    slots: Semaphore,
    bytes: Semaphore,
    /// The bytes that wait for all sockets together.
    pub(super) waiting_bytes: Gauge,
    pub progress: Progress,
    pub interrupt: Interrupt,
}

impl Shared {
    pub fn new(waiting_bytes: Gauge) -> Self {
        Shared {
            frame_size: FrameSize::new(),
            inbox: Arc::default(),
            queue: Queue::new(FRAMES_MAX),
            slots: Semaphore::new(BULK_FRAMES_MAX),
            bytes: Semaphore::new(BULK_BYTES_MAX),
            waiting_bytes,
            progress: Progress::default(),
            interrupt: Interrupt::default(),
        }
    }

    /// The writer has ended.
    pub(super) fn close(&self) {
        self.queue.close();
        self.interrupt.send(Cause::Gone);
    }

    /// Sends whole control frames. If the queue is full, they are dropped: the client has enough to read without them.
    pub fn send_control(&self, frames: Bytes) {
        self.queue.try_send(Box::new(Out::Control(frames)));
    }
}

/// Sends frames to the writer, which ends when all of these are gone.
pub(in crate::ws) struct Outgoing {
    pub dialect: Dialect,
    shared: Arc<Shared>,
}

impl Clone for Outgoing {
    fn clone(&self) -> Self {
        self.shared.queue.add_sender();
        Outgoing { dialect: self.dialect, shared: self.shared.clone() }
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.shared.queue.remove_sender();
    }
}

impl Outgoing {
    /// The queue's first sender.
    pub(super) fn new(dialect: Dialect, shared: Arc<Shared>) -> Self {
        Outgoing { dialect, shared }
    }

    /// A reference to this does not keep the writer from ending.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Sends an answer.
    pub async fn answer(&self, frame: &ToClient<'_>) -> Result<(), Gone> {
        let Some(text) = self.dialect.text(frame) else { return Ok(()) };
        self.answer_text(text).await
    }

    /// The same for the text of a frame.
    pub async fn answer_text(&self, text: String) -> Result<(), Gone> {
        self.shared.queue.send(Box::new(Out::Text(text))).await
    }

    /// Sends a frame of a feed.
    pub async fn bulk(&self, frame: &ToClient<'_>) -> Result<(), Gone> {
        let slot = self.slot().await?;
        self.bulk_in(slot, frame).await
    }

    /// Sends a frame of a feed that has a slot already.
    pub async fn bulk_in(&self, slot: Slot, frame: &ToClient<'_>) -> Result<(), Gone> {
        let Some(text) = self.dialect.text(frame) else { return Ok(()) };
        self.bulk_text_in(slot, text).await
    }

    /// The same for the text of a frame.
    pub async fn bulk_text_in(&self, slot: Slot, text: String) -> Result<(), Gone> {
        let permit = self.permit(slot, text.len()).await?;
        self.queue_bulk(text.into(), Some(permit)).await
    }

    /// Sends a run of a feed's messages, whose payloads have this many bytes.
    pub async fn messages(&self, slot: Slot, bytes: usize, frames: &[Bytes]) -> Result<(), Gone> {
        let mut permit = Some(self.permit(slot, bytes).await?);
        for (i, frame) in frames.iter().enumerate() {
            let permit = if i + 1 == frames.len() { permit.take() } else { None };
            self.queue_bulk(frame.clone(), permit).await?;
        }
        Ok(())
    }

    /// Payload bytes that a frame of messages may have now.
    pub fn frame_bytes_max(&self) -> usize {
        self.shared.frame_size.bytes_max()
    }

    /// Waits for a slot. Nobody waits for a second one while they have one.
    pub async fn slot(&self) -> Result<Slot, Gone> {
        // When the writer ends, what waits is dropped, and its permits are released.
        self.shared.slots.acquire().await.map_err(|_| Gone)?.forget();
        Ok(Slot(self.shared.clone()))
    }

    async fn permit(&self, slot: Slot, bytes: usize) -> Result<BulkPermit, Gone> {
        let share = bytes.saturating_mul(FRAME_BYTES_MAX) / self.frame_bytes_max();
        let share = u32::try_from(share.min(BULK_BYTES_MAX)).unwrap_or(u32::MAX);
        self.shared.bytes.acquire_many(share).await.map_err(|_| Gone)?.forget();
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.shared.waiting_bytes.inc_by(bytes);
        Ok(BulkPermit { slot, share, bytes })
    }

    async fn queue_bulk(&self, frame: Bytes, permit: Option<BulkPermit>) -> Result<(), Gone> {
        self.shared.queue.send(Box::new(Out::Bulk { frame, permit })).await
    }

    /// Passes a feed that has reached the head to the writer.
    pub async fn live(&self, feed: Box<LiveFeed>) {
        let _ = self.shared.queue.send(Box::new(Out::Live(feed))).await; // the writer has ended, and so does the feed
    }

    /// Where live feeds report that they have something to write.
    pub fn inbox(&self) -> Arc<Inbox> {
        self.shared.inbox.clone()
    }

    /// Sends a WebSocket ping. If the queue is full, the client has enough to answer without it.
    pub fn ping(&self) {
        self.shared.queue.try_send(Box::new(Out::Ping));
    }

    /// Sends a close, the last frame. Bulk that waits is no longer written. A reason that is too long is truncated.
    pub async fn close(&self, code: u16, reason: &str) {
        let reason = names::prefix(reason, REASON_BYTES_MAX).into();
        let frame = CloseFrame { code: code.into(), reason };
        let _ = self.shared.queue.send(Box::new(Out::Close(frame))).await; // the writer has ended: it is closed already
    }
}
