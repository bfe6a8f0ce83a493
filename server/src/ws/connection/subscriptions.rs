//! What a socket is subscribed to.

use std::sync::Arc;

use super::Connection;
use super::end::End;
use crate::auth::Action;
use crate::limits::names;
use crate::refusal::Refusal;
use crate::ws::dialect::frames;
use crate::ws::feed::Feed;
use crate::ws::feed::link::Link;
use crate::ws::feed::start_point::RequestedStart;

/// A channel that the socket is subscribed to.
pub(super) struct Subscription {
    pub link: Arc<Link>,
    /// The `sub` that it answers.
    reference: Option<u64>,
}

impl Subscription {
    /// Ends it. Returns when its last frame is queued: none may follow the `subd` of the next subscription.
    pub async fn end(self) {
        if let Some(task) = self.link.end() {
            let _ = task.await;
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        drop(self.link.end());
    }
}

impl Connection {
    pub(super) async fn subscribe(
        &mut self,
        ch: String,
        start: RequestedStart,
        credit: u64,
        reference: Option<u64>,
    ) -> Result<(), End> {
        if let Err(refusal) = self.check_subscription(&ch).await {
            return self.answer_sub(&refusal, &names::truncated(ch), reference).await;
        }
        let ch: Arc<str> = ch.into();
        let link = Arc::new(Link::new(credit, self.out.inbox()));
        let feed = Box::new(Feed {
            app: self.app.clone(),
            connection: self.number,
            owner: self.owner.clone(),
            ch: ch.clone(),
            start,
            reference,
            link: link.clone(),
            out: self.out.clone(),
        });
        link.spawn(feed.run());
        self.subscriptions.insert(ch, Subscription { link, reference });
        Ok(())
    }

    /// Whether there may be a subscription. A previous one to the same channel ends, unless that is refused.
    async fn check_subscription(&mut self, ch: &str) -> Result<(), Refusal> {
        names::check_channel(ch)?;
        self.user.check_grant(Action::Read, ch)?;
        self.unsubscribe(ch).await;
        let max = self.app.config.max_channels;
        if self.subscriptions.len() as u64 >= max {
            self.subscriptions.retain(|_, subscription| !subscription.link.ended());
        }
        if self.subscriptions.len() as u64 >= max { Err(Refusal::too_many_channels(max)) } else { Ok(()) }
    }

    pub(super) async fn unsubscribe(&mut self, ch: &str) {
        if let Some(subscription) = self.subscriptions.remove(ch) {
            subscription.end().await;
        }
    }

    async fn answer_sub(&self, refusal: &Refusal, ch: &str, reference: Option<u64>) -> Result<(), End> {
        Ok(self.out.answer(&frames::err(refusal, Some(ch), reference)).await?)
    }

    /// Ends the subscriptions that a fresh token does not grant.
    pub(super) async fn end_forbidden_subscriptions(&mut self) -> Result<(), End> {
        let user = &self.user;
        let forbidden = |ch: &Arc<str>| user.check_grant(Action::Read, ch).is_err();
        let ended: Vec<_> = self.subscriptions.extract_if(|ch, _| forbidden(ch)).collect();
        for (ch, subscription) in ended {
            let reference = subscription.reference;
            subscription.end().await;
            self.answer_sub(&Refusal::no_longer_granted(Action::Read, &ch), &ch, reference).await?;
        }
        Ok(())
    }
}
