//! A WebSocket to a server on this machine.

use anyhow::{Context, Result};
use futures::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// A program may have thousands of these sockets, and their buffers are memory, too.
const READ_BUFFER_BYTES: usize = 16 * 1024;

/// The close code where no close frame came (RFC 6455, section 7.4.1).
pub const ABNORMAL: u16 = 1006;

/// What comes from the server.
#[derive(Debug)]
pub enum Incoming {
    /// A text frame.
    Text(Utf8Bytes),
    /// The close code and its reason.
    Closed(u16, String),
}

/// An open WebSocket. Dropping it cuts the connection without a close frame.
pub struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Connects to a `ws://` URL.
    pub async fn open(url: &str, subprotocol: Option<&str>) -> Result<Socket> {
        let mut request = url.into_client_request()?;
        if let Some(name) = subprotocol {
            request.headers_mut().insert("sec-websocket-protocol", name.parse()?);
        }
        let authority = request.uri().authority().with_context(|| format!("{url} has no host"))?;
        let tcp = TcpStream::connect(authority.as_str())
            .await
            .with_context(|| format!("cannot connect to {url}"))?;
        tcp.set_nodelay(true)?;
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
        let (stream, _) = client_async_with_config(request, tcp, Some(config)).await?;
        Ok(Socket(stream))
    }

    /// Sends a text frame.
    pub async fn send(&mut self, text: String) -> Result<()> {
        Ok(self.0.send(Message::text(text)).await?)
    }

    /// The next frame. Cancelling it loses nothing. Pings are answered meanwhile.
    pub async fn receive(&mut self) -> Result<Incoming> {
        loop {
            return Ok(match self.0.next().await.transpose()? {
                Some(Message::Text(text)) => Incoming::Text(text),
                Some(Message::Close(Some(frame))) => {
                    Incoming::Closed(frame.code.into(), frame.reason.to_string())
                }
                Some(Message::Close(None)) | None => Incoming::Closed(ABNORMAL, "no close frame".into()),
                Some(_) => continue,
            });
        }
    }
}
