//! Which pages may use the server. A browser lets any page open a WebSocket to any address, including a server on the
//! visitor's own machine. Only `Origin` says which page it is, so the server has to check it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use seamline::wire::code;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::http::error::ApiError;
use crate::refusal::Refusal;

/// How long a browser may cache the answer to a preflight request.
const PREFLIGHT_AGE: Duration = Duration::from_secs(600);

/// The policy.
pub struct Origins {
    /// As given on the command line, as browsers write them.
    allowed: Vec<String>,
    /// Whether the server asks for no token. Then only pages of this machine are allowed.
    open: bool,
    /// Whether the server listens on a loopback address. Then pages of this machine are allowed, on any port: they are
    /// applications in development.
    local: bool,
}

impl Origins {
    /// `open`: the server asks for no token. `local`: it listens on a loopback address.
    pub fn new(allowed: &[String], open: bool, local: bool) -> Self {
        Origins { allowed: allowed.iter().map(|origin| normalized(origin)).collect(), open, local }
    }

    /// Checks where a request comes from.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let host = host.to_ascii_lowercase();
        // A name of the attacker's that leads to 127.0.0.1 makes a page of theirs "the same host" (DNS rebinding).
        if self.open && !host.is_empty() && !is_loopback(&host) && !self.allows_host(&host) {
            return Err(refusal(format!(
                "this server asks for no token, so it answers to loopback names only, not to {host}; \
                 allow the page's origin with --allow-origin, or set a token secret"
            )));
        }
        // Without an origin, the request is not a page's. If there are several, all must be allowed.
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match origins.find(|origin| !origin.to_str().is_ok_and(|origin| self.allows(origin, &host))) {
            None => Ok(()),
            Some(origin) => Err(refusal(match &*String::from_utf8_lossy(origin.as_bytes()) {
                "null" => "pages without an origin (`Origin: null`: file://, sandboxed frames) may not use \
                               this server; --allow-origin null allows all of them"
                    .into(),
                origin => {
                    format!("pages from {origin} may not use this server; allow them with --allow-origin")
                }
            })),
        }
    }

    fn allows(&self, origin: &str, host: &str) -> bool {
        let origin = normalized(origin);
        let listed = self.allowed.iter().any(|allowed| allowed == "*" || *allowed == origin);
        let authority = authority(&origin);
        let local = self.local && is_loopback(authority);
        let same_host = !self.open && !host.is_empty() && is_at(&origin, host);
        listed || local || same_host
    }

    fn allows_host(&self, host: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed == "*" || is_at(allowed, host))
    }
}

fn refusal(message: String) -> Refusal {
    Refusal::new(code::ORIGIN_NOT_ALLOWED, message)
}

/// As a browser writes it: in lower case, and without the port if it is the scheme's own (RFC 6454 §6.2).
fn normalized(origin: &str) -> String {
    let origin = origin.to_ascii_lowercase();
    match default_port(&origin).and_then(|port| origin.strip_suffix(port)) {
        Some(rest) => rest.to_owned(),
        None => origin,
    }
}

/// Whether a normalized origin has this host, which may name the scheme's own port.
fn is_at(origin: &str, host: &str) -> bool {
    let short = default_port(origin).and_then(|port| host.strip_suffix(port));
    authority(origin) == short.unwrap_or(host)
}

fn default_port(origin: &str) -> Option<&'static str> {
    match origin.split_once("://")?.0 {
        "https" | "wss" => Some(":443"),
        "http" | "ws" => Some(":80"),
        _ => None,
    }
}

/// `example.com:8443` of `https://example.com:8443`; empty for `null`.
fn authority(origin: &str) -> &str {
    origin.split_once("://").map_or("", |(_, authority)| authority)
}

/// Whether the name of a host, with or without a port, is one of this machine's own.
pub(crate) fn is_loopback(authority: &str) -> bool {
    let name = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let address = name.parse::<IpAddr>();
    name == "localhost" || name.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Refuses what the policy does not allow, before anything else is looked at.
pub async fn check(State(origins): State<Arc<Origins>>, request: Request, next: Next) -> Response {
    match origins.check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => ApiError::from(refusal).into_response(),
    }
}

/// Lets browsers show the answers to pages. Every request that gets here has passed [`check`].
pub fn cors() -> CorsLayer {
    let names = [header::AUTHORIZATION, header::CONTENT_TYPE, HeaderName::from_static("idempotency-key")];
    CorsLayer::new()
        .allow_origin(AllowOrigin::mirror_request())
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(names)
        .expose_headers([header::RETRY_AFTER, header::WWW_AUTHENTICATE])
        .max_age(PREFLIGHT_AGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(origins: &Origins, host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        origins.check(&headers).is_ok()
    }

    #[test]
    fn without_tokens_only_this_machine_is_allowed() {
        let open = Origins::new(&[], true, true);
        for host in ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "demo.localhost"] {
            assert!(allowed(&open, host, None), "{host}");
            for origin in
                ["http://127.0.0.1:3000", "http://localhost:5173", "http://[::1]:1", "https://a.localhost"]
            {
                assert!(allowed(&open, host, Some(origin)), "{origin}");
            }
            for origin in
                ["http://example.com", "null", "http://127.0.0.1.example.com", "http://localhost.example"]
            {
                assert!(!allowed(&open, host, Some(origin)), "{origin}");
            }
        }
        // DNS rebinding: the page's host and the server's are the same, and both are the attacker's.
        assert!(!allowed(&open, "evil.example:8080", Some("http://evil.example:8080")));
        assert!(!allowed(&open, "evil.example:8080", None));
        let tunnel = Origins::new(&["https://me.tunnel.example".into()], true, true);
        assert!(allowed(&tunnel, "me.tunnel.example", Some("https://me.tunnel.example")));
        assert!(!allowed(&tunnel, "evil.example", None));
    }

    #[test]
    fn with_tokens_the_same_host_and_the_list_are_allowed() {
        let origins = Origins::new(&["https://app.example.com".into()], false, false);
        for origin in ["https://app.example.com", "HTTPS://App.Example.com", "https://live.example.com"] {
            assert!(allowed(&origins, "live.example.com", Some(origin)), "{origin}");
        }
        for origin in ["http://app.example.com", "https://app.example.com:1", "http://localhost", "null", ""]
        {
            assert!(!allowed(&origins, "live.example.com", Some(origin)), "{origin}");
        }
        assert!(allowed(&origins, "live.example.com", None), "not a browser");
        assert!(
            allowed(&origins, "live.example.com:443", Some("https://live.example.com")),
            "named by a client"
        );
        assert!(!allowed(&origins, "live.example.com:443", Some("http://live.example.com")));
        let local = Origins::new(&[], false, true);
        assert!(allowed(&local, "127.0.0.1:8080", Some("http://localhost:3000")));
        assert!(!allowed(&local, "127.0.0.1:8080", Some("http://evil.example")));
        assert!(allowed(&Origins::new(&["*".into()], false, false), "a", Some("null")));
    }

    #[test]
    fn a_scheme_has_a_port_of_its_own() {
        let origins = ["https://A.example:443", "http://[::1]:80", "https://b.example:80"].map(String::from);
        let origins = Origins::new(&origins, false, false);
        for origin in ["https://a.example", "https://a.example:443", "http://[::1]", "https://b.example:80"] {
            assert!(allowed(&origins, "h", Some(origin)), "{origin}");
        }
        for origin in ["https://a.example:444", "http://a.example", "https://b.example", "http://[::1]:443"] {
            assert!(!allowed(&origins, "h", Some(origin)), "{origin}");
        }
        let tunnel = Origins::new(&["https://me.example:443".into()], true, true);
        assert!(allowed(&tunnel, "me.example", None) && allowed(&tunnel, "me.example:443", None));
    }
}
