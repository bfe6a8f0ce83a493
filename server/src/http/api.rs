//! Publishing and reading over HTTP: for backends, which need no WebSocket.

use std::sync::Arc;

use axum::Extension;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use seamline::wire::{MessageId, code};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::error::ApiError;
use crate::auth::{Action, User};
use crate::limits::names;
use crate::limits::rate::RateLimitKey;
use crate::log::{Append, ChannelState, PageLimit, StoreError};
use crate::net::proxy::{Peer, client_ip};
use crate::refusal::Refusal;
use crate::state::App;

/// The most bytes of payload in a page; the client asks for the next one.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The most messages in a page.
const PAGE_MESSAGES_MAX: u64 = 1000;
/// How many messages a page has if the client does not say.
const PAGE_MESSAGES_DEFAULT: u64 = 100;

/// The answer to a publication.
#[derive(Serialize)]
pub struct Published {
    id: MessageId,
    offset: u64,
}

/// `POST /channels/{ch}/messages`: 201 for a new message, 200 for one that is stored under this key already.
pub async fn publish(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Published>), ApiError> {
    let published = store(&app, peer, path, headers, body).await;
    published.inspect_err(|error| app.metrics.refused(error.code()))
}

async fn store(
    app: &App,
    peer: Peer,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Published>), ApiError> {
    let user = authenticate(app, &headers)?;
    let ch = channel(path)?;
    check_grant(&user, Action::Write, &ch)?;
    let key = idempotency_key(&headers)?;
    app.rate_limits
        .take(rate_limit_key(app, &user, peer, &headers), Instant::now())
        .map_err(Refusal::too_fast)?;
    authorize(app, &user, Action::Write, &ch).await?;
    let data = payload(body, app.config.max_frame_bytes)?;
    let failed = |e: StoreError| Refusal::not_stored(&e, &ch);
    let append = Append { ch: ch.clone(), key, data };
    let appended = app.store.submit(append).await.map_err(failed)?.await.map_err(failed)?;
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
    let user = authenticate(&app, &headers)?;
    let ch = channel(path)?;
    check_grant(&user, Action::Read, &ch)?;
    authorize(&app, &user, Action::Read, &ch).await?;
    let Query(query) = query.map_err(bad_query)?;
    let limit = query.limit.unwrap_or(PAGE_MESSAGES_DEFAULT);
    if !(1..=PAGE_MESSAGES_MAX).contains(&limit) {
        let message = format!("`limit` is {limit}; it must be from 1 to {PAGE_MESSAGES_MAX}");
        return Err(Refusal::new(code::BAD_QUERY, message).into());
    }
    let limit = PageLimit { messages: limit as usize, bytes: PAGE_BYTES_MAX };
    let failed = |e: StoreError| Refusal::log_failed(&e, &ch);
    let page = app.store.read(&ch, query.after.into(), limit).await.map_err(failed)?;
    let messages = page.messages.into_iter().map(|message| {
        let data = RawValue::from_string(message.data.to_string())?;
        Ok(ReadMessage { id: message.id, offset: message.offset, data })
    });
    let not_json = |e: serde_json::Error| failed(StoreError::Failed(e.to_string()));
    let messages = messages.collect::<Result<_, _>>().map_err(not_json)?;
    Ok(Json(ReadPage { epoch: page.info.epoch, first: page.info.first, head: page.info.head, messages }))
}

/// The answer of [`state`].
#[derive(Serialize)]
pub struct ChannelSummary {
    epoch: String,
    first: u64,
    head: u64,
    last_id: Option<MessageId>,
}

/// `GET /channels/{ch}`: the ends of the log, from which a backend makes a position. It creates no channel.
pub async fn state(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Json<ChannelSummary>, ApiError> {
    let user = authenticate(&app, &headers)?;
    let ch = channel(path)?;
    check_grant(&user, Action::Read, &ch)?;
    authorize(&app, &user, Action::Read, &ch).await?;
    let found = app.store.peek(&ch).await.map_err(|e| Refusal::log_failed(&e, &ch))?;
    let ChannelState { info, last_id } = found.ok_or_else(|| Refusal::unknown_channel(&ch))?;
    Ok(Json(ChannelSummary { epoch: info.epoch, first: info.first, head: info.head, last_id }))
}

/// Whose request it is, by its bearer token.
pub(super) fn authenticate(app: &App, headers: &HeaderMap) -> Result<User, Refusal> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let scheme = bearer.and_then(|value| value.split_once(' '));
    let token = scheme.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token);
    app.auth.authenticate(token)
}

/// A query that cannot be read.
pub(super) fn bad_query(e: QueryRejection) -> Refusal {
    Refusal::new(code::BAD_QUERY, e.body_text())
}

fn check_grant(user: &User, action: Action, ch: &str) -> Result<(), ApiError> {
    user.check_grant(action, ch).map_err(|refusal| ApiError::in_channel(refusal, ch))
}

async fn authorize(app: &App, user: &User, action: Action, ch: &str) -> Result<(), ApiError> {
    let authorized = app.auth.authorize(&user.name, action, ch).await;
    authorized.map_err(|refusal| ApiError::in_channel(refusal, ch))
}

fn rate_limit_key(app: &App, user: &User, peer: Peer, headers: &HeaderMap) -> RateLimitKey {
    match app.config.asks_for_tokens() {
        true => RateLimitKey::User(user.name.clone()),
        false => RateLimitKey::Address(client_ip(peer.0, headers, app.config.trust_forwarded_for)),
    }
}

fn channel(path: Result<Path<String>, PathRejection>) -> Result<String, Refusal> {
    let Path(ch) = path.map_err(|e| Refusal::new(code::BAD_CHANNEL, e.body_text()))?;
    names::check_channel(&ch)?;
    Ok(ch)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let not_ascii = |_| Refusal::new(code::BAD_KEY, "`Idempotency-Key` must be visible ASCII");
    let key = value.to_str().map_err(not_ascii)?;
    names::check_key(key)?;
    Ok(Some(key.to_owned()))
}

fn payload(body: Result<Bytes, BytesRejection>, bytes_max: u64) -> Result<Arc<str>, Refusal> {
    let body = body.map_err(|e| match e.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Refusal::new(code::TOO_LARGE, format!("the body is too large; the limit is {bytes_max} bytes"))
        }
        _ => Refusal::new(code::BAD_BODY, e.body_text()),
    })?;
    let not_json = |e| Refusal::new(code::BAD_JSON, format!("the body is not JSON: {e}"));
    let data: Box<RawValue> = serde_json::from_slice(&body).map_err(not_json)?;
    Ok(Box::<str>::from(data).into())
}
