//! Who may use the admin port: programs that know the token, and no pages.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use seamline::wire::code;
use subtle::ConstantTimeEq;

use crate::http::api::bearer;
use crate::http::error::ApiError;
use crate::net::origin::is_loopback;
use crate::refusal::Refusal;
use crate::state::App;

/// Refuses pages. Without a token, also requests whose `Host` is not this machine: a page of an attacker's may have
/// made its own name lead here (DNS rebinding).
pub(super) async fn check_sender(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match sender(request.headers(), app.config.admin_token.is_some()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => ApiError::from(refusal).into_response(),
    }
}

fn sender(headers: &HeaderMap, has_token: bool) -> Result<(), Refusal> {
    if let Some(origin) = headers.get(header::ORIGIN) {
        let origin = String::from_utf8_lossy(origin.as_bytes());
        let message = format!("pages may not use the admin API, nor may those from {origin}; use a backend");
        return Err(Refusal::new(code::ORIGIN_NOT_ALLOWED, message));
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !has_token && !host.is_empty() && !is_loopback(&host.to_ascii_lowercase()) {
        let message = format!(
            "the admin API has no token, so it answers to loopback names only, not to {host}; set --admin-token"
        );
        return Err(Refusal::new(code::ORIGIN_NOT_ALLOWED, message));
    }
    Ok(())
}

/// Refuses requests without the token, if there is one.
pub(super) async fn check_token(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match token(request.headers(), app.config.admin_token.as_deref()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => ApiError::from(refusal).into_response(),
    }
}

fn token(headers: &HeaderMap, expected: Option<&str>) -> Result<(), Refusal> {
    let Some(expected) = expected else { return Ok(()) };
    let problem = match bearer(headers) {
        // How long it takes does not depend on how much of it is right.
        Some(token) if bool::from(token.as_bytes().ct_eq(expected.as_bytes())) => return Ok(()),
        Some(_) => "the admin token is wrong",
        None => "the admin token is missing",
    };
    Err(Refusal::unauthorized(format!(
        "{problem}; send the value of --admin-token as `Authorization: Bearer …`"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn pages_are_refused() {
        for has_token in [true, false] {
            assert!(sender(&headers(header::ORIGIN, "http://localhost:3000"), has_token).is_err());
            assert!(sender(&HeaderMap::new(), has_token).is_ok());
        }
    }

    #[test]
    fn without_a_token_only_local_names_are_answered() {
        for (host, local) in
            [("127.0.0.1:9", true), ("LOCALHOST", true), ("[::1]:9", true), ("evil.example:9", false)]
        {
            assert_eq!(sender(&headers(header::HOST, host), false).is_ok(), local, "{host}");
            assert!(sender(&headers(header::HOST, host), true).is_ok(), "{host}");
        }
    }

    #[test]
    fn only_the_token_is_accepted() {
        let with = |value: &str| token(&headers(header::AUTHORIZATION, value), Some("secret")).is_ok();
        assert!(with("Bearer secret") && with("bearer secret"));
        for wrong in ["Bearer secre", "Bearer secret2", "Bearer ", "secret", "Basic secret"] {
            assert!(!with(wrong), "{wrong}");
        }
        assert!(token(&HeaderMap::new(), None).is_ok() && token(&HeaderMap::new(), Some("secret")).is_err());
    }
}
