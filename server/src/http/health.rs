//! What operators look at: whether the server is well, and its metrics.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::log::Health;
use crate::state::App;

/// The type of OpenMetrics, which Prometheus reads.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /healthz`: whether the process is alive. Always 200: if it were not alive, there would be no answer. A restart
/// would not cure what is degraded here.
pub async fn alive(State(app): State<Arc<App>>) -> Json<Value> {
    Json(report(&app).1)
}

/// `GET /readyz`: whether to send it new clients. 503 while the log is unavailable, and during a drain.
pub async fn ready(State(app): State<Arc<App>>) -> (StatusCode, Json<Value>) {
    let (ready, report) = report(&app);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(report))
}

fn report(app: &App) -> (bool, Value) {
    let health = app.store.health().borrow().clone();
    match health {
        Health::Degraded(why) => (false, json!({ "status": "degraded", "log": why })),
        Health::Ok if app.draining.borrow().is_some() => {
            (false, json!({ "status": "draining", "log": "ok" }))
        }
        Health::Ok => (true, json!({ "status": "ok", "log": "ok" })),
    }
}

/// `GET /metrics`.
pub async fn metrics(State(app): State<Arc<App>>) -> Response {
    let log_up = *app.store.health().borrow() == Health::Ok;
    app.metrics.sample(app.connections.open(), app.hub.waiting_bytes(), log_up);
    match app.metrics.encode() {
        Ok(text) => ([(header::CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(), // writing to a String does not fail
    }
}
