//! What a client puts into channels: publications and ephemeral events.

mod answers;
mod casts;
mod order;

use seamline::wire::ServerFrame;
use serde_json::value::RawValue;
use tokio::time::Instant;

pub(super) use self::answers::Publisher;
pub(super) use self::order::PublicationOrder;
use super::Connection;
use super::end::End;
use crate::auth::Action;
use crate::limits::names;
use crate::log::Append;
use crate::refusal::Refusal;
use crate::state::App;
use crate::trace;
use crate::ws::dialect::frames;

impl Connection {
    pub(super) async fn publish(&mut self, ch: String, key: String, data: Box<RawValue>) -> Result<(), End> {
        let arrived = Instant::now();
        let span = trace::Publication::received(&ch, data.get());
        if let Err(refusal) = names::check_channel(&ch).and_then(|()| names::check_key(&key)) {
            return self
                .refuse_publication(names::truncated(ch), names::truncated(key), refusal, &span)
                .await;
        }
        if let Err(refusal) = self.user.check_grant(Action::Write, &ch) {
            self.order.release(&ch, &key);
            return self.refuse_publication(ch, key, refusal, &span).await;
        }
        let number = self.order.number(&ch, &key);
        if let Err(refusal) = self.check_publication(&ch, &key).await {
            match refusal.retry_after {
                Some(_) => self.order.hold(&ch, &key, number),
                None => self.order.release(&ch, &key),
            }
            return self.refuse_publication(ch, key, refusal, &span).await;
        }
        self.order.release(&ch, &key);
        let (data, trace) = (Box::<str>::from(data).into(), span.context());
        let append = Append { ch, key: Some(key), data, trace };
        let publisher = self.publisher.get_or_insert_with(|| {
            Box::new(Publisher::new(self.app.clone(), self.out.clone(), self.order.clone()))
        });
        Ok(publisher.publish(append, number, arrived.into_std(), span).await?)
    }

    async fn refuse_publication(
        &mut self,
        ch: String,
        key: String,
        refusal: Refusal,
        span: &trace::Publication,
    ) -> Result<(), End> {
        span.context().refused(refusal.code);
        Ok(self.out.answer(&refused(&self.app, ch, key, refusal)).await?)
    }

    /// Whether a publication can be stored now. The socket waits for the authorization service, because what it sends
    /// must be stored in that order.
    async fn check_publication(&mut self, ch: &str, key: &str) -> Result<(), Refusal> {
        self.take_token().map_err(Refusal::too_fast)?;
        if self.order.overtakes(ch, key) {
            return Err(Refusal::out_of_order(ch));
        }
        self.app.auth.authorize(&self.user.name, Action::Write, ch).await
    }
}

/// A `pubnack`; it is counted.
fn refused(app: &App, ch: String, key: String, refusal: Refusal) -> ServerFrame<&'static RawValue> {
    app.metrics.refused(refusal.code);
    frames::pubnack(ch, key, refusal)
}
