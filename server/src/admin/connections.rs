//! Who is connected, and disconnecting clients.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, State};
use bytes::Bytes;
use seamline::wire::{close, code};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing::info;

use crate::http::error::ApiError;
use crate::http::read::{self, page_items};
use crate::net::shutdown::Drain;
use crate::refusal::Refusal;
use crate::state::App;
use crate::ws::registry::{Disconnect, Entry, Filter};

/// The most bytes that the reason of a close frame may have (RFC 6455 §5.5).
const REASON_BYTES_MAX: usize = 123;
/// Clients wait no longer than this, whatever a server asks for.
const RECONNECT_IN_MS_MAX: u64 = 300_000;

/// The query of [`list`].
#[derive(Deserialize)]
pub(super) struct ListQuery {
    user: Option<String>,
    client_id: Option<String>,
    ch: Option<String>,
    after: Option<u64>,
    limit: Option<u64>,
}

#[derive(Serialize)]
struct Connection {
    id: u64,
    user: String,
    client_id: String,
    address: String,
    since_ms: u64,
    channels: Vec<Followed>,
}

#[derive(Serialize)]
struct Followed {
    ch: String,
    offset: u64,
    live: bool,
}

impl From<&Entry> for Connection {
    fn from(entry: &Entry) -> Self {
        let followed = entry.followed().into_iter();
        Connection {
            id: entry.number,
            user: entry.owner.user.to_string(),
            client_id: entry.owner.client_id.clone(),
            address: entry.address.to_string(),
            since_ms: entry.since_ms,
            channels: followed
                .map(|each| Followed { ch: each.ch.to_string(), offset: each.sent, live: each.live })
                .collect(),
        }
    }
}

/// A page of connections.
#[derive(Serialize)]
pub(super) struct Connections {
    connections: Vec<Connection>,
    /// The `after` of the next page; `None` if this is the last one.
    next: Option<u64>,
}

/// `GET /admin/connections?user=&client_id=&ch=&after=<id>&limit=<1..1000>`.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Connections>, ApiError> {
    let ListQuery { user, client_id, ch, after, limit } = read::query(query)?;
    let limit = page_items("limit", limit)?;
    let filter = Filter { number: None, user, client_id, ch };
    let mut found = app.sockets.list(&filter, after, limit + 1);
    let is_last = found.len() <= limit;
    found.truncate(limit);
    let next = found.last().filter(|_| !is_last).map(|entry| entry.number);
    Ok(Json(Connections { connections: found.iter().map(|entry| (&**entry).into()).collect(), next }))
}

/// The body of [`disconnect`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    #[serde(default, deserialize_with = "super::present_integer")]
    id: Option<u64>,
    #[serde(default, deserialize_with = "super::present")]
    user: Option<String>,
    #[serde(default, deserialize_with = "super::present")]
    client_id: Option<String>,
    #[serde(default, deserialize_with = "super::present")]
    ch: Option<String>,
    then: Then,
    #[serde(default, deserialize_with = "super::present")]
    reason: Option<String>,
    #[serde(default, deserialize_with = "super::present_integer")]
    reconnect_in_ms: Option<u64>,
}

/// What the client does afterwards. The code of the close decides that.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Then {
    /// It reconnects.
    Reconnect,
    /// It asks its application for a fresh token, and reconnects.
    FreshToken,
    /// It stops for good.
    Stop,
}

impl Then {
    fn close_code(self) -> u16 {
        match self {
            Then::Reconnect => close::SERVICE_RESTART,
            Then::FreshToken => close::UNAUTHORIZED,
            Then::Stop => close::FORBIDDEN,
        }
    }
}

/// `POST /admin/connections/disconnect`: disconnects the clients that match all that is named.
pub(super) async fn disconnect(
    State(app): State<Arc<App>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, ApiError> {
    let request: Request = super::json(body, super::BODY_BYTES_MAX)?;
    check(&request)?;
    let Request { id, user, client_id, ch, then, reason, reconnect_in_ms } = request;
    let reason = reason.unwrap_or_else(|| "disconnected by an administrator".into());
    let filter = Filter { number: id, user, client_id, ch };
    let count = app.sockets.disconnect(&filter, |clients| Disconnect::Close {
        code: then.close_code(),
        reason: reason.clone(),
        // As in a drain: if there are many, they do not all come back at once.
        reconnect_in_ms: (then == Then::Reconnect)
            .then(|| reconnect_in_ms.unwrap_or_else(|| Drain::of(clients).draw_reconnect_in_ms())),
    });
    info!(?filter, code = then.close_code(), "an administrator disconnected {count} clients");
    Ok(Json(json!({ "disconnected": count })))
}

fn check(request: &Request) -> Result<(), Refusal> {
    let refuse = |message: String| Err(Refusal::new(code::BAD_BODY, message));
    let Request { id, user, client_id, ch, then, reason, reconnect_in_ms } = request;
    if id.is_none() && user.is_none() && client_id.is_none() && ch.is_none() {
        return refuse("the body names nobody; give `id`, `user`, `client_id` or `ch`".into());
    }
    if let Some(bytes) = reason.as_ref().map(String::len).filter(|bytes| *bytes > REASON_BYTES_MAX) {
        return refuse(format!("`reason` has {bytes} bytes; it may have {REASON_BYTES_MAX}"));
    }
    match reconnect_in_ms {
        Some(ms) if *ms > RECONNECT_IN_MS_MAX => {
            refuse(format!("`reconnect_in_ms` is {ms}; clients wait for {RECONNECT_IN_MS_MAX} at most"))
        }
        Some(_) if *then != Then::Reconnect => {
            refuse("`reconnect_in_ms` needs \"then\": \"reconnect\"; remove one of them".into())
        }
        _ => Ok(()),
    }
}
