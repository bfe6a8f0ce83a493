//! What a socket is subscribed to.

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::Connection;
use super::end::End;
use crate::limits::names;
use crate::ws::dialect::frames;
use crate::ws::feed::Feed;
use crate::ws::feed::credit::Credit;
use crate::ws::feed::resume::Begin;

/// A subscription that was ended because of a fresh token is asked for again after so long.
const FORBIDDEN_RETRY_MS: u64 = 1000;

/// A channel that the socket is subscribed to.
pub(in crate::ws) struct Subscription {
    pub credit: Arc<Credit>,
    /// Which `sub` it answers.
    reference: Option<u64>,
    feed: JoinHandle<()>,
}

impl Subscription {
    /// Ends it. Returns when it has queued its last frame: none may follow the `subd` of the next subscription.
    pub async fn end(mut self) {
        self.feed.abort();
        let _ = (&mut self.feed).await;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.feed.abort();
    }
}

impl Connection {
    pub(in crate::ws) async fn subscribe(
        &mut self,
        ch: String,
        begin: Begin,
        credit: u64,
        reference: Option<u64>,
    ) -> Result<(), End> {
        if let Some(problem) = names::channel_problem(&ch) {
            return self.refuse_sub("bad_channel", problem, &names::shortened(ch), reference).await;
        }
        if !self.user.access.may_read(&ch) {
            let message = "the token does not allow to read this channel";
            return self.refuse_sub("forbidden", message, &ch, reference).await;
        }
        self.unsubscribe(&ch).await;
        let max = self.app.config.max_channels;
        if self.subscriptions.len() as u64 >= max {
            self.subscriptions.retain(|_, subscription| !subscription.credit.ended());
        }
        if self.subscriptions.len() as u64 >= max {
            let message = format!("a socket may be subscribed to {max} channels");
            return self.refuse_sub("too_many_channels", &message, &ch, reference).await;
        }
        let credit = Arc::new(Credit::new(credit));
        let feed = Feed {
            app: self.app.clone(),
            connection: self.number,
            owner: self.owner.clone(),
            ch: ch.clone(),
            begin,
            reference,
            credit: credit.clone(),
            out: self.out.clone(),
        };
        let feed = tokio::spawn(feed.run());
        self.subscriptions.insert(ch, Subscription { credit, reference, feed });
        Ok(())
    }

    pub(in crate::ws) async fn unsubscribe(&mut self, ch: &str) {
        if let Some(subscription) = self.subscriptions.remove(ch) {
            subscription.end().await;
        }
    }

    async fn refuse_sub(
        &self,
        code: &str,
        message: &str,
        ch: &str,
        reference: Option<u64>,
    ) -> Result<(), End> {
        Ok(self.out.answer(&frames::sub_err(code, message, ch, reference, None)).await?)
    }

    /// A fresh token may allow less. With the hint the client takes the subscription for ended; it asks again,
    /// and is refused.
    pub(in crate::ws) async fn end_what_is_forbidden(&mut self) -> Result<(), End> {
        let access = &self.user.access;
        let forbidden: Vec<_> = self.subscriptions.extract_if(|ch, _| !access.may_read(ch)).collect();
        for (ch, subscription) in forbidden {
            let reference = subscription.reference;
            subscription.end().await;
            let message = "the new token does not allow to read this channel";
            let frame = frames::sub_err("forbidden", message, &ch, reference, Some(FORBIDDEN_RETRY_MS));
            self.out.answer(&frame).await?;
        }
        Ok(())
    }
}
