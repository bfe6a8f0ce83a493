//! What the server says of itself to whoever watches over it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::log::Health;
use crate::state::App;

/// `GET /healthz`: whether the process lives. It does, or there would be no answer: always 200. What is
/// degraded here is not made better by a restart.
pub async fn alive(State(app): State<Arc<App>>) -> Json<Value> {
    Json(report(&app).1)
}

/// `GET /readyz`: whether it should be sent new clients. 503 while the log is away, and while it drains.
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
