//! The admin API, on a port of its own (`--admin-listen`), with health and metrics. `openapi.json` describes it, and the
//! HTTP API as well.

mod access;
mod channels;
mod connections;
mod publish;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::extract::rejection::BytesRejection;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Router, middleware};
use bytes::Bytes;
use seamline::wire::code;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Number;
use tower_http::timeout::TimeoutLayer;

use crate::http::{api, health, observe};
use crate::refusal::Refusal;
use crate::state::App;
use crate::trace;

/// The description of the HTTP API and the admin API.
pub const OPENAPI: &str = include_str!("openapi.json");

/// The largest body of a publication to many channels …
const PUBLISH_BYTES_MAX: usize = 16 * 1024 * 1024;
/// … and of another request.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// The paths of the admin port.
pub fn router(app: Arc<App>) -> Router {
    let request_timeout = Duration::from_millis(app.config.request_timeout_ms);
    let publish = trace::traced("/admin/publish", post(publish::publish));
    Router::new()
        .route("/admin/connections", get(connections::list))
        .route("/admin/connections/disconnect", post(connections::disconnect))
        .route("/admin/publish", publish.layer(DefaultBodyLimit::max(PUBLISH_BYTES_MAX)))
        .route("/admin/channels", get(channels::list))
        .route("/admin/channels/{ch}", get(channels::ends).delete(channels::delete))
        .route("/admin/channels/{ch}/messages", get(channels::messages))
        .route("/admin/channels/{ch}/trim", post(channels::trim))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, request_timeout))
        .layer(middleware::from_fn_with_state(app.clone(), access::check_token))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/openapi.json", get(openapi))
        .layer(middleware::from_fn_with_state(app.clone(), access::check_sender))
        .layer(middleware::from_fn_with_state(app.clone(), observe::observe))
        .with_state(app)
}

async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI)
}

/// A field that may be left out, but not be `null`: with a `null` that was meant as a name, a request would match more
/// than it should.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

/// A whole number: `131`, or `131.0`, which is the same in JSON and what some languages write.
fn integer<'de, D: Deserializer<'de>>(value: D) -> Result<u64, D::Error> {
    /// 2^64. Below it, a whole number in floating point is exact as an integer.
    const END: f64 = 18_446_744_073_709_551_616.0;
    let number = Number::deserialize(value)?;
    let is_whole = |float: &f64| float.fract() == 0.0 && (0.0..END).contains(float);
    let from_float = || number.as_f64().filter(is_whole).map(|float| float as u64);
    let invalid = || D::Error::custom(format!("invalid value: {number}, expected a whole number from 0"));
    number.as_u64().or_else(from_float).ok_or_else(invalid)
}

/// [`present`] for an [`integer`].
fn present_integer<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u64>, D::Error> {
    integer(value).map(Some)
}

/// A body of JSON, and the limit of its size.
fn json<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>, bytes_max: usize) -> Result<T, Refusal> {
    let body = api::body(body, bytes_max as u64)?;
    let invalid = |e| Refusal::new(code::BAD_JSON, format!("the body is not what the request needs: {e}"));
    serde_json::from_slice(&body).map_err(invalid)
}
