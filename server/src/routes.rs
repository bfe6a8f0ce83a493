//! The paths that the server answers.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Router, middleware};
use tower_http::services::ServeDir;
use tower_http::timeout::TimeoutLayer;

use crate::http::{admin, api, health};
use crate::net::origin;
use crate::state::App;
use crate::ws;

/// All of them.
pub fn router(app: Arc<App>) -> Router {
    // For reading the body and for the log, which answers or gives up well within it.
    let request_timeout = Duration::from_millis(app.config.request_timeout_ms);
    let body_bytes_max = usize::try_from(app.config.max_frame_bytes).unwrap_or(usize::MAX);
    let mut routes = Router::new()
        .route("/channels/{ch}", get(api::state))
        .route("/channels/{ch}/messages", post(api::publish).get(api::read));
    if app.config.demo {
        routes = routes.route("/debug/drop", post(admin::disconnect));
    }
    let routes = routes
        .layer(DefaultBodyLimit::max(body_bytes_max))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, request_timeout))
        .layer(origin::cors())
        .route("/ws", get(ws::upgrade))
        .layer(middleware::from_fn_with_state(app.origins.clone(), origin::check));
    let mut router = routes
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .with_state(app.clone());
    if let Some(www) = &app.config.www {
        router = router.fallback_service(ServeDir::new(www));
    }
    router
}
