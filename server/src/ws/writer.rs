//! The one task that writes to a socket.
//!
//! One bounded queue leads here; a second would be a kilobyte more for every idle connection. Of what is in it only so
//! much may be bulk, the frames of feeds; a feed waits for its turn, which is how a slow client slows its replay and no
//! one else's. Answers are written past the bulk: a `pong` must not wait behind pages of history.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::Arc;

use futures::SinkExt;
use futures::stream::SplitSink;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Bytes, Error as WsError, Message as Wire};

use super::dialect::Dialect;
use super::frames::ToClient;
use super::{Socket, WRITE_BUFFER_BYTES};
use crate::log::Message;

/// Frames waiting for the socket.
const FRAMES_MAX: usize = 256;
/// Pages and live frames among them; each is at most one page, or one message, large.
const BULK_FRAMES_MAX: usize = 8;
/// How many frames are written before they are flushed together.
const BATCH_FRAMES_MAX: usize = 8;

pub(super) type Sink = SplitSink<Socket, Wire>;

/// Something to write.
pub(super) enum Out {
    Text(String),
    /// A frame of a feed, with its place among those that wait.
    Bulk {
        frame: String,
        _place: OwnedSemaphorePermit,
    },
    Ping,
    /// The last frame.
    Close(CloseFrame),
}

/// The socket is not being written to any more.
pub(super) struct Gone;

/// The way to the writer.
#[derive(Clone)]
pub(super) struct Outgoing {
    pub dialect: Dialect,
    // It allocates 32 places at once, so what stands in them is small.
    queue: mpsc::Sender<Box<Out>>,
    bulk_places: Arc<Semaphore>,
}

impl Outgoing {
    /// An answer.
    pub async fn answer(&self, frame: &ToClient<'_>) -> Result<(), Gone> {
        let Some(text) = self.dialect.text(frame) else { return Ok(()) };
        self.queue.send(Box::new(Out::Text(text))).await.map_err(|_| Gone)
    }

    /// A frame of a feed.
    pub async fn bulk(&self, frame: &ToClient<'_>) -> Result<(), Gone> {
        let Some(text) = self.dialect.text(frame) else { return Ok(()) };
        self.wait_in_line(text).await
    }

    /// A run of a feed's messages.
    pub async fn messages<'a>(
        &self,
        ch: &str,
        run: impl ExactSizeIterator<Item = &'a Message> + Clone,
        replay: bool,
    ) -> Result<(), Gone> {
        for text in self.dialect.messages(ch, run, replay) {
            self.wait_in_line(text).await?;
        }
        Ok(())
    }

    async fn wait_in_line(&self, frame: String) -> Result<(), Gone> {
        // When the writer ends, what waits is dropped, and so are the places.
        let place = self.bulk_places.clone().acquire_owned().await.map_err(|_| Gone)?;
        self.queue.send(Box::new(Out::Bulk { frame, _place: place })).await.map_err(|_| Gone)
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
pub(super) fn spawn(sink: Sink, dialect: Dialect, given_up: Counter) -> (Outgoing, JoinHandle<Sink>) {
    let (sender, queue) = mpsc::channel(FRAMES_MAX);
    let writer = Writer { sink, given_up, queue, bulk: VecDeque::new() };
    let bulk_places = Arc::new(Semaphore::new(BULK_FRAMES_MAX));
    (Outgoing { dialect, queue: sender, bulk_places }, tokio::spawn(writer.run()))
}

struct Writer {
    sink: Sink,
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
            Out::Text(text) | Out::Bulk { frame: text, .. } => {
                for piece in pieces(text) {
                    self.sink.feed(Wire::Frame(piece)).await?;
                }
                Ok(())
            }
            Out::Ping => self.sink.feed(Wire::Ping(Default::default())).await,
            Out::Close(frame) => self.sink.feed(Wire::Close(Some(frame))).await,
        }
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
