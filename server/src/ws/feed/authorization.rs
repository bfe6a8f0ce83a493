//! Whether the client may subscribe, and how a subscription ends if not.

use super::Feed;
use crate::auth::Action;
use crate::refusal::Refusal;
use crate::ws::dialect::{Dialect, frames};

impl Feed {
    /// Asks the authorization service. If the client may not read the channel, ends the subscription. The feed does
    /// this, so that many channels are asked about at once, and the socket is not held up.
    pub(super) async fn authorized(&self) -> bool {
        match self.app.auth.authorize(&self.owner().user, Action::Read, self.ch()).await {
            Ok(()) => true,
            Err(refusal) => {
                self.end(refusal).await;
                false
            }
        }
    }

    /// Sends the client why the subscription has ended. In the plain dialect, that closes the connection, which has no
    /// other channel.
    pub(super) async fn end(&self, refusal: Refusal) {
        self.link.finish();
        self.app.refusals.record_of(self.entry.address, &self.owner().user, &refusal);
        if self.out.dialect == Dialect::Plain {
            return self.out.close(frames::close_code(&refusal), &refusal.message).await;
        }
        let _ = self.out.bulk(&frames::err(&refusal, Some(self.ch()), self.link.reference)).await; // or the client has gone
    }
}
