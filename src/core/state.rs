//! The state of a connection, and why a connection ended.

/// The state of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// A connection is being made.
    Connecting,
    /// The server has welcomed this client.
    Open,
    /// The connection is gone, and the next attempt waits.
    Waiting {
        /// How many attempts have failed since the last proved connection.
        attempt: u32,
        /// How long from now until the next attempt; for [`ReasonCode::PageHidden`], until it may be
        /// made: it is made when the page is shown again.
        retry_in_ms: u64,
        /// Why the connection is gone.
        reason: Reason,
    },
    /// The end; there will be no further attempt.
    Closed {
        /// Why.
        reason: Reason,
    },
}

impl State {
    /// The state as a word.
    pub fn name(&self) -> &'static str {
        match self {
            State::Connecting => "connecting",
            State::Open => "open",
            State::Waiting { .. } => "waiting",
            State::Closed { .. } => "closed",
        }
    }
}

/// Why a connection is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Why, as a word.
    pub code: ReasonCode,
    /// Why, as a sentence (from the server, where it gave one).
    pub message: String,
    /// The close code, where the server closed (RFC 6455 §7.4; 1006: it gave none).
    pub close_code: Option<u16>,
}

/// The words for why a connection is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReasonCode {
    /// The application called `close()`.
    ClosedByApplication,
    /// No connection came about: refused, no network, no WebSocket there; a page cannot tell which, but
    /// what the constructor of the WebSocket throws is the message.
    ConnectFailed,
    /// No connection came about in time.
    ConnectTimeout,
    /// The connection broke or the server closed it.
    ConnectionLost,
    /// The server did not answer a ping.
    HeartbeatTimeout,
    /// The server announced a restart.
    Drained,
    /// The application's token function failed.
    TokenFailed,
    /// The server refused the token.
    Unauthorized,
    /// The server forbids this client to connect.
    Forbidden,
    /// Another connection took this one's place.
    Replaced,
    /// The server sent what is not `seamline.v1`, or said so of this client.
    ProtocolError,
    /// The page went into the back/forward cache. It connects when it is shown again.
    PageHidden,
}

impl ReasonCode {
    /// The reason as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            ReasonCode::ClosedByApplication => "closed_by_application",
            ReasonCode::ConnectFailed => "connect_failed",
            ReasonCode::ConnectTimeout => "connect_timeout",
            ReasonCode::ConnectionLost => "connection_lost",
            ReasonCode::HeartbeatTimeout => "heartbeat_timeout",
            ReasonCode::Drained => "drained",
            ReasonCode::TokenFailed => "token_failed",
            ReasonCode::Unauthorized => "unauthorized",
            ReasonCode::Forbidden => "forbidden",
            ReasonCode::Replaced => "replaced",
            ReasonCode::ProtocolError => "protocol_error",
            ReasonCode::PageHidden => "page_hidden",
        }
    }
}
