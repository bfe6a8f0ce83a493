//! What a socket is subscribed to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Connection;
use super::end::End;
use crate::auth::Action;
use crate::by_name::{ByName, Named, NamedSet};
use crate::limits::names;
use crate::refusal::Refusal;
use crate::ws::dialect::frames;
use crate::ws::feed::Feed;
use crate::ws::feed::credit::Credit;
use crate::ws::feed::link::Link;
use crate::ws::feed::start_point::RequestedStart;
use crate::ws::registry::Followed;

/// A channel that the socket is subscribed to.
struct Subscription(Arc<Link>);

impl Named for Subscription {
    fn name(&self) -> &str {
        &self.0.ch
    }
}

impl Subscription {
    /// Ends it. Returns when its last frame is queued: none may follow the `subd` of the next subscription.
    async fn end(self) {
        if let Some(task) = self.0.end() {
            let _ = task.await;
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        drop(self.0.end());
    }
}

/// All of them. Others may look at them, so they are behind a lock.
#[derive(Default)]
pub(in crate::ws) struct Subscriptions {
    // A plain mutex: never held across an await.
    by_channel: Mutex<NamedSet<Subscription>>,
}

impl Subscriptions {
    /// Whether there is one to this channel.
    pub fn follows(&self, ch: &str) -> bool {
        self.link(ch).is_some_and(|link| !link.ended())
    }

    /// How far each of them is, in no order.
    pub fn followed(&self) -> Vec<Followed> {
        let subscriptions = self.lock();
        let running =
            subscriptions.iter().map(|ByName(subscription)| &subscription.0).filter(|link| !link.ended());
        running
            .map(|link| Followed { ch: link.ch.clone(), sent: link.sent(), live: link.is_live() })
            .collect()
    }

    pub(super) fn link(&self, ch: &str) -> Option<Arc<Link>> {
        self.lock().get(ch).map(|ByName(subscription)| subscription.0.clone())
    }

    pub(super) fn end_all(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, NamedSet<Subscription>> {
        self.by_channel.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    fn subscriptions(&self) -> MutexGuard<'_, NamedSet<Subscription>> {
        self.registered.entry.subscriptions.lock()
    }

    pub(super) async fn subscribe(
        &mut self,
        ch: String,
        start: RequestedStart,
        credit: Credit,
        reference: Option<u64>,
    ) -> Result<(), End> {
        if let Err(refusal) = self.check_subscription(&ch).await {
            return self.answer_sub(&refusal, &names::truncated(ch), reference).await;
        }
        let link = Arc::new(Link::new(self.app.hub.name(&ch), reference, credit, self.out.inbox()));
        let (app, entry, out) = (self.app.clone(), self.registered.entry.clone(), self.out.clone());
        let feed = Box::new(Feed { app, entry, link: link.clone(), out });
        self.app.metrics.subscriptions.inc(); // until the feed is dropped
        link.spawn(feed.run(Box::new(start)));
        self.subscriptions().insert(ByName(Subscription(link)));
        Ok(())
    }

    /// Whether there may be a subscription. A previous one to the same channel ends, unless that is refused.
    async fn check_subscription(&mut self, ch: &str) -> Result<(), Refusal> {
        names::check_channel(ch)?;
        self.user.check_grant(Action::Read, ch)?;
        self.unsubscribe(ch).await;
        let max = self.app.config.max_channels;
        let mut subscriptions = self.subscriptions();
        if subscriptions.len() as u64 >= max {
            subscriptions.retain(|ByName(subscription)| !subscription.0.ended());
        }
        if subscriptions.len() as u64 >= max { Err(Refusal::too_many_channels(max)) } else { Ok(()) }
    }

    pub(super) async fn unsubscribe(&mut self, ch: &str) {
        let removed = self.subscriptions().take(ch);
        if let Some(ByName(subscription)) = removed {
            subscription.end().await;
        }
    }

    async fn answer_sub(&mut self, refusal: &Refusal, ch: &str, reference: Option<u64>) -> Result<(), End> {
        self.record(refusal);
        Ok(self.out.answer(&frames::err(refusal, Some(ch), reference)).await?)
    }

    /// Ends the subscriptions that a fresh token does not grant.
    pub(super) async fn end_forbidden_subscriptions(&mut self) -> Result<(), End> {
        let user = &self.user;
        let forbidden = |link: &Link| user.check_grant(Action::Read, &link.ch).is_err();
        let ended: Vec<_> =
            self.subscriptions().extract_if(|ByName(subscription)| forbidden(&subscription.0)).collect();
        for ByName(subscription) in ended {
            let link = subscription.0.clone();
            subscription.end().await;
            let refusal = Refusal::no_longer_granted(Action::Read, &link.ch);
            self.answer_sub(&refusal, &link.ch, link.reference).await?;
        }
        Ok(())
    }
}
