//! The state of the connection.

use super::answer_deadline::InTransit;
use crate::core::heartbeat::Heartbeat;
use crate::core::{Instant, SocketId};

/// The connection. Each state carries the data that is valid only in it.
#[derive(Debug)]
pub(super) enum Link {
    /// `connect` was not called yet.
    Idle,
    /// The application's token function is running.
    AwaitingToken,
    /// The socket is opening.
    Opening(SocketId),
    /// `hello` is sent, and behind it a `sub` for each channel and publications.
    Greeting { socket: SocketId, since: Instant },
    /// The server has sent `welcome`.
    Open(Open),
    /// The next attempt waits for [`Timer::Retry`](crate::core::timer::Timer::Retry); without that timer, in a
    /// suspended page, for a wake event.
    Waiting,
    /// There will be no further attempt.
    Closed,
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Open {
    pub socket: SocketId,
    pub opened_at: Instant,
    pub heartbeat: Heartbeat,
    pub heartbeat_ms: u64,
    /// How long the answer to `hello` took.
    pub round_trip_ms: u64,
    pub in_transit: InTransit,
}

impl Link {
    /// The socket whose reports count.
    pub fn socket(&self) -> Option<SocketId> {
        match self {
            Link::Opening(socket) => Some(*socket),
            Link::Greeting { socket, .. } | Link::Open(Open { socket, .. }) => Some(*socket),
            Link::Idle | Link::AwaitingToken | Link::Waiting | Link::Closed => None,
        }
    }

    /// The socket that frames may be sent on: `hello` is sent, and nothing waits for the answer to it.
    pub fn greeted(&self) -> Option<SocketId> {
        match self {
            Link::Greeting { socket, .. } | Link::Open(Open { socket, .. }) => Some(*socket),
            Link::Idle | Link::AwaitingToken | Link::Opening(_) | Link::Waiting | Link::Closed => None,
        }
    }

    /// The connection, if it is open.
    pub fn open(&self) -> Option<&Open> {
        match self {
            Link::Open(open) => Some(open),
            _ => None,
        }
    }

    /// The connection, if it is open.
    pub fn open_mut(&mut self) -> Option<&mut Open> {
        match self {
            Link::Open(open) => Some(open),
            _ => None,
        }
    }
}
