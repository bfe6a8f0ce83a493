//! The socket: an input that yields messages, and an output for the `writer`.
//!
//! Only the writer writes, because two tasks must not write in the middle of each other's frames. What has to be
//! answered at once, a ping and a client's close, goes through its queue.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, ReadBuf, ReadHalf, WriteHalf};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::decoder::{Decoder, reply};
use super::progress::Watched;
use super::writer::Shared;

type Io = Watched<TokioIo<Upgraded>>;

/// Where outgoing bytes go.
pub(super) type Output = WriteHalf<Io>;

/// How much is read from the system at once.
const READ_BYTES: usize = 16 * 1024;

thread_local! {
    /// Where reads go first, those of all sockets, so that an idle one has no buffer.
    static SPACE: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
}

/// What the client sends, message by message.
pub(super) struct Input {
    io: ReadHalf<Io>,
    /// What was read and is not decoded yet.
    ahead: Bytes,
    decoder: Decoder,
    /// Whether the client has closed it.
    closed: bool,
    shared: Arc<Shared>,
}

/// The two directions of a connection that has been upgraded. Messages may have up to this size.
pub(super) fn split(upgraded: Upgraded, shared: Arc<Shared>, message_bytes_max: u64) -> (Input, Output) {
    let (io, output) = tokio::io::split(Watched::new(TokioIo::new(upgraded), shared.clone()));
    let decoder = Decoder::new(usize::try_from(message_bytes_max).unwrap_or(usize::MAX));
    (Input { io, ahead: Bytes::new(), decoder, closed: false, shared }, output)
}

impl Input {
    /// The next message. Returns `None` when the client has closed the connection.
    pub async fn next(&mut self) -> Option<Result<Message, Error>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// See [`next`](Self::next).
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        while !self.closed {
            if self.ahead.is_empty() {
                ready!(self.poll_read(cx))?;
                self.closed = self.ahead.is_empty();
            }
            let next = self.decoder.next(&mut self.ahead);
            if self.ahead.is_empty() {
                self.ahead = Bytes::new(); // frees the memory
            }
            if let Some(message) = next? {
                self.closed |= message.is_close();
                self.reply(&message);
                return Poll::Ready(Some(Ok(message)));
            }
        }
        Poll::Ready(None)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        SPACE.with_borrow_mut(|space| {
            let mut read = ReadBuf::new(space);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut read))?;
            self.ahead = Bytes::copy_from_slice(read.filled());
            Poll::Ready(Ok(()))
        })
    }

    fn reply(&self, message: &Message) {
        let Some(frame) = reply(message) else { return };
        let mut bytes = Vec::with_capacity(frame.len());
        if frame.format(&mut bytes).is_ok() {
            self.shared.send_control(bytes.into());
        }
    }

    /// Discards some of what the client sends, undecoded. Returns the number of bytes, which is 0 at the end.
    pub async fn discard(&mut self) -> io::Result<usize> {
        if self.ahead.is_empty() {
            poll_fn(|cx| self.poll_read(cx)).await?;
        }
        Ok(std::mem::take(&mut self.ahead).len())
    }
}
