//! How the HTTP API renders a refusal: a status and `{code, message}`, with `ch` or `retry_after_ms` where they apply.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use seamline::wire::code;
use serde::Serialize;

use crate::auth::User;
use crate::refusal::Refusal;
use crate::refusal::telemetry::Refused;

/// How to authenticate (RFC 6750 §3).
const CHALLENGE: &str = "Bearer realm=\"seamline\"";

/// See the module.
pub struct ApiError {
    refusal: Refusal,
    ch: Option<String>,
    user: Option<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    code: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ch: Option<&'a str>,
    /// Also as the header `Retry-After`, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl ApiError {
    /// Names the channel that is forbidden.
    pub fn in_channel(refusal: Refusal, ch: &str) -> Self {
        let ch = (refusal.code == code::FORBIDDEN).then(|| ch.to_owned());
        ApiError { refusal, ch, user: None }
    }

    /// Names the user, for the logs.
    pub fn of(self, user: &User) -> Self {
        ApiError { user: Some(user.name.to_string()), ..self }
    }

    /// The code of the refusal.
    pub fn code(&self) -> &'static str {
        self.refusal.code
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        ApiError { refusal, ch: None, user: None }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let ApiError { refusal, ch, user } = self;
        let (code, retry_after_ms) = (refusal.code, refusal.retry_after_ms());
        let status = status(code);
        let body = Body { code, message: &refusal.message, ch: ch.as_deref(), retry_after_ms };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        }
        if let Some(wait_ms) = retry_after_ms {
            headers.insert(header::RETRY_AFTER, wait_ms.div_ceil(1000).into());
        }
        if let Some(reason) = refusal.reason() {
            response.extensions_mut().insert(Refused { reason, message: refusal.message, user });
        }
        response
    }
}

fn status(code: &str) -> StatusCode {
    match code {
        code::UNAUTHORIZED => StatusCode::UNAUTHORIZED,
        code::FORBIDDEN | code::ORIGIN_NOT_ALLOWED => StatusCode::FORBIDDEN,
        code::UNKNOWN_CHANNEL => StatusCode::NOT_FOUND,
        code::KEY_CONFLICT => StatusCode::CONFLICT,
        code::TOO_LARGE => StatusCode::PAYLOAD_TOO_LARGE,
        code::TOO_FAST => StatusCode::TOO_MANY_REQUESTS,
        code::AUTHORIZATION_ERROR | code::LOG_ERROR | code::OVERLOADED => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::log::StoreError;

    #[test]
    fn a_refusal_has_a_status_and_headers() {
        let retry = Refusal::too_fast(Duration::from_millis(1001));
        let table = [
            (Refusal::unauthorized("no"), 401, None),
            (Refusal::not_granted("read", "c"), 403, None),
            (Refusal::new(code::ORIGIN_NOT_ALLOWED, "no"), 403, None),
            (Refusal::unknown_channel("c"), 404, None),
            (Refusal::new(code::TOO_LARGE, "no"), 413, None),
            (Refusal::not_stored(&StoreError::KeyConflict, "c"), 409, None),
            (retry, 429, Some("2")),
            (Refusal::undecided("read", "c"), 503, Some("1")),
            (Refusal::overloaded(), 503, Some("10")),
            (Refusal::new(code::BAD_KEY, "no"), 400, None),
        ];
        for (refusal, status, retry_after) in table {
            let response = ApiError::from(refusal.clone()).into_response();
            let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap());
            assert_eq!(
                (response.status().as_u16(), header(header::RETRY_AFTER)),
                (status, retry_after),
                "{refusal:?}"
            );
            assert_eq!(header(header::WWW_AUTHENTICATE), (status == 401).then_some(CHALLENGE));
        }
    }
}
