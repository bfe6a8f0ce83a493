//! `GET /ws`: the WebSocket handshake (RFC 6455 §4.2), from the request to a socket.

use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use seamline::wire::SUBPROTOCOL;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tracing::debug;

use super::connection::{self, Accepted};
use super::dialect::request::DialectRequest;
use crate::limits::connections::ConnectionGuard;
use crate::net::proxy::Peer;
use crate::refusal::Refusal;
use crate::refusal::reason::Reason;
use crate::refusal::telemetry::Refused;
use crate::state::App;

/// Why a request does not become a WebSocket. A page is not shown this; people who try the address are.
#[derive(Debug)]
enum HandshakeError {
    NotAWebSocket,
    Version,
    Subprotocol,
    BadRequest(Refusal),
    NotUpgradable,
    NoPeer,
    TooManyConnections(Refusal),
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandshakeError::NotAWebSocket => {
                write!(f, "not a WebSocket request; ask for the WebSocket subprotocol `{SUBPROTOCOL}`")
            }
            HandshakeError::Version => f.write_str("Sec-WebSocket-Version must be 13"),
            HandshakeError::Subprotocol => {
                write!(f, "unknown WebSocket subprotocol; ask for `{SUBPROTOCOL}`, or for none")
            }
            HandshakeError::NotUpgradable => f.write_str("this connection cannot become a WebSocket"),
            HandshakeError::NoPeer => f.write_str("peer address unavailable"),
            HandshakeError::BadRequest(refusal) | HandshakeError::TooManyConnections(refusal) => {
                f.write_str(&refusal.message)
            }
        }
    }
}

impl IntoResponse for HandshakeError {
    fn into_response(self) -> Response {
        let status = match &self {
            HandshakeError::NotAWebSocket | HandshakeError::NotUpgradable => StatusCode::UPGRADE_REQUIRED,
            HandshakeError::Version | HandshakeError::Subprotocol | HandshakeError::BadRequest(_) => {
                StatusCode::BAD_REQUEST
            }
            HandshakeError::NoPeer => StatusCode::INTERNAL_SERVER_ERROR,
            HandshakeError::TooManyConnections(_) => StatusCode::TOO_MANY_REQUESTS,
        };
        let mut response = (status, format!("{self}\n")).into_response();
        if let HandshakeError::TooManyConnections(Refusal { retry_after: Some(wait), .. }) = &self {
            response.headers_mut().insert(header::RETRY_AFTER, wait.as_secs().into());
        }
        let refused = Refused { reason: self.reason(), message: self.to_string(), user: None };
        response.extensions_mut().insert(refused);
        response
    }
}

impl HandshakeError {
    fn reason(&self) -> Reason {
        match self {
            HandshakeError::NotAWebSocket
            | HandshakeError::Version
            | HandshakeError::NotUpgradable
            | HandshakeError::NoPeer => Reason::Handshake,
            HandshakeError::Subprotocol => Reason::Subprotocol,
            HandshakeError::BadRequest(_) => Reason::Invalid,
            HandshakeError::TooManyConnections(_) => Reason::AddressSockets,
        }
    }
}

/// Answers the handshake, and serves the socket in a task of its own.
pub async fn upgrade(State(app): State<Arc<App>>, mut request: Request) -> Response {
    let (key, requested) = match check(&request) {
        Ok(checked) => checked,
        Err(e) => return e.into_response(),
    };
    let Some(on_upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return HandshakeError::NotUpgradable.into_response();
    };
    // Before the answer: a drain that begins now already waits for this connection.
    let guard = match register(&app, &request) {
        Ok(guard) => guard,
        Err(e) => return e.into_response(),
    };
    let response = switching_protocols(&key, &requested);
    // Boxed: otherwise it would be in the task more than once.
    let accepted = Box::new(Accepted { app, guard, request: requested });
    tokio::spawn(async move {
        match on_upgrade.await {
            Ok(upgraded) => connection::serve(accepted, upgraded).await,
            Err(e) => debug!("a client disconnected during the handshake: {e}"),
        }
    });
    response
}

/// The client's key, and what it asks for.
fn check(request: &Request) -> Result<(HeaderValue, DialectRequest), HandshakeError> {
    let headers = request.headers();
    let key = headers.get(header::SEC_WEBSOCKET_KEY).cloned();
    let key = key.filter(|_| lists(headers, &header::UPGRADE, "websocket"));
    let key = key.ok_or(HandshakeError::NotAWebSocket)?;
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(HandshakeError::Version);
    }
    if lists(headers, &header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL) {
        return Ok((key, DialectRequest::Seamline));
    }
    if headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
        return Err(HandshakeError::Subprotocol);
    }
    let plain = DialectRequest::plain(request.uri()).map_err(HandshakeError::BadRequest)?;
    Ok((key, plain))
}

/// Whether a header's comma-separated values include one, in upper or lower case.
fn lists(headers: &HeaderMap, name: &header::HeaderName, value: &str) -> bool {
    let texts = headers.get_all(name).iter().filter_map(|text| text.to_str().ok());
    texts.flat_map(|text| text.split(',')).any(|item| item.trim().eq_ignore_ascii_case(value))
}

fn register(app: &App, request: &Request) -> Result<ConnectionGuard, HandshakeError> {
    let Peer(peer) = request.extensions().get::<Peer>().ok_or(HandshakeError::NoPeer)?;
    let address = app.proxies.client(peer.ip(), request.headers());
    let max = app.config.max_connections_per_ip;
    let guard = app.connections.register(address, max);
    let too_many = || HandshakeError::TooManyConnections(Refusal::too_many_connections("this address", max));
    guard.ok_or_else(too_many)
}

fn switching_protocols(key: &HeaderValue, requested: &DialectRequest) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if matches!(requested, DialectRequest::Seamline) {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}
