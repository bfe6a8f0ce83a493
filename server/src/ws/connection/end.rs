//! How a connection ends.
//!
//! The client sees a close only if the server keeps reading after it: closing a TCP connection that has unread data
//! resets it, and the reset overtakes the close frame.

use std::time::Duration;

use futures::{FutureExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::refusal::Refusal;
use crate::ws::dialect::frames;
use crate::ws::socket::{Input, Output};
use crate::ws::writer::{Gone, Outgoing};

/// How long to wait for the client to answer a close.
const REPLY_TIMEOUT: Duration = Duration::from_secs(2);
/// What comes after an unreadable frame is discarded, until nothing comes for this long …
const DISCARD_PAUSE: Duration = Duration::from_millis(500);
/// … or at most for this long.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(10);
const DISCARD_BUFFER_BYTES: usize = 8 * 1024;

/// Why a connection ends.
#[derive(Debug)]
pub(super) enum End {
    /// The server closes it.
    Close { code: u16, reason: String },
    /// The server closes it because of a frame that it does not read to its end. The rest is discarded.
    Unreadable { code: u16, reason: String },
    /// The client has closed it, or the network is down.
    Gone,
    /// The server disconnects the client without a close frame, for demonstrations.
    Abort,
}

impl End {
    pub fn close(code: u16, reason: impl ToString) -> Self {
        End::Close { code, reason: reason.to_string() }
    }
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> Self {
        End::close(frames::close_code(&refusal), refusal.message)
    }
}

impl From<Gone> for End {
    fn from(_: Gone) -> Self {
        End::Gone
    }
}

/// Ends the connection. `out` is the last sender to the writer, which ends with it.
pub(super) async fn finish(end: End, mut input: Input, out: Outgoing, writer: JoinHandle<Output>) {
    let discard = matches!(end, End::Unreadable { .. });
    match end {
        End::Abort => return writer.abort(),
        End::Gone => drop(input.next().now_or_never()), // queues the answer to the client's close
        End::Close { code, reason } | End::Unreadable { code, reason } => {
            // A slow client may have filled the queue. Waiting for that takes no longer than for the answer.
            let _ = timeout(REPLY_TIMEOUT, out.close(code, &reason)).await;
        }
    }
    drop(out);
    let abort = writer.abort_handle();
    let Ok(Ok(mut output)) = timeout(REPLY_TIMEOUT, writer).await else { return abort.abort() };
    if discard {
        let _ = timeout(DISCARD_TIMEOUT, discard_rest(&mut input)).await;
    } else {
        let _ = timeout(REPLY_TIMEOUT, async { while let Some(Ok(_)) = input.next().await {} }).await;
    }
    // TLS announces its end. Without that, the client has to treat it as an attack.
    let _ = timeout(REPLY_TIMEOUT, output.shutdown()).await;
}

/// Reads below the WebSocket's framing, which cannot continue after an unreadable frame.
async fn discard_rest(input: &mut Input) {
    let mut buffer = vec![0; DISCARD_BUFFER_BYTES]; // an array would be part of every connection's task
    while let Ok(Ok(1..)) = timeout(DISCARD_PAUSE, input.get_mut().read(&mut buffer)).await {}
}
