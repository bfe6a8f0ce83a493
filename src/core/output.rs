//! The outputs of a session: what its driver must do.

use super::event::Event;
use crate::wire::ClientFrame;

/// Identifies a socket of a session. The session ignores reports from an old socket.
pub type SocketId = u32;
/// Identifies one request of a session for a token. A late answer belongs to an earlier request.
pub type FetchId = u32;

/// Something for the driver to do. `F` is what the server is sent; in `seamline.v1`, a [`ClientFrame`].
#[derive(Clone, Debug, PartialEq)]
pub enum Output<B, D, F = ClientFrame<D>> {
    /// Open a WebSocket and report on it under this id.
    Connect(SocketId),
    /// Close that WebSocket. The session ignores later reports from it.
    Disconnect {
        /// The socket.
        socket: SocketId,
        /// 1000, or a code of 3000–4999. Browsers do not allow a page to send another.
        code: u16,
    },
    /// Send a frame.
    Send {
        /// The socket.
        socket: SocketId,
        /// The frame.
        frame: F,
    },
    /// Ask the application for a token and pass it to `handle_token`.
    FetchToken {
        /// The request.
        fetch: FetchId,
        /// Whether the last token was rejected or has expired.
        refresh: bool,
    },
    /// Report this to the application.
    Event(Event<B, D>),
}

/// The outputs in their order, without a ring buffer: that would be more code in each page. Boxed, because moving a large
/// enum around inline costs each page a kilobyte of copying code.
#[derive(Debug)]
#[allow(clippy::vec_box)]
pub(crate) struct Outputs<B, D> {
    /// Those to be performed next, the oldest last.
    next: Vec<Box<Output<B, D>>>,
    /// Those to be performed after them, the newest last.
    later: Vec<Box<Output<B, D>>>,
}

impl<B, D> Outputs<B, D> {
    pub fn new() -> Self {
        Outputs { next: Vec::new(), later: Vec::new() }
    }

    pub fn push(&mut self, output: Output<B, D>) {
        self.later.push(Box::new(output));
    }

    pub fn emit(&mut self, event: Event<B, D>) {
        self.push(Output::Event(event));
    }

    pub fn send(&mut self, socket: SocketId, frame: ClientFrame<D>) {
        self.push(Output::Send { socket, frame });
    }

    pub fn pop(&mut self) -> Option<Output<B, D>> {
        refill(&mut self.next, &mut self.later);
        self.next.pop().map(|output| *output)
    }
}

/// When there is nothing next, the later ones are. The oldest is last in `next`, and the newest in `later`.
pub(super) fn refill<T>(next: &mut Vec<T>, later: &mut Vec<T>) {
    if next.is_empty() {
        *next = std::mem::replace(later, std::mem::take(next));
        next.reverse();
    }
}
