//! For demonstrations (`--demo`): disconnecting a client.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::authenticate;
use super::error::ApiError;
use super::read;
use crate::state::App;
use crate::ws::registry::{Disconnect, Filter};

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
    authenticate(&app, &headers).await?;
    let query = read::query(query)?;
    let filter = Filter { client_id: Some(query.client_id), ..Filter::default() };
    Ok(Json(json!({ "dropped": app.sockets.disconnect(&filter, |_| Disconnect::Abort) })))
}
