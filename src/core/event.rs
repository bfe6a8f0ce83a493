//! What comes out of a session: things to do, and things to tell the application.

use std::collections::VecDeque;

use super::position::{MessageId, Position};
use crate::wire::ClientFrame;

/// Tells the sockets of a session apart; what an old one still reports is ignored.
pub type SocketId = u32;
/// Tells the subscriptions of a session apart, also two of the same channel one after the other.
pub type ChannelId = u32;
/// Tells the publications of a session apart.
pub type PublishId = u32;
/// Tells apart the times that a session asked for a token: a late answer belongs to an earlier one.
pub type FetchId = u32;

/// Something for the driver to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Output<B, D> {
    /// Open a WebSocket and report on it under this id.
    Connect(SocketId),
    /// Close that WebSocket; no report on it is wanted any more.
    Disconnect {
        /// The socket.
        socket: SocketId,
        /// 1000, or a code of 3000–4999: a page may send no other.
        code: u16,
    },
    /// Send a frame.
    Send {
        /// The socket.
        socket: SocketId,
        /// The frame.
        frame: ClientFrame<D>,
    },
    /// Ask the application for a token, and hand it to `handle_token`.
    FetchToken {
        /// Which time this is.
        fetch: FetchId,
        /// Whether the last token was refused or has expired.
        refresh: bool,
    },
    /// Tell the application.
    Event(Event<B, D>),
}

/// The outputs in their order. Boxed, because moving a large enum around inline costs each page a
/// kilobyte of copying code.
#[derive(Debug)]
pub(crate) struct Outputs<B, D>(VecDeque<Box<Output<B, D>>>);

impl<B, D> Outputs<B, D> {
    pub fn new() -> Self {
        Outputs(VecDeque::new())
    }

    pub fn push(&mut self, output: Output<B, D>) {
        self.0.push_back(Box::new(output));
    }

    pub fn tell(&mut self, event: Event<B, D>) {
        self.push(Output::Event(event));
    }

    pub fn send(&mut self, socket: SocketId, frame: ClientFrame<D>) {
        self.push(Output::Send { socket, frame });
    }

    pub fn pop(&mut self) -> Option<Output<B, D>> {
        self.0.pop_front().map(|output| *output)
    }
}

/// Something for the application to know. What concerns one channel is in the channel's order.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<B, D> {
    /// The connection's state changed.
    State(State),
    /// A channel got its first position: the subscription stands, and this is where it begins.
    Attached {
        /// The channel.
        channel: ChannelId,
        /// Where it begins.
        position: Position,
    },
    /// Messages, new ones only.
    Deliver {
        /// The channel.
        channel: ChannelId,
        /// The batch as it came in.
        batch: Batch<B>,
        /// How many messages at its beginning were delivered before.
        skip: u64,
    },
    /// Messages were lost; what comes next in the channel comes after them.
    Gap {
        /// The channel.
        channel: ChannelId,
        /// What is missing.
        gap: Gap,
        /// Where the channel goes on.
        position: Position,
    },
    /// The replay has met the live stream: the channel is up to date.
    Live {
        /// The channel.
        channel: ChannelId,
    },
    /// An ephemeral event.
    Cast {
        /// The channel.
        channel: ChannelId,
        /// Its payload.
        data: D,
    },
    /// A publication is in the log.
    Published {
        /// The publication.
        publish: PublishId,
        /// The id that the log gave it.
        id: MessageId,
        /// The offset that the log gave it.
        offset: u64,
    },
    /// A publication was refused for good.
    PublishFailed {
        /// The publication.
        publish: PublishId,
        /// Why.
        error: Error,
    },
    /// Something went wrong; the session goes on.
    Error {
        /// The channel it concerns, if it concerns one.
        channel: Option<ChannelId>,
        /// What.
        error: Error,
    },
}

/// A contiguous run of messages, as one frame brought it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<B> {
    /// The first message's offset.
    pub n: u64,
    /// How many there are.
    pub count: u64,
    /// The last message's id.
    pub last_id: MessageId,
    /// Whether they come from the replay.
    pub replay: bool,
    /// The size of the frame that brought them: its length as text.
    pub bytes: u64,
    /// The messages themselves, which the core does not look at.
    pub payload: B,
}

impl<B> Batch<B> {
    /// The last message's offset. A batch has a message.
    pub fn end(&self) -> u64 {
        self.n.saturating_add(self.count.saturating_sub(1))
    }
}

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

/// A hole in what a channel delivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first offset that is missing.
    pub from: u64,
    /// The last one; unknown where the log was replaced.
    pub to: Option<u64>,
    /// Why they are missing.
    pub reason: GapReason,
}

/// Why messages are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapReason {
    /// The log no longer has them: its retention was shorter than the absence.
    Trimmed,
    /// The log was replaced by another one; what followed in the old one is not known.
    EpochChanged,
    /// The log has fallen back behind this client (an older snapshot was restored): the messages of
    /// these offsets were delivered, but the log has forgotten them and will use the offsets again.
    Rewound,
    /// The server skipped them, and skipped them again when asked.
    Hole,
}

impl GapReason {
    /// The reason as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            GapReason::Trimmed => "trimmed",
            GapReason::EpochChanged => "epoch_changed",
            GapReason::Rewound => "rewound",
            GapReason::Hole => "hole",
        }
    }
}

/// An error with a word for programs and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// A stable word, such as `too_large`.
    pub code: String,
    /// What happened and what can be done.
    pub message: String,
}

impl Error {
    /// An error of that code.
    pub fn new(code: &str, message: &str) -> Self {
        Error { code: code.to_owned(), message: message.to_owned() }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// What a session has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Welcomes: connections that came about.
    pub connects: u64,
    /// Messages that came in; the sum of the next three and of what is parked during a replay.
    pub received: u64,
    /// Messages handed to the application.
    pub delivered: u64,
    /// Messages dropped because they were delivered before: the overlap at the seam.
    pub duplicates: u64,
    /// Messages let go of before their turn; the log brings them again.
    pub discarded: u64,
    /// Holes that a second replay filled.
    pub repairs: u64,
    /// Gaps reported.
    pub gaps: u64,
    /// Publications that the log has.
    pub published: u64,
}
