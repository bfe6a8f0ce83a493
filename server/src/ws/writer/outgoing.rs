//! The queue to the writer.
//!
//! There is one bounded queue; a second would cost every idle connection a kilobyte. Only a part of it may be bulk, the
//! frames of feeds, limited in frames and in bytes. A feed waits for a slot before it reads a page or takes a message.
//! So a slow client slows its own replay and no one else's, and takes little memory. Answers are written before the
//! bulk: a `pong` must not wait behind pages of history.

use std::sync::Arc;

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_tungstenite::tungstenite::Bytes;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::frame_size::{FRAME_BYTES_MAX, FrameSize};
use crate::limits::names;
use crate::log::hub::Inbox;
use crate::ws::dialect::Dialect;
use crate::ws::dialect::frames::ToClient;
use crate::ws::feed::live::LiveFeed;

/// How many frames may wait for the socket.
pub(super) const FRAMES_MAX: usize = 256;
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
    /// Whole control frames, as bytes: what the WebSocket library answers by itself.
    Control(Bytes),
    /// The last frame.
    Close(CloseFrame),
}

/// Allows a feed to queue its next frame.
pub(in crate::ws) struct Slot {
    _permit: OwnedSemaphorePermit,
}

/// Allows frames to wait until they are written.
pub(super) struct BulkPermit {
    _slot: Slot,
    _bytes: OwnedSemaphorePermit,
    bytes: i64,
    /// The bytes that wait for all sockets together.
    waiting_bytes: Gauge,
}

impl Drop for BulkPermit {
    fn drop(&mut self) {
        self.waiting_bytes.dec_by(self.bytes);
    }
}

/// The writer has ended.
pub(in crate::ws) struct Gone;

/// Sends frames to the writer.
#[derive(Clone)]
pub(in crate::ws) struct Outgoing {
    pub dialect: Dialect,
    // It allocates space for 32 items at once, so they are boxed.
    queue: mpsc::Sender<Box<Out>>,
    budget: Arc<Budget>,
}

/// See [`Outgoing::replies`].
pub(in crate::ws) struct Replies(mpsc::WeakSender<Box<Out>>);

impl Replies {
    /// Sends whole control frames. If the queue is full, they are dropped: the client has enough to read without them.
    pub fn send(&self, frames: &[u8]) {
        if let Some(queue) = self.0.upgrade() {
            let _ = queue.try_send(Box::new(Out::Control(Bytes::copy_from_slice(frames))));
        }
    }
}

/// How much more bulk may wait, and how large its frames may be.
pub(super) struct Budget {
    pub frame_size: FrameSize,
    /// Which live feeds have something to write.
    pub inbox: Arc<Inbox>,
    slots: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    waiting_bytes: Gauge,
}

impl Budget {
    pub fn new(waiting_bytes: Gauge) -> Self {
        Budget {
            frame_size: FrameSize::new(),
            inbox: Arc::default(),
            slots: Arc::new(Semaphore::new(BULK_FRAMES_MAX)),
            bytes: Arc::new(Semaphore::new(BULK_BYTES_MAX)),
            waiting_bytes,
        }
    }
}

impl Outgoing {
    pub(super) fn new(dialect: Dialect, queue: mpsc::Sender<Box<Out>>, budget: Arc<Budget>) -> Self {
        Outgoing { dialect, queue, budget }
    }

    /// Sends an answer.
    pub async fn answer(&self, frame: &ToClient<'_>) -> Result<(), Gone> {
        let Some(text) = self.dialect.text(frame) else { return Ok(()) };
        self.answer_text(text).await
    }

    /// The same for the text of a frame.
    pub async fn answer_text(&self, text: String) -> Result<(), Gone> {
        self.queue.send(Box::new(Out::Text(text))).await.map_err(|_| Gone)
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
        self.budget.frame_size.bytes_max()
    }

    /// For what the reader of the socket answers by itself. It does not keep the writer from ending.
    pub fn replies(&self) -> Replies {
        Replies(self.queue.downgrade())
    }

    /// Waits for a slot. Nobody waits for a second one while they have one.
    pub async fn slot(&self) -> Result<Slot, Gone> {
        // When the writer ends, what waits is dropped, and its permits are released.
        self.budget
            .slots
            .clone()
            .acquire_owned()
            .await
            .map(|permit| Slot { _permit: permit })
            .map_err(|_| Gone)
    }

    async fn permit(&self, slot: Slot, bytes: usize) -> Result<BulkPermit, Gone> {
        let share = bytes.saturating_mul(FRAME_BYTES_MAX) / self.frame_bytes_max();
        let permits = u32::try_from(share.min(BULK_BYTES_MAX)).unwrap_or(u32::MAX);
        let permit = self.budget.bytes.clone().acquire_many_owned(permits).await.map_err(|_| Gone)?;
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let waiting_bytes = self.budget.waiting_bytes.clone();
        waiting_bytes.inc_by(bytes);
        Ok(BulkPermit { _slot: slot, _bytes: permit, bytes, waiting_bytes })
    }

    async fn queue_bulk(&self, frame: Bytes, permit: Option<BulkPermit>) -> Result<(), Gone> {
        self.queue.send(Box::new(Out::Bulk { frame, permit })).await.map_err(|_| Gone)
    }

    /// Passes a feed that has reached the head to the writer.
    pub async fn live(&self, feed: Box<LiveFeed>) {
        let _ = self.queue.send(Box::new(Out::Live(feed))).await; // the writer has ended, and so does the feed
    }

    /// Where live feeds report that they have something to write.
    pub fn inbox(&self) -> Arc<Inbox> {
        self.budget.inbox.clone()
    }

    /// Sends a WebSocket ping. If the queue is full, the client has enough to answer without it.
    pub fn ping(&self) {
        let _ = self.queue.try_send(Box::new(Out::Ping));
    }

    /// Returns when the writer has ended.
    pub async fn gone(&self) {
        self.queue.closed().await;
    }

    /// Sends a close, the last frame. Bulk that waits is no longer written. A reason that is too long is truncated.
    pub async fn close(&self, code: u16, reason: &str) {
        let reason = names::prefix(reason, REASON_BYTES_MAX).into();
        let frame = CloseFrame { code: code.into(), reason };
        let _ = self.queue.send(Box::new(Out::Close(frame))).await; // the writer has ended: it is closed already
    }
}
