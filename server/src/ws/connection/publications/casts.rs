//! Ephemeral events.

use std::sync::Arc;

use serde_json::value::RawValue;

use crate::auth::Action;
use crate::limits::names;
use crate::log::hub::Cast;
use crate::ws::connection::Connection;
use crate::ws::connection::end::End;

impl Connection {
    pub(in crate::ws::connection) async fn cast(&mut self, ch: &str, data: Box<RawValue>) -> Result<(), End> {
        if let Err(refusal) = names::check_channel(ch) {
            return self.answer_err(&refusal, Some(&names::truncated(ch.to_owned()))).await;
        }
        if let Err(refusal) = self.user.check_grant(Action::Write, ch) {
            // With a `ch`, this would end a subscription that is being made: only where that is refused as well.
            let named = Some(ch).filter(|ch| self.user.check_grant(Action::Read, ch).is_err());
            return self.answer_err(&refusal, named).await;
        }
        if self.take_token().is_err() {
            return Ok(()); // ephemeral events may be lost, and answering each would be a flood as well
        }
        match self.app.auth.authorize(&self.user.name, Action::Write, ch).await {
            Ok(()) => {}
            Err(refusal) if refusal.retry_after.is_some() => return Ok(()), // later is too late
            Err(refusal) => return self.answer_err(&refusal, None).await,
        }
        let data: Arc<str> = Box::<str>::from(data).into();
        self.app.store.pass_on_cast(ch, &data);
        self.app.hub.cast(ch, Cast { from: self.registered.entry.number, data });
        Ok(())
    }
}
