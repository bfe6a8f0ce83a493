//! What a socket yields, sorted.

use seamline::wire::close;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WsError, ProtocolError};
use tokio_tungstenite::tungstenite::{Message as Wire, Utf8Bytes};

use super::end::End;
use crate::state::App;

/// What came from a socket that goes on.
pub(in crate::ws) enum Received {
    Text(Utf8Bytes),
    /// A ping, or its answer: a sign of life.
    Sign,
}

/// Sorts what a socket yields.
pub(in crate::ws) fn received(item: Option<Result<Wire, WsError>>, app: &App) -> Result<Received, End> {
    match item {
        Some(Ok(Wire::Text(text))) => Ok(Received::Text(text)),
        Some(Ok(Wire::Ping(_) | Wire::Pong(_) | Wire::Frame(_))) => Ok(Received::Sign),
        Some(Ok(Wire::Binary(_))) => Err(End::close(close::BAD_FRAME, "frames are text, not binary")),
        Some(Err(WsError::Capacity(CapacityError::MessageTooLong { .. }))) => {
            let reason = format!("a frame may have {} bytes", app.config.max_frame_bytes);
            Err(End::Unreadable { code: close::TOO_BIG, reason })
        }
        Some(Err(WsError::Protocol(e))) if e != ProtocolError::ResetWithoutClosingHandshake => {
            // Also bits that only extensions may set, and none was agreed on: a compressed frame is never unpacked.
            let reason = format!("not a frame of RFC 6455: {e}");
            Err(End::Unreadable { code: close::BAD_FRAME, reason })
        }
        Some(Err(WsError::Utf8(_))) => Err(End::close(close::BAD_FRAME, "the frame is not UTF-8")),
        Some(Ok(Wire::Close(_)) | Err(_)) | None => Err(End::Gone),
    }
}
