//! `GET /ws`: from the request to a socket.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use seamline::wire::SUBPROTOCOL;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tracing::debug;

use super::connection::progress::{Progress, Watched};
use super::dialect::request::Opening;
use super::{READ_BUFFER_BYTES, Socket, WRITE_BUFFER_BYTES, connection};
use crate::net::proxy::{Peer, client_ip};
use crate::state::App;

/// One address has too many sockets; some may go.
const RETRY_AFTER_S: &str = "10";

/// `GET /ws`: the WebSocket handshake (RFC 6455 §4.2).
pub async fn upgrade(State(app): State<Arc<App>>, mut request: Request) -> Response {
    let (accept, opening) = match check(request.headers(), request.uri()) {
        Ok((key, opening)) => (derive_accept_key(key.as_bytes()), opening),
        Err(refusal) => return refusal.into_response(),
    };
    let Some(on_upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return (StatusCode::UPGRADE_REQUIRED, "this connection cannot become a WebSocket\n").into_response();
    };
    // Before the answer: a drain that begins now already waits for this socket.
    let Some(peer) = request.extensions().get::<Peer>() else {
        return (StatusCode::INTERNAL_SERVER_ERROR, "the connection has no other end\n").into_response();
    };
    let ip = client_ip(peer.0, request.headers(), app.config.trust_forwarded_for);
    let Some(entry) = app.connections.enter(ip, app.config.max_connections_per_ip) else {
        let headers = [(header::RETRY_AFTER, RETRY_AFTER_S)];
        return (StatusCode::TOO_MANY_REQUESTS, headers, "too many sockets from this address\n")
            .into_response();
    };
    let subprotocol = matches!(opening, Opening::Seamline).then_some(SUBPROTOCOL);
    tokio::spawn(async move {
        match on_upgrade.await {
            Ok(upgraded) => {
                let config = socket_config(app.config.max_frame_bytes);
                let progress = Arc::new(Progress::default());
                let io = Watched::new(TokioIo::new(upgraded), progress.clone());
                let socket = Socket::from_raw_socket(io, Role::Server, Some(config)).await;
                connection::serve(app, socket.split(), progress, entry, opening).await;
            }
            Err(e) => debug!("a client went away during the handshake: {e}"),
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Some(subprotocol) = subprotocol {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(subprotocol));
    }
    if let Ok(accept) = HeaderValue::from_str(&accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

/// Returns the client's key and what it asks for, or why this is not a handshake we answer.
fn check<'a>(headers: &'a HeaderMap, uri: &Uri) -> Result<(&'a HeaderValue, Opening), (StatusCode, String)> {
    let key = headers.get(header::SEC_WEBSOCKET_KEY);
    let Some(key) = key.filter(|_| lists(headers, &header::UPGRADE, "websocket")) else {
        let message = format!("this is a WebSocket; ask for the subprotocol `{SUBPROTOCOL}`\n");
        return Err((StatusCode::UPGRADE_REQUIRED, message));
    };
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err((StatusCode::BAD_REQUEST, "Sec-WebSocket-Version must be 13\n".into()));
    }
    if lists(headers, &header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL) {
        return Ok((key, Opening::Seamline));
    }
    if headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
        let message = format!("ask for the WebSocket subprotocol `{SUBPROTOCOL}`, or for none\n");
        return Err((StatusCode::BAD_REQUEST, message));
    }
    match Opening::plain(uri) {
        Ok(opening) => Ok((key, opening)),
        Err(problem) => Err((StatusCode::BAD_REQUEST, problem + "\n")),
    }
}

/// Whether a header's comma-separated values include one, in whatever case.
fn lists(headers: &HeaderMap, name: &header::HeaderName, value: &str) -> bool {
    let texts = headers.get_all(name).iter().filter_map(|text| text.to_str().ok());
    texts.flat_map(|text| text.split(',')).any(|item| item.trim().eq_ignore_ascii_case(value))
}

fn socket_config(frame_bytes_max: u64) -> WebSocketConfig {
    let max = usize::try_from(frame_bytes_max).ok();
    // The length stands in a frame's header: a frame that is too large is refused unread.
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_message_size(max)
        .max_frame_size(max)
}
