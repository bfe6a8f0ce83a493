//! What operators look at: whether the server is well, and its metrics.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::exposition::Format;
use crate::log::Health;
use crate::state::App;

/// `GET /healthz`: whether the process is alive. Always 200: if it were not alive, there would be no answer. A restart
/// would not cure what is degraded here.
pub async fn alive(State(app): State<Arc<App>>) -> Json<Value> {
    Json(report(&app).1)
}

/// `GET /readyz`: whether to send it new clients. 503 while the log is unavailable, and from the signal on that ends
/// the server. While a part of the log works, it is 200: no server would do better.
pub async fn ready(State(app): State<Arc<App>>) -> (StatusCode, Json<Value>) {
    let (ready, report) = report(&app);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(report))
}

/// `GET /readyz` while file descriptors are scarce. New clients would be refused.
pub async fn overloaded(State(app): State<Arc<App>>) -> (StatusCode, Json<Value>) {
    let (ready, mut report) = report(&app);
    if ready {
        report["status"] = "overloaded".into();
    }
    (StatusCode::SERVICE_UNAVAILABLE, Json(report))
}

fn report(app: &App) -> (bool, Value) {
    let health = app.store.health().borrow().clone();
    match health {
        Health::Degraded(why) => (false, json!({ "status": "degraded", "log": why })),
        Health::Ok | Health::Partial(_) if app.phase.borrow().is_ending() => {
            (false, json!({ "status": "draining", "log": "ok" }))
        }
        Health::Partial(why) => (true, json!({ "status": "partial", "log": why })),
        Health::Ok => (true, json!({ "status": "ok", "log": "ok" })),
    }
}

/// `GET /metrics`, in the format that `Accept` asks for.
pub async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let format = Format::preferred(&headers);
    app.metrics.sample(&app);
    match app.metrics.encode() {
        Ok(text) => {
            let described = [(header::CONTENT_TYPE, format.content_type()), (header::VARY, "accept")];
            (described, format.convert(text)).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(), // writing to a String does not fail
    }
}
