//! What a socket is subscribed to.

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::Connection;
use crate::log::SyncKey;
use crate::names;
use crate::ws::close::End;
use crate::ws::credit::Credit;
use crate::ws::feed::Feed;
use crate::ws::frames::{self, ToClient};
use crate::ws::resume::Begin;

/// A subscription that was ended because of a fresh token is asked for again after so long.
const FORBIDDEN_RETRY_MS: u64 = 1000;

/// A channel that the socket is subscribed to.
pub(super) struct Subscription {
    pub credit: Arc<Credit>,
    feed: JoinHandle<()>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.feed.abort();
    }
}

impl Connection {
    pub(super) async fn subscribe(
        &mut self,
        ch: String,
        begin: Begin,
        credit: u64,
        reference: Option<u64>,
    ) -> Result<(), End> {
        if let Some(problem) = names::channel_problem(&ch) {
            return Ok(self
                .out
                .answer(&frames::err("bad_channel", problem, Some(&names::shortened(ch))))
                .await?);
        }
        if !self.user.access.may_read(&ch) {
            let message = "the token does not allow to read this channel";
            return Ok(self.out.answer(&frames::err("forbidden", message, Some(&ch))).await?);
        }
        if let Some(mut old) = self.subscriptions.remove(&ch) {
            // Wait for it to be gone: none of its frames may come after the new one's `subd`.
            old.feed.abort();
            let _ = (&mut old.feed).await;
        }
        let max = self.app.config.max_channels;
        if self.subscriptions.len() as u64 >= max {
            let message = format!("a socket may be subscribed to {max} channels");
            return Ok(self.out.answer(&frames::err("too_many_channels", message, Some(&ch))).await?);
        }
        let credit = Arc::new(Credit::new(credit));
        let feed = Feed {
            app: self.app.clone(),
            connection: self.number,
            owner: self.sync_key(ch.clone()),
            begin,
            reference,
            credit: credit.clone(),
            out: self.out.clone(),
        };
        let feed = tokio::spawn(feed.run());
        self.subscriptions.insert(ch, Subscription { credit, feed });
        Ok(())
    }

    /// A fresh token may allow less. With the hint the client takes the subscription for ended; it asks again,
    /// and is refused.
    pub(super) async fn end_what_is_forbidden(&mut self) -> Result<(), End> {
        let access = &self.user.access;
        let ended: Vec<_> =
            self.subscriptions.extract_if(|ch, _| !access.may_read(ch)).map(|(ch, _)| ch).collect();
        for ch in ended {
            let frame = ToClient::Err {
                code: "forbidden".into(),
                message: "the new token does not allow to read this channel".into(),
                ch: Some(ch),
                retry_after_ms: Some(FORBIDDEN_RETRY_MS),
            };
            self.out.answer(&frame).await?;
        }
        Ok(())
    }

    fn sync_key(&self, ch: String) -> SyncKey {
        SyncKey { user: self.user.name.clone(), client_id: self.client_id.clone(), ch }
    }
}
