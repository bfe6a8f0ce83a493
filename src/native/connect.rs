//! Opens a WebSocket: TCP, TLS for `wss:`, and the handshake. An error is a sentence that names the cause.

use std::fmt::Display;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::{ProtocolError, SubProtocolError};
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::stream::{Reporter, Stream, Transport};
use super::tls;

/// A frame of a server is smaller: the queue of a channel is, with all its messages.
const FRAME_BYTES_MAX: usize = 64 * 1024 * 1024;
/// tungstenite's own is 128 KB, for each connection.
const READ_BUFFER_BYTES: usize = 16 * 1024;

pub(super) type WebSocket = WebSocketStream<Stream>;

/// Where and how to connect.
pub(super) struct Target {
    request: Request,
    host: String,
    port: u16,
    tls: Option<Tls>,
}

/// What is trusted.
enum Tls {
    System,
    Given(Arc<ClientConfig>),
}

impl Target {
    /// Reads the URL. No `tls`: trusts what the system trusts.
    pub fn new(url: &str, subprotocol: &'static str, tls: Option<Arc<ClientConfig>>) -> Result<Self, String> {
        let bad_url = |cause: &dyn Display| format!("cannot use the URL {url}: {cause}");
        let mut request = url.into_client_request().map_err(|error| bad_url(&error))?;
        if !subprotocol.is_empty() {
            let name = HeaderValue::from_static(subprotocol);
            request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, name);
        }
        let uri = request.uri();
        let tls = (uri.scheme_str() == Some("wss")).then(|| tls.map_or(Tls::System, Tls::Given));
        let host = uri.host().ok_or_else(|| bad_url(&"it has no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned(); // of an IPv6 address
        let port = uri.port_u16().unwrap_or(if tls.is_some() { 443 } else { 80 });
        Ok(Target { request, host, port, tls })
    }

    /// Opens a WebSocket.
    pub async fn open(self, report: Reporter) -> Result<WebSocket, String> {
        let Target { request, host, port, tls } = self;
        let unreachable = |error| format!("cannot connect to {host}, port {port}: {error}");
        let tcp = TcpStream::connect((host.as_str(), port)).await.map_err(unreachable)?;
        tcp.set_nodelay(true).map_err(unreachable)?;
        let transport = match tls {
            Some(tls) => tls.connect(&host, tcp).await?,
            None => Transport::Tcp(tcp),
        };
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .max_message_size(Some(FRAME_BYTES_MAX))
            .max_frame_size(Some(FRAME_BYTES_MAX));
        let opened = client_async_with_config(request, Stream::new(transport, report), Some(config)).await;
        opened.map(|(socket, _)| socket).map_err(|error| format!("{host}, port {port}: {}", cause(&error)))
    }
}

impl Tls {
    async fn connect(self, host: &str, tcp: TcpStream) -> Result<Transport, String> {
        let config = match self {
            Tls::Given(config) => config,
            Tls::System => {
                let read = tokio::task::spawn_blocking(tls::system).await; // it reads files
                read.map_err(|error| format!("cannot set up TLS: {error}"))??
            }
        };
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| format!("cannot use TLS with the host {host}: {error}"))?;
        let connected = TlsConnector::from(config).connect(name, tcp).await;
        connected.map(|tls| Transport::Tls(Box::new(tls))).map_err(|error| {
            format!(
                "TLS with {host} failed: {error}; check the server's certificate, and what this client trusts"
            )
        })
    }
}

/// Why a WebSocket could not be opened, or has ended.
pub(super) fn cause(error: &Error) -> String {
    match error {
        Error::Http(response) => {
            let status = response.status();
            let advice = match status {
                StatusCode::NOT_FOUND => "; check the path of the URL",
                status if status.is_redirection() => "; use the URL that it redirects to",
                _ => "",
            };
            format!("the server answered {status} instead of opening a WebSocket{advice}")
        }
        Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(SubProtocolError::NoSubProtocol)) => {
            "the server opens WebSockets but does not know the subprotocol of this client; check the URL"
                .to_owned()
        }
        error => error.to_string(),
    }
}
