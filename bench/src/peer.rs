//! The client side of either protocol.

use std::fmt;

use crate::seamline::Seamline;
use crate::socketio::SocketIo;

/// The channel of all measurements.
pub const CHANNEL: &str = "bench";

/// The servers that are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Seamline,
    SocketIo,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Seamline => "seamline",
            Kind::SocketIo => "socket.io",
        })
    }
}

/// What a frame from the server means.
#[derive(Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing to do.
    Nothing,
    /// The client answers with this frame.
    Answer(String),
    /// The client is subscribed. A publisher is connected.
    Ready,
    /// The number of messages that are new to it, and perhaps an answer.
    Messages(u64, Option<String>),
    /// A publication is acknowledged.
    Acknowledged,
    /// The server must not send this.
    Wrong(String),
}

/// The client side of a protocol. It outlives its connection, and resumes.
pub enum Peer {
    Seamline(Seamline),
    SocketIo(SocketIo),
}

impl Peer {
    pub fn subscriber(kind: Kind, number: u64) -> Peer {
        Peer::new(kind, format!("client-{number}"), true)
    }

    pub fn publisher(kind: Kind) -> Peer {
        Peer::new(kind, "publisher".into(), false)
    }

    fn new(kind: Kind, name: String, subscribes: bool) -> Peer {
        match kind {
            Kind::Seamline => Peer::Seamline(Seamline::new(name, subscribes)),
            Kind::SocketIo => Peer::SocketIo(SocketIo::new(subscribes)),
        }
    }

    pub fn url(&self, port: u16) -> String {
        match self {
            Peer::Seamline(_) => format!("ws://127.0.0.1:{port}/ws"),
            Peer::SocketIo(_) => format!("ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket"),
        }
    }

    pub fn subprotocol(&self) -> Option<&'static str> {
        match self {
            Peer::Seamline(_) => Some(seamline::wire::SUBPROTOCOL),
            Peer::SocketIo(_) => None,
        }
    }

    /// The first frame, if the client sends it.
    pub fn greeting(&mut self) -> Option<String> {
        match self {
            Peer::Seamline(peer) => Some(peer.hello()),
            Peer::SocketIo(_) => None,
        }
    }

    pub fn read(&mut self, frame: &str) -> Meaning {
        match self {
            Peer::Seamline(peer) => peer.read(frame),
            Peer::SocketIo(peer) => peer.read(frame),
        }
    }

    /// The frame of a publication.
    pub fn publish(&mut self, data: &str) -> String {
        match self {
            Peer::Seamline(peer) => peer.publish(data),
            Peer::SocketIo(peer) => peer.publish(data),
        }
    }
}
