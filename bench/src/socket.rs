//! One connection of the load generator.

use anyhow::{Result, bail};
use seamline_test_support::socket::{self, Incoming};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::peer::{Meaning, Peer};

/// What a client of the load generator gets.
pub enum Event {
    Ready,
    /// The number of messages that are new to it, and their frame.
    Messages(u64, Utf8Bytes),
    Acknowledged,
}

/// A connection and its side of the protocol.
pub struct Socket {
    socket: socket::Socket,
    pub peer: Peer,
}

impl Socket {
    /// Connects, or gives the peer back.
    pub async fn open(port: u16, mut peer: Peer) -> Result<Socket, (Peer, anyhow::Error)> {
        match Socket::connect(port, &mut peer).await {
            Ok(socket) => Ok(Socket { socket, peer }),
            Err(e) => Err((peer, e)),
        }
    }

    async fn connect(port: u16, peer: &mut Peer) -> Result<socket::Socket> {
        let mut socket = socket::Socket::open(&peer.url(port), peer.subprotocol()).await?;
        if let Some(frame) = peer.greeting() {
            socket.send(frame).await?;
        }
        Ok(socket)
    }

    /// The next event. Frames that the protocol wants answered are answered meanwhile.
    pub async fn next(&mut self) -> Result<Event> {
        loop {
            let frame = match self.socket.receive().await? {
                Incoming::Text(frame) => frame,
                Incoming::Closed(code, reason) => {
                    bail!("the server closed the connection ({code}): {reason}")
                }
            };
            match self.peer.read(&frame) {
                Meaning::Nothing => {}
                Meaning::Answer(answer) => self.socket.send(answer).await?,
                Meaning::Ready => return Ok(Event::Ready),
                Meaning::Messages(count, answer) => {
                    if let Some(answer) = answer {
                        self.socket.send(answer).await?;
                    }
                    return Ok(Event::Messages(count, frame));
                }
                Meaning::Acknowledged => return Ok(Event::Acknowledged),
                Meaning::Wrong(what) => bail!("unexpected frame: {what}"),
            }
        }
    }

    pub async fn publish(&mut self, data: &str) -> Result<()> {
        let frame = self.peer.publish(data);
        self.socket.send(frame).await
    }
}
