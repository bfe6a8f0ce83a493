//! The socket: a reader that is the WebSocket library's, and an output that is ours (see `writer`).
//!
//! The library would copy every outgoing frame into a buffer of the socket, and keep the largest buffer it ever needed.
//! It still writes by itself: it answers pings, and a client's close. That goes into the writer's queue, because two
//! tasks must not write in the middle of each other's frames.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

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

/// How much is read from a socket at once. Every socket has a buffer of this size, and with a larger one that would be
/// most of what a connection costs. Frames from clients are small.
const READ_BUFFER_BYTES: usize = 1024;

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
    Box::new(WebSocketStream::from_raw_socket(Reader { input, replies }, Role::Server, Some(config)).await)
}

/// The socket as the library sees it.
pub(super) struct Reader {
    input: ReadHalf<Io>,
    replies: Replies,
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.input).poll_read(cx, buffer)
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
