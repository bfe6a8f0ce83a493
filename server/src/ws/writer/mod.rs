//! The one task that writes to a socket. [`Outgoing`] is its queue.
//!
//! Small frames that wait together are copied into one write. A large one is written in place, behind its header: its
//! bytes may be shared by many sockets, and nothing of it stays in this one.

pub(super) mod frame_size;
mod live;
mod outgoing;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use hyper::body::Buf;
use prometheus_client::metrics::counter::Counter;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Bytes;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use self::live::LiveFeeds;
use self::outgoing::{Budget, BulkPermit, FRAMES_MAX, Out};
pub(super) use self::outgoing::{Gone, Outgoing, Replies};
use super::dialect::Dialect;
use super::dialect::frames::ToClient;
use super::socket::Output;
use crate::http::metrics::Metrics;

/// A write of small frames takes no more of them from this size on.
const GATHERED_BYTES_MAX: usize = 8 * 1024;

/// Starts the writer. It ends with the last frame, when all its [`Outgoing`]s are gone, or when the socket fails, and
/// then returns the socket's output. A socket that accepts nothing for too long fails: the connection below sees to
/// that. Such sockets are counted.
pub(super) fn spawn(output: Output, dialect: Dialect, metrics: &Metrics) -> (Outgoing, JoinHandle<Output>) {
    let (sender, queue) = mpsc::channel(FRAMES_MAX);
    let budget = Arc::new(Budget::new(metrics.socket_queue_bytes.clone()));
    let given_up = metrics.given_up.clone();
    let live = LiveFeeds::new(budget.inbox.clone(), metrics.socket_queue_bytes.clone());
    let (bulk, live_next) = (VecDeque::new(), false);
    let writer = Writer { output, dialect, budget: budget.clone(), given_up, queue, bulk, live, live_next };
    (Outgoing::new(dialect, sender, budget), tokio::spawn(writer.run()))
}

struct Writer {
    output: Output,
    dialect: Dialect,
    budget: Arc<Budget>,
    given_up: Counter,
    queue: mpsc::Receiver<Box<Out>>,
    /// Taken from the queue to reach an answer behind it.
    bulk: VecDeque<Box<Out>>,
    /// The feeds that have no task.
    live: LiveFeeds,
    /// Whether they are next, so that a long replay of another channel does not hold them up.
    live_next: bool,
}

impl Writer {
    async fn run(mut self) -> Output {
        while let Some(first) = self.next().await {
            // Boxed: what writing takes is not part of every idle socket.
            let timed_out = match Box::pin(self.write(first)).await {
                Ok(true) => continue,
                Ok(false) => false,
                Err(e) => e.kind() == io::ErrorKind::TimedOut,
            };
            self.given_up.inc_by(u64::from(timed_out));
            break;
        }
        self.output
    }

    /// Waits for something to write.
    async fn next(&mut self) -> Option<Box<Out>> {
        loop {
            if let Some(out) = self.waiting() {
                return Some(out);
            }
            let queued = tokio::select! {
                queued = self.queue.recv() => queued?,
                () = self.live.ready() => continue,
            };
            match *queued {
                Out::Live(feed) => self.live.add(feed),
                _ => return Some(queued),
            }
        }
    }

    /// Answers first.
    fn waiting(&mut self) -> Option<Box<Out>> {
        while let Ok(out) = self.queue.try_recv() {
            match *out {
                Out::Bulk { .. } | Out::Live(_) => self.bulk.push_back(out),
                _ => return Some(out),
            }
        }
        self.live_next = !self.live_next;
        match self.live_next {
            true => self.next_live().or_else(|| self.next_bulk()),
            false => self.next_bulk().or_else(|| self.next_live()),
        }
    }

    /// What feeds have queued.
    fn next_bulk(&mut self) -> Option<Box<Out>> {
        loop {
            let out = self.bulk.pop_front()?;
            match *out {
                Out::Live(feed) => self.live.add(feed),
                _ => return Some(out),
            }
        }
    }

    /// What live feeds have.
    fn next_live(&mut self) -> Option<Box<Out>> {
        let frame = self.live.next(self.budget.frame_size.bytes_max())?;
        Some(Box::new(Out::Bulk { frame, permit: None }))
    }

    /// Writes a frame and what is waiting behind it, in one write. Returns whether there may be more.
    async fn write(&mut self, first: Box<Out>) -> io::Result<bool> {
        let mut write = Write::default();
        let mut next = Some(first);
        while let Some(out) = next {
            write.put(*out, self.dialect, &self.budget);
            next = if write.is_full() { None } else { self.waiting() };
        }
        let begun = Instant::now();
        if write.large.is_empty() {
            self.output.write_all(&write.gathered).await?;
        } else {
            self.output.write_all_buf(&mut (&*write.gathered).chain(&*write.large)).await?;
        }
        self.output.flush().await?;
        self.live.written();
        if write.bulk_bytes > 0 {
            self.budget.frame_size.written(write.bulk_bytes, begun.elapsed());
        }
        Ok(!write.last)
    }
}

/// What is written at once: small frames, then perhaps one large one.
#[derive(Default)]
struct Write {
    /// Small frames, and the header of the large one.
    gathered: Vec<u8>,
    /// The payload of the large one.
    large: Bytes,
    /// The bytes of feeds in it.
    bulk_bytes: usize,
    /// Released when they are written.
    permits: Vec<BulkPermit>,
    /// Whether the last frame is in it.
    last: bool,
}

impl Write {
    fn is_full(&self) -> bool {
        self.last || !self.large.is_empty() || self.gathered.len() >= GATHERED_BYTES_MAX
    }

    fn put(&mut self, out: Out, dialect: Dialect, budget: &Budget) {
        match out {
            Out::Text(text) => self.put_text(text.into(), dialect, budget),
            Out::Bulk { frame, permit } => {
                self.bulk_bytes += frame.len();
                self.permits.extend(permit);
                self.put_text(frame, dialect, budget);
            }
            Out::Ping => self.put_frame(Frame::ping(Bytes::new())),
            Out::Live(_) => {} // it never comes here: see `Writer::waiting`
            Out::Control(frames) => self.gathered.extend_from_slice(&frames),
            Out::Close(frame) => {
                self.put_frame(Frame::close(Some(frame)));
                self.last = true;
            }
        }
    }

    /// Adds a text, announced if it is a large one. Nothing comes between the two.
    fn put_text(&mut self, text: Bytes, dialect: Dialect, budget: &Budget) {
        let incoming = ToClient::Incoming { bytes: text.len() as u64 };
        if budget.frame_size.is_slow_for(text.len())
            && let Some(incoming) = dialect.text(&incoming)
        {
            self.put_frame(text_frame(incoming.into()));
        }
        self.put_frame(text_frame(text));
    }

    fn put_frame(&mut self, frame: Frame) {
        if frame.payload().len() <= GATHERED_BYTES_MAX {
            self.gathered.reserve(frame.len());
            let _ = frame.format(&mut self.gathered); // writing to a Vec cannot fail
        } else {
            let _ = frame.header().format(frame.payload().len() as u64, &mut self.gathered);
            self.large = frame.into_payload();
        }
    }
}

fn text_frame(text: Bytes) -> Frame {
    Frame::message(text, OpCode::Data(Data::Text), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of a write of frames of these sizes, and how many of the frames are in it.
    fn written(sizes: &[usize]) -> (Vec<u8>, usize) {
        let (mut write, mut count) = (Write::default(), 0);
        let budget = Budget::new(Default::default());
        for size in sizes {
            if write.is_full() {
                break;
            }
            let out = Out::Bulk { frame: "x".repeat(*size).into(), permit: None };
            write.put(out, Dialect::Plain, &budget);
            count += 1;
        }
        ([&*write.gathered, &*write.large].concat(), count)
    }

    /// As RFC 6455 says: the last fragment of a text, and its length in one byte, two or eight.
    fn expected(size: usize) -> Vec<u8> {
        let mut frame = vec![0x81];
        match size {
            0..126 => frame.push(size as u8),
            126..65_536 => frame.extend([&[126][..], &(size as u16).to_be_bytes()].concat()),
            _ => frame.extend([&[127][..], &(size as u64).to_be_bytes()].concat()),
        }
        frame.extend("x".repeat(size).bytes());
        frame
    }

    #[test]
    fn frames_that_wait_together_are_one_write() {
        let max = GATHERED_BYTES_MAX;
        for sizes in
            [&[0, 1, 125][..], &[126, 127], &[1, 70_000], &[100, max, 1], &[max + 1, 1], &[3 * max, 3 * max]]
        {
            let (bytes, count) = written(sizes);
            let frames: Vec<u8> = sizes[..count].iter().flat_map(|size| expected(*size)).collect();
            assert!(bytes == frames, "{sizes:?}: {count}");
            let in_one = sizes.iter().rposition(|size| *size >= max).map_or(sizes.len(), |_| count);
            assert_eq!(count, in_one, "{sizes:?}");
        }
    }
}
