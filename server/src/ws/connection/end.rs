//! How a connection ends.
//!
//! The client sees a close only if the server keeps reading after it: closing a TCP connection that has unread data
//! resets it, and the reset overtakes the close frame.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::Socket;
use crate::refusal::Refusal;
use crate::refusal::reason::Reason;
use crate::ws::dialect::frames;
use crate::ws::socket::Input;
use crate::ws::writer::Gone;

/// How long to wait for the client to answer a close.
const REPLY_TIMEOUT: Duration = Duration::from_secs(2);
/// What comes after an unreadable frame is discarded, until nothing comes for this long …
const DISCARD_PAUSE: Duration = Duration::from_millis(500);
/// … or at most for this long.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a connection ends.
#[derive(Debug)]
pub(super) enum End {
    /// The server closes it.
    Close { code: u16, reason: String, refused: Option<Reason> },
    /// The server closes it because of a frame that it does not read to its end. The rest is discarded.
    Unreadable { code: u16, reason: String, refused: Reason },
    /// The client has closed it, or the network is down.
    Gone,
    /// The server disconnects the client without a close frame, for demonstrations.
    Abort,
}

impl End {
    pub fn close(code: u16, reason: impl ToString) -> Self {
        End::Close { code, reason: reason.to_string(), refused: None }
    }

    /// A close that is counted as a refusal.
    pub fn refuse(refused: Reason, code: u16, reason: impl ToString) -> Self {
        End::Close { code, reason: reason.to_string(), refused: Some(refused) }
    }

    /// What is refused with it, if anything is.
    pub fn refused(&self) -> Option<(Reason, &str)> {
        match self {
            End::Close { reason, refused, .. } => refused.map(|refused| (refused, &**reason)),
            End::Unreadable { reason, refused, .. } => Some((*refused, reason)),
            End::Gone | End::Abort => None,
        }
    }
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> Self {
        let (refused, code) = (refusal.reason(), frames::close_code(&refusal));
        End::Close { code, reason: refusal.message, refused }
    }
}

impl From<Gone> for End {
    fn from(_: Gone) -> Self {
        End::Gone
    }
}

/// Ends the connection. `out` is the last sender to the writer, which ends with it.
pub(super) async fn finish(end: End, Socket { mut input, out, writer }: Socket) {
    let discard = matches!(end, End::Unreadable { .. });
    match end {
        End::Abort => return writer.abort(),
        End::Gone => {}
        End::Close { code, reason, .. } | End::Unreadable { code, reason, .. } => {
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
    while let Ok(Ok(1..)) = timeout(DISCARD_PAUSE, input.discard()).await {}
}
