//! The paths that the server answers.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Router, middleware};
use tower_http::services::ServeDir;
use tower_http::timeout::TimeoutLayer;

use crate::http::error::ApiError;
use crate::http::{api, demo, health, observe};
use crate::net::origin;
use crate::refusal::Refusal;
use crate::state::App;
use crate::trace;
use crate::ws;

/// What is answered while file descriptors are scarce: health checks, and metrics on the port that has them. Anything
/// else is refused.
pub fn overloaded(app: Arc<App>, has_metrics: bool) -> Router {
    let router = Router::new()
        .fallback(async || ApiError::from(Refusal::overloaded()))
        .layer(middleware::from_fn_with_state(app.clone(), observe::observe))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::overloaded));
    let router = if has_metrics { router.route("/metrics", get(health::metrics)) } else { router };
    router.with_state(app)
}

/// All of them.
pub fn router(app: Arc<App>) -> Router {
    // For reading the body and for the log, which answers or gives up well within it.
    let request_timeout = Duration::from_millis(app.config.request_timeout_ms);
    let body_bytes_max = usize::try_from(app.config.max_frame_bytes).unwrap_or(usize::MAX);
    let publish = trace::traced("/channels/{ch}/messages", post(api::publish));
    let mut routes = Router::new()
        .route("/channels/{ch}", get(api::state))
        .route("/channels/{ch}/messages", publish.get(api::read));
    if app.config.demo {
        routes = routes.route("/debug/drop", post(demo::disconnect));
    }
    let routes = routes
        .layer(DefaultBodyLimit::max(body_bytes_max))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, request_timeout))
        .layer(origin::cors())
        .route("/ws", get(ws::upgrade))
        .layer(middleware::from_fn_with_state(app.origins.clone(), origin::check))
        .layer(middleware::from_fn_with_state(app.clone(), observe::observe));
    let mut router = routes.route("/healthz", get(health::alive)).route("/readyz", get(health::ready));
    if app.config.admin_listen.is_none() {
        router = router.route("/metrics", get(health::metrics));
    }
    let mut router = router.with_state(app.clone());
    if let Some(www) = &app.config.www {
        router = router.fallback_service(ServeDir::new(www));
    }
    router
}
