//! A connection that speaks the plain dialect: it has one channel, which the request named.

use seamline::wire::{MessageId, StartAt, close};
use tracing::warn;

use super::Connection;
use super::end::End;
use crate::ws::dialect::plain::{self, FromPlain};
use crate::ws::dialect::request::Opening;
use crate::ws::feed::resume::Begin;

/// What it has instead of frames.
pub(in crate::ws) struct Plain {
    ch: String,
    /// Whether the client said who it is. If not, nobody will ask for what it acknowledged.
    known: bool,
    /// The newest message that it has acknowledged, until that is stored.
    acked: Option<MessageId>,
}

impl Connection {
    /// Does what the request itself asks for.
    pub(in crate::ws) async fn open(&mut self, opening: Opening) -> Result<(), End> {
        let Opening::Plain(request) = opening else { return Ok(()) };
        let known = request.client_id.is_some();
        self.plain = Some(Box::new(Plain { ch: request.ch.clone(), known, acked: None }));
        let begin = match request.last_message_id {
            Some(id) => Begin::AfterId(id),
            None => Begin::Stored { otherwise: StartAt::Start },
        };
        // There is no credit: a client that is slow to read is what slows its replay.
        self.subscribe(request.ch, begin, u64::MAX, None).await
    }

    pub(in crate::ws) async fn read_plain(&mut self, text: &str) -> Result<(), End> {
        let Some(plain) = &mut self.plain else { return Ok(()) };
        match plain::parse(text) {
            Ok(FromPlain::Ack(id)) => plain.acked = plain.acked.max(Some(id)).filter(|_| plain.known),
            Ok(FromPlain::Cast(data)) => {
                let ch = plain.ch.clone();
                self.cast(&ch, data).await?;
            }
            Ok(FromPlain::Nothing) => {}
            Err(problem) => return self.refuse(close::BAD_FRAME, "bad_frame", problem.into()).await,
        }
        Ok(())
    }

    /// Turns the acknowledged id into the position that is stored. One that the log does not know is no position.
    pub(in crate::ws) async fn locate_acked(&mut self) {
        let Some(plain) = &mut self.plain else { return };
        let Some(id) = plain.acked.take() else { return };
        match self.app.store.locate(&plain.ch, id).await {
            Ok(position) if position.id == Some(id) => self.acks.note(plain.ch.clone(), position),
            Ok(_) => {}
            Err(e) => {
                plain.acked = Some(id);
                if !e.is_reported() {
                    warn!("an acknowledged message could not be looked up: {e}");
                }
            }
        }
    }
}
