//! Channels: listed, read, trimmed and deleted.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use bytes::Bytes;
use seamline::wire::code;
use serde::{Deserialize, Serialize};
use tracing::info;

use crate::http::api::channel;
use crate::http::error::ApiError;
use crate::http::read::{self, ChannelSummary, ReadPage, ReadQuery};
use crate::log::{ChannelList, StoreError};
use crate::refusal::Refusal;
use crate::state::App;

/// The query of [`list`].
#[derive(Deserialize)]
pub(super) struct ListQuery {
    cursor: Option<String>,
    limit: Option<u64>,
}

/// A page of channels.
#[derive(Serialize)]
pub(super) struct Channels {
    channels: Vec<String>,
    /// The `cursor` of the next page; `None` if this is the last one.
    next: Option<String>,
}

/// `GET /admin/channels?cursor=&limit=<1..1000>`.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Channels>, ApiError> {
    let ListQuery { cursor, limit } = read::query(query)?;
    let limit = read::page_items("limit", limit)?;
    let refusal = |e: StoreError| match e {
        StoreError::BadCursor(_) => Refusal::new(code::BAD_QUERY, e),
        e => Refusal::log_failed(&e, ""),
    };
    let ChannelList { channels, next } = app.store.list(cursor, limit).await.map_err(refusal)?;
    Ok(Json(Channels { channels, next }))
}

/// `GET /admin/channels/{ch}`: the ends of its log.
pub(super) async fn ends(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<ChannelSummary>, ApiError> {
    Ok(Json(read::ends(&app, &channel(path)?).await?))
}

/// `GET /admin/channels/{ch}/messages`, with `after`, `before` or `last`, and `limit`.
pub(super) async fn messages(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<ReadQuery>, QueryRejection>,
) -> Result<Json<ReadPage>, ApiError> {
    Ok(Json(read::page(&app, &channel(path)?, &read::query(query)?).await?))
}

/// `DELETE /admin/channels/{ch}`.
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    let ch = channel(path)?;
    let existed = app.store.delete(&ch).await.map_err(|e| Refusal::log_failed(&e, &ch))?;
    if !existed {
        return Err(Refusal::unknown_channel(&ch).into());
    }
    info!(ch, "an administrator deleted a channel");
    Ok(StatusCode::NO_CONTENT)
}

/// The body of [`trim`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Trim {
    #[serde(deserialize_with = "super::integer")]
    through: u64,
}

/// `POST /admin/channels/{ch}/trim`: drops the messages up to an offset.
pub(super) async fn trim(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<ChannelSummary>, ApiError> {
    let ch = channel(path)?;
    let Trim { through } = super::json(body, super::BODY_BYTES_MAX)?;
    let trimmed = app.store.trim_channel(&ch, through).await.map_err(|e| Refusal::log_failed(&e, &ch))?;
    trimmed.ok_or_else(|| Refusal::unknown_channel(&ch))?;
    info!(ch, through, "an administrator trimmed a channel");
    Ok(Json(read::ends(&app, &ch).await?))
}
