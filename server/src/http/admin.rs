//! For demonstrations (`--demo`): disconnecting a client.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{authenticate, bad_query};
use super::error::ApiError;
use crate::state::App;

/// The query of [`disconnect`].
#[derive(Deserialize)]
pub struct DisconnectQuery {
    client_id: String,
}

/// `POST /debug/drop?client_id=…`: disconnects a client, without a close frame.
pub async fn disconnect(
    State(app): State<Arc<App>>,
    query: Result<Query<DisconnectQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    authenticate(&app, &headers)?;
    let Query(query) = query.map_err(bad_query)?;
    Ok(Json(json!({ "dropped": app.connections.disconnect(&query.client_id) })))
}
