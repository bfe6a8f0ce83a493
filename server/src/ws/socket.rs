//! The socket: its type, and how much it buffers.

use std::sync::Arc;

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::progress::{Progress, Watched};

/// The handshake is done in this crate rather than by the framework, because closing properly after an oversized frame
/// takes the raw stream underneath (see `connection::end`).
pub(super) type Socket = WebSocketStream<Watched<TokioIo<Upgraded>>>;

/// How much is read from a socket at once. Every socket has a buffer of this size, and with a larger one that would be
/// most of what a connection costs. Frames from clients are small.
const READ_BUFFER_BYTES: usize = 1024;
/// How much is gathered before it is written. A socket that needed it once keeps a buffer of up to twice this size.
pub(super) const WRITE_BUFFER_BYTES: usize = 8 * 1024;

/// The server's side of a connection that has been upgraded.
pub(super) async fn open(upgraded: Upgraded, progress: Arc<Progress>, frame_bytes_max: u64) -> Socket {
    let max = usize::try_from(frame_bytes_max).ok();
    // A frame's header has its length: a frame that is too large is refused unread.
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_message_size(max)
        .max_frame_size(max);
    let io = Watched::new(TokioIo::new(upgraded), progress);
    Socket::from_raw_socket(io, Role::Server, Some(config)).await
}
