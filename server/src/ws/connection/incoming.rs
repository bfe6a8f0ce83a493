//! Incoming frames: what the socket yields, and what each frame asks for.

use seamline::wire::{ClientFrame, Position, StartAt, close, code};
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WsError, ProtocolError};
use tokio_tungstenite::tungstenite::{Message as Wire, Utf8Bytes};
use tracing::info;

use super::Connection;
use super::end::End;
use crate::limits::names;
use crate::refusal::Refusal;
use crate::refusal::reason::Reason;
use crate::state::App;
use crate::ws::dialect::frames::{self, FromClient, ParseError, ToClient};
use crate::ws::feed::credit::Credit;
use crate::ws::feed::start_point::RequestedStart;

/// What came from a socket that stays open.
pub(super) enum Incoming {
    Text(Utf8Bytes),
    /// A ping or a pong: it only shows that the client is alive.
    Heartbeat,
}

/// Classifies what a socket yields.
pub(super) fn classify(item: Option<Result<Wire, WsError>>, app: &App) -> Result<Incoming, End> {
    match item {
        Some(Ok(Wire::Text(text))) => Ok(Incoming::Text(text)),
        Some(Ok(Wire::Ping(_) | Wire::Pong(_) | Wire::Frame(_))) => Ok(Incoming::Heartbeat),
        Some(Ok(Wire::Binary(_))) => {
            Err(End::refuse(Reason::Frame, close::BAD_FRAME, "the frame is binary; frames must be text"))
        }
        Some(Err(WsError::Capacity(CapacityError::MessageTooLong { .. }))) => {
            let max = app.config.max_frame_bytes;
            let reason = format!("the frame is too large; the limit is {max} bytes");
            Err(End::Unreadable { code: close::TOO_BIG, reason, refused: Reason::TooLarge })
        }
        Some(Err(WsError::Protocol(e))) if e != ProtocolError::ResetWithoutClosingHandshake => {
            // Includes bits that only extensions may set. None was agreed on, so a compressed frame is never unpacked.
            let reason = format!("not a frame of RFC 6455: {e}");
            Err(End::Unreadable { code: close::BAD_FRAME, reason, refused: Reason::Frame })
        }
        Some(Err(WsError::Utf8(_))) => {
            Err(End::refuse(Reason::Frame, close::BAD_FRAME, "the frame is not UTF-8"))
        }
        Some(Ok(Wire::Close(_)) | Err(_)) | None => Err(End::Gone),
    }
}

impl Connection {
    pub(super) async fn receive(&mut self, item: Option<Result<Wire, WsError>>) -> Result<(), End> {
        let done = match classify(item, &self.app)? {
            Incoming::Text(text) => match self.plain.is_some() {
                true => self.read_plain(&text).await,
                false => self.read(&text).await,
            },
            Incoming::Heartbeat => Ok(()),
        };
        // Afterwards: the time that this took is not the client's silence.
        self.heartbeat.heard();
        done
    }

    async fn read(&mut self, text: &str) -> Result<(), End> {
        match frames::parse(text) {
            Ok(FromClient::Core(frame)) => self.handle(frame).await,
            Ok(FromClient::Read(read)) => self.read_history(read).await,
            Err(ParseError::UnknownOp(op)) => {
                let op = names::truncated(op);
                info!(
                    client = self.registered.entry.owner.client_id,
                    op, "ignored a frame with an unknown op"
                );
                let message = format!("the op `{op}` is unknown; the frame was ignored");
                self.answer_err(&Refusal::new(code::UNKNOWN_OP, message), None).await
            }
            Err(ParseError::Malformed(problem)) => self.refuse(Refusal::bad_frame(problem)).await,
        }
    }

    async fn handle(&mut self, frame: ClientFrame<Box<RawValue>>) -> Result<(), End> {
        match frame {
            ClientFrame::Hello { .. } => {
                self.refuse(Refusal::bad_frame("`hello` was sent already; send it only once")).await
            }
            ClientFrame::Sub { ch, position, from, credit, ahead, reference } => {
                let start = match (position, from) {
                    (Some(Position { epoch, offset, id }), _) => {
                        RequestedStart::After(Position { epoch: names::bounded_epoch(epoch), offset, id })
                    }
                    (None, Some(end)) => RequestedStart::At(end),
                    (None, None) => RequestedStart::Stored { otherwise: StartAt::Tail },
                };
                self.subscribe(ch, start, Credit::new(credit, ahead), reference).await
            }
            ClientFrame::More { ch, credit } => {
                if let Some(link) = self.registered.entry.subscriptions.link(&ch) {
                    link.credit.grant(credit);
                }
                Ok(())
            }
            ClientFrame::Unsub { ch } => {
                self.unsubscribe(&ch).await;
                Ok(())
            }
            ClientFrame::Pub { ch, key, data } => self.publish(ch, key, data).await,
            ClientFrame::Cast { ch, data } => self.cast(&ch, data).await,
            ClientFrame::Ack { ch, epoch, offset, id } => {
                self.record_ack(ch, Position { epoch, offset, id });
                Ok(())
            }
            ClientFrame::Token { token } => match self.app.auth.renew(&mut self.user, &token).await {
                Ok(()) => {
                    self.expiry_step = None; // it may expire sooner
                    self.end_forbidden_subscriptions().await
                }
                Err(refusal) => self.refuse(refusal).await,
            },
            ClientFrame::Ping => Ok(self.out.answer(&ToClient::Pong).await?),
        }
    }

    /// Sends an `err` about a channel, or about nothing in particular.
    pub(super) async fn answer_err(&mut self, refusal: &Refusal, ch: Option<&str>) -> Result<(), End> {
        self.record(refusal);
        Ok(self.out.answer(&frames::err(refusal, ch, None)).await?)
    }

    /// Sends an `err`, and closes.
    pub(super) async fn refuse(&mut self, refusal: Refusal) -> Result<(), End> {
        self.out.answer(&frames::err(&refusal, None, None)).await?;
        Err(refusal.into()) // which is counted when the connection ends
    }

    /// Counts and logs a refusal that does not end the connection.
    pub(super) fn record(&self, refusal: &Refusal) {
        self.app.refusals.record_of(self.guard.address, &self.user.name, refusal);
    }
}
