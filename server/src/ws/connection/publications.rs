//! What a client puts into channels: publications and ephemeral events.

use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::time::Instant;

use super::Connection;
use super::end::End;
use super::publisher::{Publisher, refusal};
use crate::auth::{Action, RETRY_AFTER_MS, Verdict};
use crate::limits::names;
use crate::log::Append;
use crate::log::hub::Cast;
use crate::ws::dialect::frames;

const NO_WRITE: &str = "the token does not allow to write to this channel";
const NOT_NOW: &str = "what this user may do cannot be found out at the moment; try again later";
const TOO_FAST: &str = "rate limit of this socket exceeded; the message was not stored";
const OUT_OF_ORDER: &str = "an earlier publication in this channel was refused and has not come again yet";
/// The client sends it after the earlier one, whatever this says.
const OUT_OF_ORDER_RETRY_MS: u64 = 100;

impl Connection {
    pub(in crate::ws) async fn publish(
        &mut self,
        ch: String,
        key: String,
        data: Box<RawValue>,
    ) -> Result<(), End> {
        let channel = names::channel_problem(&ch).map(|problem| ("bad_channel", problem));
        let problem = channel.or(names::key_problem(&key).map(|problem| ("bad_key", problem)));
        if let Some((code, problem)) = problem {
            let (ch, key) = (names::shortened(ch), names::shortened(key));
            return Ok(self.out.answer(&refusal(&self.app, ch, key, code, problem, None)).await?);
        }
        if !self.user.access.may_write(&ch) {
            self.held.release(&ch, &key);
            let refusal = refusal(&self.app, ch, key, "forbidden", NO_WRITE, None);
            return Ok(self.out.answer(&refusal).await?);
        }
        let number = self.held.number(&ch, &key);
        let refused = self.not_now(&ch, &key).await;
        match refused {
            Some((_, _, Some(_))) => self.held.hold(&ch, &key, number),
            _ => self.held.release(&ch, &key),
        }
        if let Some((code, message, retry_after_ms)) = refused {
            let refusal = refusal(&self.app, ch, key, code, message, retry_after_ms);
            return Ok(self.out.answer(&refusal).await?);
        }
        let append = Append { ch, key: Some(key), data: Box::<str>::from(data).into() };
        let publisher = self
            .publisher
            .get_or_insert_with(|| Publisher::new(self.app.clone(), self.out.clone(), self.held.clone()));
        Ok(publisher.publish(&self.app, &self.out, append, number).await?)
    }

    /// Why a publication cannot be stored at the moment, or not at all.
    async fn not_now(&mut self, ch: &str, key: &str) -> Option<(&'static str, &'static str, Option<u64>)> {
        if let Err(wait_ms) = self.pace.take(Instant::now()) {
            return Some(("too_fast", TOO_FAST, Some(wait_ms)));
        }
        if self.held.overtakes(ch, key) {
            return Some(("out_of_order", OUT_OF_ORDER, Some(OUT_OF_ORDER_RETRY_MS)));
        }
        self.no_write(ch).await
    }

    pub(in crate::ws) async fn cast(&mut self, ch: &str, data: Box<RawValue>) -> Result<(), End> {
        if let Some(problem) = names::channel_problem(ch) {
            return Ok(self
                .out
                .answer(&frames::err("bad_channel", problem, Some(&names::shortened(ch.to_owned()))))
                .await?);
        }
        if !self.user.access.may_write(ch) {
            // With a `ch`, this would end a subscription that is on its way: only where that is refused as well.
            let named = Some(ch).filter(|ch| !self.user.access.may_read(ch));
            return Ok(self
                .out
                .answer(&frames::err("forbidden", format!("{NO_WRITE}: {ch}"), named))
                .await?);
        }
        if self.pace.take(Instant::now()).is_err() {
            return Ok(()); // ephemeral events may be lost, and an answer to each would be a flood as well
        }
        match self.no_write(ch).await {
            None => {}
            Some((_, _, Some(_))) => return Ok(()), // it is not repeated: later is too late
            Some((code, message, None)) => {
                return Ok(self.out.answer(&frames::err(code, format!("{message}: {ch}"), None)).await?);
            }
        }
        let data: Arc<str> = Box::<str>::from(data).into();
        self.app.store.pass_on_cast(ch, &data);
        self.app.hub.cast(ch, Cast { from: self.number, data });
        Ok(())
    }

    /// Why the authorisation service does not let the user write, if so. The socket waits: what it sends is to be
    /// stored in that order.
    async fn no_write(&self, ch: &str) -> Option<(&'static str, &'static str, Option<u64>)> {
        match self.app.auth.ask(&self.user.name, Action::Write, ch).await {
            Verdict::Allowed => None,
            Verdict::Forbidden => Some(("forbidden", "this user may not write to this channel", None)),
            Verdict::Unknown => Some(("authorization_error", NOT_NOW, Some(RETRY_AFTER_MS))),
        }
    }
}
