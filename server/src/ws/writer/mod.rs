//! The one task that writes to a socket. [`Outgoing`] is its queue.
//!
//! Small frames that wait together are copied into one write. A large one is written in place, behind its header: its
//! bytes may be shared by many sockets, and nothing of it stays in this one.

pub(super) mod frame_size;
mod live;
mod outgoing;
mod queue;
mod write;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use hyper::body::Buf;
use prometheus_client::metrics::counter::Counter;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinHandle;

use self::live::LiveFeeds;
use self::outgoing::Out;
pub(super) use self::outgoing::{Outgoing, Shared};
use self::queue::Ready;
use self::write::Write;
use super::dialect::Dialect;
use super::socket::Output;
use crate::http::metrics::Metrics;

/// The writer has ended.
pub(in crate::ws) struct Gone;

/// Starts the writer, which takes over what all others share with it. It ends with the last frame, when all its
/// [`Outgoing`]s are gone, or when the socket fails, and then returns the socket's output. A socket that accepts nothing
/// for too long fails: the connection below sees to that. Such sockets are counted.
pub(super) fn spawn(
    output: Output,
    shared: Arc<Shared>,
    dialect: Dialect,
    metrics: &Metrics,
) -> (Outgoing, JoinHandle<Output>) {
    let out = Outgoing::new(dialect, shared.clone());
    let live = LiveFeeds::new(shared.clone());
    let given_up = metrics.given_up.clone();
    let writer =
        Writer { output, dialect, receiver: Receiver(shared), given_up, bulk: None, live, live_next: false };
    (out, tokio::spawn(writer.run()))
}

/// The receiving end of the queue.
struct Receiver(Arc<Shared>);

impl Receiver {
    /// Whether there is something to write, queued or live.
    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Ready> {
        match self.0.queue.poll_ready(cx) {
            Poll::Pending => self.0.inbox.poll_ready(cx).map(|()| Ready::Item),
            ready => ready,
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.0.close();
    }
}

struct Writer {
    output: Output,
    dialect: Dialect,
    receiver: Receiver,
    given_up: Counter,
    /// Taken from the queue to reach an answer behind it. `None` if empty, as it is in an idle connection.
    #[expect(clippy::box_collection, reason = "smaller in an idle connection")]
    bulk: Option<Box<VecDeque<Box<Out>>>>,
    /// The feeds that have no task.
    live: LiveFeeds,
    /// Whether they are next, so that a long replay of another channel does not hold them up.
    live_next: bool,
}

impl Writer {
    #[expect(clippy::manual_async_fn, reason = "an `async fn` would have the writer twice")]
    fn run(mut self) -> impl Future<Output = Output> {
        async move {
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
    }

    /// Waits for something to write.
    async fn next(&mut self) -> Option<Box<Out>> {
        loop {
            if let Some(out) = self.waiting() {
                return Some(out);
            }
            if let Ready::End = poll_fn(|cx| self.receiver.poll_ready(cx)).await {
                return None;
            }
        }
    }

    /// Answers first.
    fn waiting(&mut self) -> Option<Box<Out>> {
        while let Some(out) = self.receiver.0.queue.pop() {
            match *out {
                Out::Bulk { .. } | Out::Live(_) => self.bulk.get_or_insert_default().push_back(out),
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
        while let Some(out) = self.bulk.as_mut()?.pop_front() {
            match *out {
                Out::Live(feed) => self.live.add(feed),
                _ => return Some(out),
            }
        }
        self.bulk = None;
        None
    }

    /// What live feeds have.
    fn next_live(&mut self) -> Option<Box<Out>> {
        let frame = self.live.next()?;
        Some(Box::new(Out::Bulk { frame, permit: None }))
    }

    /// Writes a frame and what is waiting behind it, in one write. Returns whether there may be more.
    async fn write(&mut self, first: Box<Out>) -> io::Result<bool> {
        let mut write = Write::default();
        let mut next = Some(first);
        while let Some(out) = next {
            write.put(*out, self.dialect, &self.receiver.0.frame_size);
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
            self.receiver.0.frame_size.written(write.bulk_bytes, begun.elapsed());
        }
        Ok(!write.last)
    }
}
