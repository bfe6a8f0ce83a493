//! One connection of the load generator.

use anyhow::{Context, Result, anyhow, bail};
use futures::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::peer::{Meaning, Peer};

/// Read at once. Thousands of these are memory as well.
const READ_BUFFER_BYTES: usize = 16 * 1024;

/// Something that a client is told.
pub enum Event {
    Ready,
    /// So many messages that it had not had, and their frame.
    Messages(u64, Utf8Bytes),
    Acknowledged,
}

/// See the module.
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    pub peer: Peer,
}

impl Socket {
    /// Connects, or gives the peer back. What is to be answered is answered in [`next`](Self::next).
    pub async fn open(port: u16, mut peer: Peer) -> Result<Socket, (Peer, anyhow::Error)> {
        match Socket::connect(port, &mut peer).await {
            Ok(stream) => Ok(Socket { stream, peer }),
            Err(e) => Err((peer, e)),
        }
    }

    async fn connect(port: u16, peer: &mut Peer) -> Result<WebSocketStream<TcpStream>> {
        let mut request = peer.url(port).into_client_request()?;
        if let Some(name) = peer.subprotocol() {
            request.headers_mut().insert("sec-websocket-protocol", name.parse()?);
        }
        let tcp = TcpStream::connect(("127.0.0.1", port)).await.context("cannot connect")?;
        tcp.set_nodelay(true)?;
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
        let (mut stream, _) = client_async_with_config(request, tcp, Some(config)).await?;
        if let Some(frame) = peer.greeting() {
            stream.send(Message::text(frame)).await?;
        }
        Ok(stream)
    }

    pub async fn next(&mut self) -> Result<Event> {
        loop {
            let frame = match self.stream.next().await {
                Some(Ok(Message::Text(frame))) => frame,
                Some(Ok(Message::Close(why))) => bail!("the server closed: {why:?}"),
                Some(Ok(_)) => continue, // pings are answered by the library
                Some(Err(e)) => return Err(e.into()),
                None => bail!("the server has gone"),
            };
            match self.peer.read(&frame) {
                Meaning::Nothing => {}
                Meaning::Answer(answer) => self.send(answer).await?,
                Meaning::Ready => return Ok(Event::Ready),
                Meaning::Messages(count, answer) => {
                    if let Some(answer) = answer {
                        self.send(answer).await?;
                    }
                    return Ok(Event::Messages(count, frame));
                }
                Meaning::Acknowledged => return Ok(Event::Acknowledged),
                Meaning::Wrong(what) => return Err(anyhow!("unexpected: {what}")),
            }
        }
    }

    pub async fn publish(&mut self, data: &str) -> Result<()> {
        let frame = self.peer.publish(data);
        self.send(frame).await
    }

    async fn send(&mut self, frame: String) -> Result<()> {
        Ok(self.stream.send(Message::text(frame)).await?)
    }
}
