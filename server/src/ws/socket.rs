//! The socket: a reader that is the WebSocket library's, and an output that is ours (see `writer`).
//!
//! The library would copy every outgoing frame into a buffer of the socket, and keep the largest buffer it ever needed.
//! It still writes by itself: it answers pings, and a client's close. That goes into the writer's queue, because two
//! tasks must not write in the middle of each other's frames.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, ReadHalf, WriteHalf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::progress::{Progress, Watched};
use super::writer::Replies;

type Io = Watched<TokioIo<Upgraded>>;

/// What the client sends, frame by frame.
///
/// The handshake is done in this crate rather than by the framework, because closing properly after an oversized frame
/// takes the raw stream underneath (see `connection::end`). Boxed, because it would be in the task more than once.
pub(super) type Input = Box<WebSocketStream<Reader>>;
/// Where outgoing bytes go.
pub(super) type Output = WriteHalf<Io>;

/// Every socket has a buffer of this size. With a larger one, that would be most of what a connection costs.
const READ_BUFFER_BYTES: usize = 256;
/// How much is read from the system at once.
const READ_AHEAD_BYTES: usize = 16 * 1024;

/// The two directions of a connection that has been upgraded.
pub(super) fn split(upgraded: Upgraded, progress: Arc<Progress>) -> (ReadHalf<Io>, Output) {
    tokio::io::split(Watched::new(TokioIo::new(upgraded), progress))
}

/// Reads frames of up to this size.
pub(super) async fn open(input: ReadHalf<Io>, replies: Replies, frame_bytes_max: u64) -> Input {
    let max = usize::try_from(frame_bytes_max).ok();
    // A frame's header has its length: a frame that is too large is refused unread.
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_message_size(max)
        .max_frame_size(max);
    Box::new(
        WebSocketStream::from_raw_socket(
            Reader { input, ahead: Bytes::new(), replies },
            Role::Server,
            Some(config),
        )
        .await,
    )
}

thread_local! {
    /// Where reads go first, those of all sockets, so that an idle one has no large buffer.
    static READ_AHEAD: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_AHEAD_BYTES].into());
}

/// The socket as the library sees it.
pub(super) struct Reader {
    input: ReadHalf<Io>,
    /// What was read and did not fit the library's buffer.
    ahead: Bytes,
    replies: Replies,
}

impl Reader {
    fn poll_read_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        READ_AHEAD.with_borrow_mut(|space| {
            let mut read = ReadBuf::new(space);
            ready!(Pin::new(&mut self.input).poll_read(cx, &mut read))?;
            self.ahead = Bytes::copy_from_slice(read.filled());
            Poll::Ready(Ok(()))
        })
    }
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            ready!(self.poll_read_ahead(cx))?;
        }
        let count = self.ahead.len().min(buffer.remaining());
        buffer.put_slice(&self.ahead.split_to(count));
        if self.ahead.is_empty() {
            self.ahead = Bytes::new(); // frees the memory
        }
        Poll::Ready(Ok(()))
    }
}

/// What the library writes is whole frames: it offers what it has gathered, and all of it is accepted.
impl AsyncWrite for Reader {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, frames: &[u8]) -> Poll<io::Result<usize>> {
        self.replies.send(frames);
        Poll::Ready(Ok(frames.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
