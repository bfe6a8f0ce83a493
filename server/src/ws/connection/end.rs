//! How a connection ends.
//!
//! A close is only seen by the other side if we go on reading after it: closing a TCP connection
//! that has unread data resets it, and the reset overtakes the close frame.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::SplitStream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::ws::Socket;
use crate::ws::writer::{Gone, Outgoing, Sink};

/// A close frame's reason may have so many bytes (RFC 6455 §5.5).
const REASON_BYTES_MAX: usize = 123;
/// How long the client may take to answer a close.
const REPLY_TIMEOUT: Duration = Duration::from_secs(2);
/// What comes after an unreadable frame is thrown away until it pauses for this long …
const DISCARD_PAUSE: Duration = Duration::from_millis(500);
/// … or has gone on for this long.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(10);
const DISCARD_BUFFER_BYTES: usize = 8 * 1024;

/// Why a connection ends.
#[derive(Debug)]
pub(in crate::ws) enum End {
    /// We close it.
    Close { code: u16, reason: String },
    /// We close it because of a frame that is not read to its end: what still comes in is thrown away.
    Unreadable { code: u16, reason: String },
    /// The client has closed, or the network has.
    Gone,
    /// Cut without a word, for demonstrations.
    Cut,
}

impl End {
    pub fn close(code: u16, reason: impl ToString) -> Self {
        End::Close { code, reason: reason.to_string() }
    }
}

impl From<Gone> for End {
    fn from(_: Gone) -> Self {
        End::Gone
    }
}

/// Carries it out. `out` is the last way to the writer, which ends with it.
pub(in crate::ws) async fn finish(
    end: End,
    stream: SplitStream<Socket>,
    out: Outgoing,
    writer: JoinHandle<Sink>,
) {
    let discard = matches!(end, End::Unreadable { .. });
    match end {
        End::Cut => return writer.abort(),
        End::Gone => {}
        End::Close { code, reason } | End::Unreadable { code, reason } => {
            // One that reads slowly may have filled the queue. It is not waited for longer than for the answer.
            let _ = timeout(REPLY_TIMEOUT, out.close(frame(code, &reason))).await;
        }
    }
    drop(out);
    let abort = writer.abort_handle();
    let Ok(Ok(sink)) = timeout(REPLY_TIMEOUT, writer).await else { return abort.abort() };
    let Ok(mut socket) = stream.reunite(sink) else { return };
    if discard {
        let _ = timeout(DISCARD_TIMEOUT, throw_away(&mut socket)).await;
    } else {
        let _ = timeout(REPLY_TIMEOUT, async { while let Some(Ok(_)) = socket.next().await {} }).await;
    }
    // TLS says that it ends; without that, the other side has to take it for a cut.
    let _ = timeout(REPLY_TIMEOUT, socket.get_mut().shutdown()).await;
}

/// Past the WebSocket's framing: an unreadable frame stops that for good.
async fn throw_away(socket: &mut Socket) {
    let mut buffer = vec![0; DISCARD_BUFFER_BYTES]; // an array would be part of every connection's task
    while let Ok(Ok(1..)) = timeout(DISCARD_PAUSE, socket.get_mut().read(&mut buffer)).await {}
}

/// A close frame; what is too long of the reason is cut off.
pub(in crate::ws) fn frame(code: u16, reason: &str) -> CloseFrame {
    let mut end = reason.len().min(REASON_BYTES_MAX);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    CloseFrame { code: code.into(), reason: Utf8Bytes::from(&reason[..end]) }
}
