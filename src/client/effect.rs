//! What an engine asks its driver to do, with nothing locked: it may run code of the application.

use std::collections::VecDeque;
use std::task::Waker;

use futures_channel::oneshot;

use super::{Error, Published};
use crate::core::{FetchId, SocketId};

/// The answer to a publication.
pub(super) type Answer = Result<Published, Error>;

/// Something to do.
pub(super) enum Effect {
    Connect(SocketId),
    Disconnect { socket: SocketId, code: u16 },
    Send { socket: SocketId, frame: String },
    FetchToken { fetch: FetchId, refresh: bool },
    Wake(Waker),
    Answer(oneshot::Sender<Answer>, Answer),
}

/// What is to be done, in order.
#[derive(Default)]
pub(super) struct Effects(VecDeque<Effect>);

impl Effects {
    pub fn push(&mut self, effect: Effect) {
        self.0.push_back(effect);
    }

    pub fn wake(&mut self, waker: Waker) {
        self.push(Effect::Wake(waker));
    }

    pub fn pop(&mut self) -> Option<Effect> {
        self.0.pop_front()
    }
}
