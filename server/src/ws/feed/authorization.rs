//! What a client is told when there is no subscription for it, or none any more.

use seamline::wire::close::{FORBIDDEN, TRY_AGAIN_LATER};

use super::Feed;
use crate::auth::{Action, RETRY_AFTER_MS, Verdict};
use crate::ws::connection::end;
use crate::ws::dialect::Dialect;
use crate::ws::dialect::frames;

impl Feed {
    /// Whether the authorisation service lets the channel be read; tells the client if not. Here, so that many
    /// channels are asked about at once and the socket goes on.
    pub(in crate::ws) async fn permitted(&self) -> bool {
        match self.app.auth.ask(&self.owner.user, Action::Read, self.ch()).await {
            Verdict::Allowed => return true,
            Verdict::Forbidden => {
                self.tell_end("forbidden", "this user may not read this channel", None).await;
            }
            Verdict::Unknown => {
                let message = "what this user may do cannot be found out at the moment; try again later";
                self.tell_end("authorization_error", message, Some(RETRY_AFTER_MS)).await;
            }
        }
        false
    }

    /// Tells it in the words of the socket's dialect. The plain one has no other channel, and closes.
    pub(in crate::ws) async fn tell_end(&self, code: &str, message: &str, retry_after_ms: Option<u64>) {
        self.credit.end();
        if self.out.dialect == Dialect::Plain {
            let closed = if retry_after_ms.is_some() { TRY_AGAIN_LATER } else { FORBIDDEN };
            return self.out.close(end::frame(closed, message)).await;
        }
        let frame = frames::sub_err(code, message, self.ch(), self.reference, retry_after_ms);
        let _ = self.out.bulk(&frame).await; // the client may have gone meanwhile
    }
}
