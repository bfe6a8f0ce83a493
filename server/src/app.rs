//! What the parts of a running server share, and the paths it answers.

use std::sync::Arc;

use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Router, middleware};
use tokio::sync::watch;
use tower_http::services::ServeDir;
use tower_http::timeout::TimeoutLayer;

use crate::auth::Auth;
use crate::config::Config;
use crate::connections::Connections;
use crate::hub::Hub;
use crate::log::Log;
use crate::metrics::{self, Metrics};
use crate::origin::{self, Origins};
use crate::pace::Paces;
use crate::shutdown::Drain;
use crate::{health, http, ws};

/// Shared by everything that serves.
pub struct App {
    /// The command line.
    pub config: Config,
    /// Where messages are kept.
    pub log: Arc<dyn Log>,
    /// Where they come from, live.
    pub hub: Arc<Hub>,
    /// Who may come in.
    pub auth: Arc<Auth>,
    /// What is counted.
    pub metrics: Metrics,
    /// Which pages may ask.
    pub origins: Origins,
    /// Who is in.
    pub connections: Arc<Connections>,
    /// How fast they publish over HTTP.
    pub paces: Paces,
    /// Has a drain when the server is about to go.
    pub draining: watch::Receiver<Option<Drain>>,
}

/// The paths.
pub fn router(app: Arc<App>) -> Router {
    // For the body and what the log takes; the log answers, or gives up, well within it.
    let request_timeout = Duration::from_millis(app.config.request_timeout_ms);
    let body_bytes_max = usize::try_from(app.config.max_frame_bytes).unwrap_or(usize::MAX);
    let mut api = Router::new().route("/channels/{ch}/messages", post(http::publish).get(http::read));
    if app.config.demo {
        api = api.route("/debug/drop", post(http::cut));
    }
    let api = api
        .layer(DefaultBodyLimit::max(body_bytes_max))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, request_timeout))
        .layer(origin::cors())
        .route("/ws", get(ws::upgrade))
        .layer(middleware::from_fn_with_state(app.clone(), origin::guard));
    let mut router = api
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::metrics))
        .with_state(app.clone());
    if let Some(www) = &app.config.www {
        router = router.fallback_service(ServeDir::new(www));
    }
    router
}
