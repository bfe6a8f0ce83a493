//! A connection that speaks the plain dialect. It has one channel, which the request named.

use seamline::wire::{MessageId, StartAt};
use tracing::warn;

use super::Connection;
use super::end::End;
use crate::refusal::Refusal;
use crate::ws::dialect::plain::{self, FromPlain};
use crate::ws::dialect::request::DialectRequest;
use crate::ws::feed::credit::Credit;
use crate::ws::feed::start_point::RequestedStart;

/// The channel.
pub(super) struct PlainChannel {
    ch: String,
    /// Whether the client has an id. If not, nobody will ask for what it acknowledged.
    known: bool,
    /// The newest message that it has acknowledged, until that is stored.
    acked: Option<MessageId>,
}

impl Connection {
    /// Does what the request asks for.
    pub(super) async fn open(&mut self, request: DialectRequest) -> Result<(), End> {
        let DialectRequest::Plain(request) = request else { return Ok(()) };
        let known = request.client_id.is_some();
        self.plain = Some(Box::new(PlainChannel { ch: request.ch.clone(), known, acked: None }));
        let start = match request.last_message_id {
            Some(id) => RequestedStart::AfterId(id),
            None => RequestedStart::Stored { otherwise: StartAt::Start },
        };
        // There is no credit: a slow client slows its own replay.
        self.subscribe(request.ch, start, Credit::new(u64::MAX, None), None).await
    }

    pub(super) async fn read_plain(&mut self, text: &str) -> Result<(), End> {
        let Some(plain) = &mut self.plain else { return Ok(()) };
        match plain::parse(text) {
            Ok(FromPlain::Ack(id)) if plain.known => {
                plain.acked = plain.acked.max(Some(id));
                self.acks.schedule();
            }
            Ok(FromPlain::Cast(data)) => {
                let ch = plain.ch.clone();
                self.cast(&ch, data).await?;
            }
            Ok(FromPlain::Ack(_) | FromPlain::Nothing) => {}
            Err(problem) => return self.refuse(Refusal::bad_frame(problem)).await,
        }
        Ok(())
    }

    /// Turns the acknowledged id into the position that is stored. An id that the log does not have is not a position.
    pub(super) async fn locate_acked(&mut self) {
        let Some(plain) = &mut self.plain else { return };
        let Some(id) = plain.acked.take() else { return };
        match self.app.store.locate(&plain.ch, id).await {
            Ok(position) if position.id == Some(id) => {
                let ch = plain.ch.clone();
                self.record_ack(ch, position);
            }
            Ok(_) => {}
            Err(e) => {
                plain.acked = Some(id);
                self.acks.schedule();
                if !e.is_reported() {
                    warn!("cannot look up an acknowledged message: {e}");
                }
            }
        }
    }
}
