//! Publishing and reading over HTTP: for backends, which need no WebSocket.

use std::sync::Arc;

use axum::Extension;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use seamline::wire::{MessageId, code};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::error::ApiError;
use super::read::{self, ChannelSummary, ReadPage, ReadQuery};
use crate::auth::{Action, User};
use crate::limits::names;
use crate::limits::rate::RateLimitKey;
use crate::log::{Append, StoreError};
use crate::net::proxy::{Peer, address_or_network};
use crate::refusal::Refusal;
use crate::state::App;
use crate::trace;

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
    trace: trace::Context,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Published>), ApiError> {
    let published = store(&app, peer, path, headers, &trace, body).await;
    published.inspect_err(|error| {
        app.metrics.refused(error.code());
        trace.refused(error.code());
    })
}

async fn store(
    app: &App,
    peer: Peer,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    trace: &trace::Context,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Published>), ApiError> {
    let arrived = Instant::now();
    let user = authenticate(app, &headers).await?;
    let ch = channel(path)?;
    check_grant(&user, Action::Write, &ch)?;
    let key = idempotency_key(&headers)?;
    app.rate_limits
        .take(rate_limit_key(app, &user, peer, &headers), arrived)
        .map_err(|wait| ApiError::from(Refusal::too_fast(wait)).of(&user))?;
    authorize(app, &user, Action::Write, &ch).await?;
    let data = payload(body, app.config.max_frame_bytes)?;
    let failed = |e: StoreError| Refusal::not_stored(&e, &ch);
    let append = Append { ch: ch.clone(), key, data, trace: trace.clone() };
    let submitted = Instant::now();
    let appended = trace::submit(&*app.store, append).await.map_err(failed)?.await.map_err(failed)?;
    app.metrics.published(appended.duplicate, arrived.into_std(), submitted.into_std());
    let status = if appended.duplicate { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(Published { id: appended.id, offset: appended.offset })))
}

/// `GET /channels/{ch}/messages`, with `after`, `before` or `last`, and `limit`.
pub async fn read(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<ReadQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<ReadPage>, ApiError> {
    let ch = readable(&app, path, &headers).await?;
    Ok(Json(read::page(&app, &ch, &read::query(query)?).await?))
}

/// `GET /channels/{ch}`: the ends of the log, from which a backend makes a position. It creates no channel.
pub async fn state(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Json<ChannelSummary>, ApiError> {
    let ch = readable(&app, path, &headers).await?;
    Ok(Json(read::ends(&app, &ch).await?))
}

/// The channel of a request that may read it.
async fn readable(
    app: &App,
    path: Result<Path<String>, PathRejection>,
    headers: &HeaderMap,
) -> Result<String, ApiError> {
    let user = authenticate(app, headers).await?;
    let ch = channel(path)?;
    check_grant(&user, Action::Read, &ch)?;
    authorize(app, &user, Action::Read, &ch).await?;
    Ok(ch)
}

/// Whose request it is, by its bearer token.
pub(super) async fn authenticate(app: &App, headers: &HeaderMap) -> Result<User, Refusal> {
    app.auth.authenticate(bearer(headers)).await
}

/// The bearer token.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

fn check_grant(user: &User, action: Action, ch: &str) -> Result<(), ApiError> {
    user.check_grant(action, ch).map_err(|refusal| ApiError::in_channel(refusal, ch).of(user))
}

async fn authorize(app: &App, user: &User, action: Action, ch: &str) -> Result<(), ApiError> {
    let authorized = app.auth.authorize(&user.name, action, ch).await;
    authorized.map_err(|refusal| ApiError::in_channel(refusal, ch).of(user))
}

fn rate_limit_key(app: &App, user: &User, peer: Peer, headers: &HeaderMap) -> RateLimitKey {
    match app.config.asks_for_tokens() {
        true => RateLimitKey::User(user.name.to_string()),
        false => RateLimitKey::Address(address_or_network(app.proxies.client(peer.0.ip(), headers))),
    }
}

/// The channel that a path names.
pub(crate) fn channel(path: Result<Path<String>, PathRejection>) -> Result<String, Refusal> {
    let Path(ch) = path.map_err(|e| Refusal::new(code::BAD_CHANNEL, e.body_text()))?;
    names::check_channel(&ch)?;
    Ok(ch)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let not_ascii = || Refusal::new(code::BAD_KEY, "`Idempotency-Key` must be visible ASCII, with spaces");
    let key = value.to_str().ok().filter(|key| !key.contains('\t')).ok_or_else(not_ascii)?;
    names::check_key(key)?;
    Ok(Some(key.to_owned()))
}

/// A request's body.
pub(crate) fn body(body: Result<Bytes, BytesRejection>, bytes_max: u64) -> Result<Bytes, Refusal> {
    body.map_err(|e| match e.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Refusal::new(code::TOO_LARGE, format!("the body is too large; the limit is {bytes_max} bytes"))
        }
        _ => Refusal::new(code::BAD_BODY, e.body_text()),
    })
}

fn payload(body: Result<Bytes, BytesRejection>, bytes_max: u64) -> Result<Arc<str>, Refusal> {
    let body = self::body(body, bytes_max)?;
    let not_json = |e| Refusal::new(code::BAD_JSON, format!("the body is not JSON: {e}"));
    let data: Box<RawValue> = serde_json::from_slice(&body).map_err(not_json)?;
    Ok(Box::<str>::from(data).into())
}
