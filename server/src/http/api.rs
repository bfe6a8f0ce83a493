//! Publishing and reading over HTTP: for backends, which have no use for a socket.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use seamline::wire::MessageId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::Instant;
use tracing::error;

use crate::auth::{Action, RETRY_AFTER_MS, User, Verdict};
use crate::limits::names;
use crate::limits::rate::Who;
use crate::log::{Append, PageLimit, StoreError};
use crate::net::proxy::{Peer, client_ip};
use crate::state::App;

/// How much a page may weigh; the client asks on.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// An error, as the API answers it: `{code, message}`, with `ch` or `retry_after_ms` where they say more.
#[derive(Serialize)]
pub struct ApiError {
    #[serde(skip)]
    status: StatusCode,
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ch: Option<String>,
    /// Also as the header `Retry-After`, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

/// A failing log is not asked again at once.
const LOG_RETRY_MS: u64 = 1000;
/// How to authenticate (RFC 6750 §3).
const CHALLENGE: &str = "Bearer realm=\"seamline\"";

pub(super) fn fail(status: StatusCode, code: &'static str, message: impl ToString) -> ApiError {
    ApiError { status, code, message: message.to_string(), ch: None, retry_after_ms: None }
}

fn later(status: StatusCode, code: &'static str, message: &str, retry_after_ms: u64) -> ApiError {
    ApiError { retry_after_ms: Some(retry_after_ms), ..fail(status, code, message) }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(&self)).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        }
        if let Some(wait_ms) = self.retry_after_ms {
            headers.insert(header::RETRY_AFTER, wait_ms.div_ceil(1000).into());
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(e: StoreError) -> Self {
        if !e.is_reported() {
            error!("{e}");
        }
        later(StatusCode::SERVICE_UNAVAILABLE, "log_error", "the log failed; try again later", LOG_RETRY_MS)
    }
}

/// The answer to a publication.
#[derive(Serialize)]
pub struct Published {
    id: MessageId,
    offset: u64,
}

/// `POST /channels/{ch}/messages`: 201 for a new message, 200 for one that this key had stored before.
pub async fn publish(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Published>), ApiError> {
    let published = store(&app, peer, path, headers, body).await;
    published.inspect_err(|refusal| app.metrics.refused(refusal.code))
}

async fn store(
    app: &App,
    peer: Peer,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Published>), ApiError> {
    let user = authorise(app, &headers)?;
    let ch = channel(path)?;
    if !user.access.may_write(&ch) {
        return Err(forbidden("write to", ch));
    }
    let key = idempotency_key(&headers)?;
    not_too_fast(app, &user, peer, &headers)?;
    permitted(app, &user, Action::Write, &ch).await?;
    let body = body.map_err(|e| match e.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let limit = app.config.max_frame_bytes;
            fail(StatusCode::PAYLOAD_TOO_LARGE, "too_large", format!("the limit is {limit} bytes"))
        }
        status => fail(status, "bad_body", e),
    })?;
    let data: Box<RawValue> = serde_json::from_slice(&body)
        .map_err(|e| fail(StatusCode::BAD_REQUEST, "bad_json", format!("the body is not JSON: {e}")))?;
    let append = Append { ch, key, data: Box::<str>::from(data).into() };
    let appended = app.store.submit(append).await?.await?;
    app.metrics.appended.inc_by(u64::from(!appended.duplicate));
    let status = if appended.duplicate { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(Published { id: appended.id, offset: appended.offset })))
}

/// The query of [`read`].
#[derive(Deserialize)]
pub struct ReadQuery {
    #[serde(default)]
    after: u64,
    limit: Option<u64>,
}

/// The answer of [`read`].
#[derive(Serialize)]
pub struct ReadPage {
    epoch: String,
    first: u64,
    head: u64,
    messages: Vec<ReadMessage>,
}

#[derive(Serialize)]
struct ReadMessage {
    id: MessageId,
    offset: u64,
    data: Box<RawValue>,
}

/// `GET /channels/{ch}/messages?after=<offset>&limit=<1..1000>`.
pub async fn read(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<ReadQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<ReadPage>, ApiError> {
    let user = authorise(&app, &headers)?;
    let ch = channel(path)?;
    if !user.access.may_read(&ch) {
        return Err(forbidden("read", ch));
    }
    permitted(&app, &user, Action::Read, &ch).await?;
    let Query(query) = query.map_err(|e| fail(StatusCode::BAD_REQUEST, "bad_query", e.body_text()))?;
    let limit = query.limit.unwrap_or(100);
    if !(1..=1000).contains(&limit) {
        return Err(fail(StatusCode::BAD_REQUEST, "bad_query", "`limit` must be from 1 to 1000"));
    }
    let limit = PageLimit { messages: limit as usize, bytes: PAGE_BYTES_MAX };
    let page = app.store.read(&ch, query.after.into(), limit).await?;
    let messages = page.messages.into_iter().map(|message| {
        let data = RawValue::from_string(message.data.to_string())?;
        Ok(ReadMessage { id: message.id, offset: message.offset, data })
    });
    let messages =
        messages.collect::<Result<_, serde_json::Error>>().map_err(|e| StoreError::Failed(e.to_string()))?;
    Ok(Json(ReadPage { epoch: page.info.epoch, first: page.info.first, head: page.info.head, messages }))
}

pub(super) fn authorise(app: &App, headers: &HeaderMap) -> Result<User, ApiError> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let scheme = bearer.and_then(|value| value.split_once(' '));
    let token = scheme.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token);
    app.auth.check(token).map_err(|refused| fail(StatusCode::UNAUTHORIZED, "unauthorized", refused))
}

fn not_too_fast(app: &App, user: &User, peer: Peer, headers: &HeaderMap) -> Result<(), ApiError> {
    let who = match app.config.asks_for_tokens() {
        true => Who::User(user.name.clone()),
        false => Who::Address(client_ip(peer.0, headers, app.config.trust_forwarded_for)),
    };
    let message = "too many publications; this one is not stored";
    app.paces
        .take(who, Instant::now())
        .map_err(|wait_ms| later(StatusCode::TOO_MANY_REQUESTS, "too_fast", message, wait_ms))
}

/// Whether the authorisation service agrees, where there is one.
async fn permitted(app: &App, user: &User, action: Action, ch: &str) -> Result<(), ApiError> {
    let message = "this user may not do that with this channel";
    match app.auth.ask(&user.name, action, ch).await {
        Verdict::Allowed => Ok(()),
        Verdict::Forbidden => {
            Err(ApiError { ch: Some(ch.into()), ..fail(StatusCode::FORBIDDEN, "forbidden", message) })
        }
        Verdict::Unknown => {
            let message = "what this user may do cannot be found out at the moment; try again later";
            Err(later(StatusCode::SERVICE_UNAVAILABLE, "authorization_error", message, RETRY_AFTER_MS))
        }
    }
}

fn forbidden(what: &str, ch: String) -> ApiError {
    let message = format!("the token does not allow to {what} this channel");
    ApiError { ch: Some(ch), ..fail(StatusCode::FORBIDDEN, "forbidden", message) }
}

fn channel(path: Result<Path<String>, PathRejection>) -> Result<String, ApiError> {
    let Path(ch) = path.map_err(|e| fail(StatusCode::BAD_REQUEST, "bad_channel", e.body_text()))?;
    match names::channel_problem(&ch) {
        None => Ok(ch),
        Some(problem) => Err(fail(StatusCode::BAD_REQUEST, "bad_channel", problem)),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let bad = |problem| fail(StatusCode::BAD_REQUEST, "bad_key", problem);
    let key = value.to_str().map_err(|_| bad("the key must be visible ASCII"))?;
    match names::key_problem(key) {
        None => Ok(Some(key.to_owned())),
        Some(problem) => Err(bad(problem)),
    }
}
