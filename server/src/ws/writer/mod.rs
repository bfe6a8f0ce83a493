//! The one task that writes to a socket. [`Outgoing`] is its queue.

pub(super) mod frame_size;
mod outgoing;

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Instant;

use futures::SinkExt;
use futures::stream::SplitSink;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Bytes, Error as WsError, Message as Wire};

use self::outgoing::{Budget, FRAMES_MAX, Out};
pub(super) use self::outgoing::{Gone, Outgoing, Slot};
use super::dialect::Dialect;
use super::dialect::frames::ToClient;
use super::socket::{Socket, WRITE_BUFFER_BYTES};
use crate::http::metrics::Metrics;

/// How many frames are written before they are flushed together.
const BATCH_FRAMES_MAX: usize = 8;

pub(super) type Sink = SplitSink<Socket, Wire>;

/// Starts the writer. It ends with the last frame, when all its [`Outgoing`]s are gone, or when the socket fails, and
/// then returns the sink. A socket that accepts nothing for too long fails: the connection below sees to that. Such
/// sockets are counted.
pub(super) fn spawn(sink: Sink, dialect: Dialect, metrics: &Metrics) -> (Outgoing, JoinHandle<Sink>) {
    let (sender, queue) = mpsc::channel(FRAMES_MAX);
    let budget = Arc::new(Budget::new(metrics.socket_queue_bytes.clone()));
    let given_up = metrics.given_up.clone();
    let writer = Writer { sink, dialect, budget: budget.clone(), given_up, queue, bulk: VecDeque::new() };
    (Outgoing::new(dialect, sender, budget), tokio::spawn(writer.run()))
}

struct Writer {
    sink: Sink,
    dialect: Dialect,
    budget: Arc<Budget>,
    given_up: Counter,
    queue: mpsc::Receiver<Box<Out>>,
    /// Taken from the queue to reach an answer behind it.
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
                self.budget.frame_size.written(bytes, begun.elapsed());
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
        if self.budget.frame_size.is_slow_for(bytes)
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

/// A text in pieces that fit the socket's buffer. The buffer grows with what is put into it and never shrinks: a page
/// of a replay in one piece would take a hundred kilobytes for as long as the connection lasts.
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
    fn the_pieces_of_a_text_make_it_again() {
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
