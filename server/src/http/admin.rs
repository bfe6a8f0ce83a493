//! What only demonstrations offer (`--demo`): disconnecting a client.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::http::api::{ApiError, authorise, fail};
use crate::state::App;

/// The query of [`disconnect`].
#[derive(Deserialize)]
pub struct DisconnectQuery {
    client_id: String,
}

/// `POST /debug/drop?client_id=…` (with `--demo` only): cuts the client's sockets without a close frame.
pub async fn disconnect(
    State(app): State<Arc<App>>,
    query: Result<Query<DisconnectQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<serde_json::Value>, ApiError> {
    authorise(&app, &headers)?;
    let Query(query) = query.map_err(|e| fail(StatusCode::BAD_REQUEST, "bad_query", e.body_text()))?;
    Ok(Json(serde_json::json!({ "dropped": app.connections.cut(&query.client_id) })))
}
