//! The one task that writes to a socket.
//!
//! One bounded queue leads here; a second would be a kilobyte more for every idle connection. Of what is in it only so
//! much may be bulk, the frames of feeds: so many, and so many bytes. A feed waits for its turn before it reads a page or
//! takes a message, which is how a slow client slows its replay and no one else's, and needs little memory. Answers are written past the bulk: a `pong` must not wait behind pages of history.

pub(super) mod frame_size;

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Instant;

use futures::SinkExt;
use futures::stream::SplitSink;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Bytes, Error as WsError, Message as Wire};

use self::frame_size::{FRAME_BYTES_MAX, FrameSize};
use super::{Socket, WRITE_BUFFER_BYTES};
use crate::http::metrics::Metrics;
use crate::log::Message;
use crate::ws::dialect::Dialect;
use crate::ws::dialect::frames::ToClient;

/// Frames waiting for the socket.
const FRAMES_MAX: usize = 256;
/// Pages and live frames among them; each is at most one page, or one message, large …
const BULK_FRAMES_MAX: usize = 8;
/// … and together they have at most so many bytes, or are a single larger one. Where frames are smaller because the
/// link is slow, less: what waits has the size that was right when it was read.
const BULK_BYTES_MAX: usize = 256 * 1024;
/// How many frames are written before they are flushed together.
const BATCH_FRAMES_MAX: usize = 8;

pub(super) type Sink = SplitSink<Socket, Wire>;

/// Something to write.
pub(super) enum Out {
    Text(String),
    /// A frame of a feed. Of those that belong together, the last has the room for all.
    Bulk {
        frame: String,
        _room: Option<Room>,
    },
    Ping,
    /// The last frame.
    Close(CloseFrame),
}

/// A place among the frames that wait.
pub(super) struct Slot {
    _permit: OwnedSemaphorePermit,
}

/// What frames that wait take up, until they are written.
pub(super) struct Room {
    _slot: Slot,
    _bytes: OwnedSemaphorePermit,
    bytes: i64,
    /// That of all sockets together.
    waiting_bytes: Gauge,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.waiting_bytes.dec_by(self.bytes);
    }
}

/// The socket is not being written to any more.
pub(super) struct Gone;

/// The way to the writer.
#[derive(Clone)]
pub(super) struct Outgoing {
    pub dialect: Dialect,
    // It allocates 32 places at once, so what stands in them is small.
    queue: mpsc::Sender<Box<Out>>,
    line: Arc<Line>,
}

/// How much more bulk may wait, and how large its frames may be.
struct Line {
    frame_size: FrameSize,
    slots: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    waiting_bytes: Gauge,
}

impl Outgoing {
    /// An answer.
    pub async fn answer(&self, frame: &ToClient<'_>) -> Result<(), Gone> {
        let Some(text) = self.dialect.text(frame) else { return Ok(()) };
        self.queue.send(Box::new(Out::Text(text))).await.map_err(|_| Gone)
    }

    /// A frame of a feed.
    pub async fn bulk(&self, frame: &ToClient<'_>) -> Result<(), Gone> {
        let slot = self.slot().await?;
        self.bulk_in(slot, frame).await
    }

    /// A frame of a feed that has its place already.
    pub async fn bulk_in(&self, slot: Slot, frame: &ToClient<'_>) -> Result<(), Gone> {
        let Some(text) = self.dialect.text(frame) else { return Ok(()) };
        let room = self.room(slot, text.len()).await?;
        self.line_up(text, Some(room)).await
    }

    /// A run of a feed's messages.
    pub async fn messages<'a>(
        &self,
        slot: Slot,
        ch: &str,
        run: impl ExactSizeIterator<Item = &'a Message> + Clone,
        replay: bool,
    ) -> Result<(), Gone> {
        let bytes = run.clone().map(|message| message.data.len()).sum();
        let mut room = Some(self.room(slot, bytes).await?);
        let mut texts = self.dialect.messages(ch, run, replay).into_iter();
        while let Some(text) = texts.next() {
            let room = if texts.len() == 0 { room.take() } else { None };
            self.line_up(text, room).await?;
        }
        Ok(())
    }

    /// Payload bytes that a frame of messages may have now.
    pub fn frame_bytes_max(&self) -> usize {
        self.line.frame_size.bytes_max()
    }

    /// A place for the next frame of a feed. Nobody waits for a second one while they have one.
    pub async fn slot(&self) -> Result<Slot, Gone> {
        // When the writer ends, what waits is dropped, and so are the places.
        self.line.slots.clone().acquire_owned().await.map(|permit| Slot { _permit: permit }).map_err(|_| Gone)
    }

    async fn room(&self, slot: Slot, bytes: usize) -> Result<Room, Gone> {
        let share = bytes.saturating_mul(FRAME_BYTES_MAX) / self.frame_bytes_max();
        let permits = u32::try_from(share.min(BULK_BYTES_MAX)).unwrap_or(u32::MAX);
        let permit = self.line.bytes.clone().acquire_many_owned(permits).await.map_err(|_| Gone)?;
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let waiting_bytes = self.line.waiting_bytes.clone();
        waiting_bytes.inc_by(bytes);
        Ok(Room { _slot: slot, _bytes: permit, bytes, waiting_bytes })
    }

    async fn line_up(&self, frame: String, room: Option<Room>) -> Result<(), Gone> {
        self.queue.send(Box::new(Out::Bulk { frame, _room: room })).await.map_err(|_| Gone)
    }

    /// A WebSocket ping; not needed when the queue is full, for then the client has much to answer.
    pub fn ping(&self) {
        let _ = self.queue.try_send(Box::new(Out::Ping));
    }

    /// Returns when the writer has ended.
    pub async fn gone(&self) {
        self.queue.closed().await;
    }

    /// The last frame. What is bulk and waits is not written any more.
    pub async fn close(&self, frame: CloseFrame) {
        let _ = self.queue.send(Box::new(Out::Close(frame))).await; // gone already: as closed as can be
    }
}

/// Starts the writer. It ends with the last frame, when all its [`Outgoing`]s are gone, or when the socket fails; then it
/// gives the sink back. A socket that takes nothing for too long fails: the connection below sees to that. Such ones are
/// counted.
pub(super) fn spawn(sink: Sink, dialect: Dialect, metrics: &Metrics) -> (Outgoing, JoinHandle<Sink>) {
    let (sender, queue) = mpsc::channel(FRAMES_MAX);
    let line = Arc::new(Line {
        frame_size: FrameSize::new(),
        slots: Arc::new(Semaphore::new(BULK_FRAMES_MAX)),
        bytes: Arc::new(Semaphore::new(BULK_BYTES_MAX)),
        waiting_bytes: metrics.socket_queue_bytes.clone(),
    });
    let given_up = metrics.given_up.clone();
    let writer = Writer { sink, dialect, line: line.clone(), given_up, queue, bulk: VecDeque::new() };
    (Outgoing { dialect, queue: sender, line }, tokio::spawn(writer.run()))
}

struct Writer {
    sink: Sink,
    dialect: Dialect,
    line: Arc<Line>,
    given_up: Counter,
    queue: mpsc::Receiver<Box<Out>>,
    /// Taken from the queue on the way to an answer behind it.
    bulk: VecDeque<Box<Out>>,
}

impl Writer {
    async fn run(mut self) -> Sink {
        while let Some(first) = self.next().await {
            let timed_out = match self.write(first).await {
                Ok(true) => continue,
                Ok(false) => false,
                Err(e) => matches!(e, WsError::Io(e) if e.kind() == ErrorKind::TimedOut),
            };
            self.given_up.inc_by(u64::from(timed_out));
            break;
        }
        self.sink
    }

    /// Waits for something to write.
    async fn next(&mut self) -> Option<Box<Out>> {
        match self.waiting() {
            Some(out) => Some(out),
            None => self.queue.recv().await,
        }
    }

    /// Answers first.
    fn waiting(&mut self) -> Option<Box<Out>> {
        while let Ok(out) = self.queue.try_recv() {
            match *out {
                Out::Bulk { .. } => self.bulk.push_back(out),
                _ => return Some(out),
            }
        }
        self.bulk.pop_front()
    }

    /// Writes one frame and what is waiting behind it. Returns whether there may be more.
    async fn write(&mut self, first: Box<Out>) -> Result<bool, WsError> {
        let mut next = Some(first);
        let mut open = true;
        for _ in 0..BATCH_FRAMES_MAX {
            let Some(out) = next.take() else { break };
            open = !matches!(*out, Out::Close(_));
            self.put(*out).await?;
            if !open {
                break;
            }
            next = self.waiting();
        }
        if let Some(out) = next {
            open = !matches!(*out, Out::Close(_));
            self.put(*out).await?;
        }
        self.sink.flush().await?;
        Ok(open)
    }

    async fn put(&mut self, out: Out) -> Result<(), WsError> {
        match out {
            Out::Text(text) => self.put_text(text).await,
            Out::Bulk { frame, .. } => {
                let (bytes, begun) = (frame.len(), Instant::now());
                self.put_text(frame).await?;
                self.line.frame_size.written(bytes, begun.elapsed());
                Ok(())
            }
            Out::Ping => self.sink.feed(Wire::Ping(Default::default())).await,
            Out::Close(frame) => self.sink.feed(Wire::Close(Some(frame))).await,
        }
    }

    /// Writes a frame, announced if it is a large one. Nothing comes between the two.
    async fn put_text(&mut self, text: String) -> Result<(), WsError> {
        let bytes = text.len();
        let incoming = ToClient::Incoming { bytes: bytes as u64 };
        if self.line.frame_size.takes_a_while(bytes)
            && let Some(incoming) = self.dialect.text(&incoming)
        {
            self.sink.feed(Wire::text(incoming)).await?;
        }
        for piece in pieces(text) {
            self.sink.feed(Wire::Frame(piece)).await?;
        }
        Ok(())
    }
}

/// A text in pieces that fit the socket's buffer. The buffer grows with what is put into it and never shrinks: a page of
/// a replay in one piece would be a hundred kilobytes for as long as the connection lasts.
fn pieces(text: String) -> impl Iterator<Item = Frame> {
    let bytes = Bytes::from(text);
    let count = bytes.len().div_ceil(WRITE_BUFFER_BYTES).max(1);
    (0..count).map(move |i| {
        let end = bytes.len().min((i + 1) * WRITE_BUFFER_BYTES);
        let opcode = OpCode::Data(if i == 0 { Data::Text } else { Data::Continue });
        Frame::message(bytes.slice(i * WRITE_BUFFER_BYTES..end), opcode, i + 1 == count)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_written_in_pieces_that_make_it_again() {
        let size = WRITE_BUFFER_BYTES;
        for (bytes, count) in [(0, 1), (1, 1), (size, 1), (size + 1, 2), (3 * size, 3)] {
            let text = "x".repeat(bytes);
            let pieces = pieces(text.clone()).collect::<Vec<_>>();
            assert_eq!(pieces.len(), count, "{bytes}");
            let together = pieces.iter().flat_map(|piece| piece.payload().to_vec()).collect::<Vec<u8>>();
            assert_eq!(together, text.as_bytes());
            for (i, piece) in pieces.iter().enumerate() {
                let (header, last) = (piece.header(), i + 1 == count);
                assert_eq!((header.is_final, header.opcode == OpCode::Data(Data::Text)), (last, i == 0));
            }
        }
    }
}
