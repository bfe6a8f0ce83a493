//! The connection: its states, and what its silence means.

use super::PlainSession;
use super::replay::Subscription;
use crate::core::{Instant, SocketId};
use crate::wire::{MessageId, ServerFrame};

/// How often the session checks the connection. A plain server cannot be pinged, so this only detects that
/// the page slept.
pub(super) const HEARTBEAT_MS: u64 = 30_000;
/// If a ping of the session is later than this, the page slept. The timers of a hidden page are up to a
/// minute late.
const SLEPT_MS: u64 = 120_000;

/// The connection.
#[derive(Debug)]
pub(super) enum Connection {
    None,
    /// The socket is opening. The URL requests a replay after a message.
    Opening {
        socket: SocketId,
        url: String,
        resume_after: Option<MessageId>,
    },
    Open(Open),
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Open {
    pub socket: SocketId,
    resume_after: Option<MessageId>,
    pub opened_at: Instant,
    /// When something last arrived; `None` if nothing has yet.
    heard_at: Option<Instant>,
    /// When the session last considered it alive. It also does so when it is answered in the server's place.
    alive_at: Instant,
    liveness: Liveness,
    pub stage: Stage,
}

#[derive(Debug)]
enum Liveness {
    Trusted,
    /// If nothing arrives until then, it counts as dead.
    Suspected {
        until: Instant,
    },
}

/// What receives the messages that arrive.
#[derive(Debug)]
pub(super) enum Stage {
    /// No message has arrived, and there is no channel. One that subscribes gets the whole replay.
    Fresh,
    /// The channel.
    Subscribed(Subscription),
    /// Nothing, and messages have arrived or may have. Only another connection replays them.
    Spent,
}

impl Connection {
    /// The URL, while it is opening.
    pub fn url(&self) -> Option<&str> {
        match self {
            Connection::Opening { url, .. } => Some(url),
            Connection::None | Connection::Open(_) => None,
        }
    }

    pub fn open(&mut self) -> Option<&mut Open> {
        match self {
            Connection::Open(open) => Some(open),
            Connection::None | Connection::Opening { .. } => None,
        }
    }

    /// The channel's side of it, while a channel accepts messages.
    pub fn subscription(&mut self) -> Option<&mut Subscription> {
        match &mut self.open()?.stage {
            Stage::Subscribed(subscription) => Some(subscription),
            Stage::Fresh | Stage::Spent => None,
        }
    }

    fn is_of(&self, socket: SocketId) -> bool {
        match self {
            Connection::None => false,
            Connection::Opening { socket: current, .. } => *current == socket,
            Connection::Open(open) => open.socket == socket,
        }
    }
}

impl Open {
    /// Whether its replay brings the messages after that one; without one, what the server sends by default.
    pub fn replays_after(&self, id: Option<MessageId>) -> bool {
        self.resume_after == id || self.resume_after.zip(id).is_some_and(|(asked, id)| asked < id)
    }

    /// Something arrived.
    pub fn heard(&mut self, now: Instant) {
        self.heard_at = Some(now);
        self.alive_at = now;
        self.liveness = Liveness::Trusted;
    }

    fn silent_since(&self) -> Instant {
        self.heard_at.unwrap_or(self.opened_at)
    }

    fn suspected_until(&self) -> Option<Instant> {
        match self.liveness {
            Liveness::Trusted => None,
            Liveness::Suspected { until } => Some(until),
        }
    }
}

impl<M: Clone> PlainSession<M> {
    /// The socket is open.
    pub(super) fn opened(&mut self, socket: SocketId) {
        let Connection::Opening { socket: current, resume_after, .. } = self.connection else { return };
        if current != socket {
            return;
        }
        self.connection = Connection::Open(Open {
            socket,
            resume_after,
            opened_at: self.now,
            heard_at: None,
            alive_at: self.now,
            liveness: Liveness::Trusted,
            stage: Stage::Fresh,
        });
        self.history.connected(self.now);
        self.session.handle_open(self.now, socket);
    }

    /// The socket is closed, or never opened.
    ///
    /// Such a server rejects a token before the upgrade, which a page cannot distinguish from a network that
    /// is down, or closes without a code. So the next attempt fetches a fresh token if nothing arrived.
    pub(super) fn closed(&mut self, socket: SocketId, code: u16, message: String) {
        if !self.connection.is_of(socket) {
            return;
        }
        if self.connection.open().is_none_or(|open| open.heard_at.is_none()) {
            self.session.reject_token();
        }
        self.detach();
        self.session.handle_close(self.now, socket, code, message);
    }

    /// The connection is lost. Unanswered requests are repeated on the next one.
    pub(super) fn detach(&mut self) {
        self.connection = Connection::None;
        if !self.answers.is_empty() {
            self.answers.clear();
            self.rejected.clear();
        }
        self.order.clear();
    }

    /// The connection must show that it is alive, or it is replaced.
    pub(super) fn suspect(&mut self) {
        let Some(open) = self.connection.open() else { return };
        let until = open.silent_since().after_ms(self.config.silence_ms);
        if until > self.now {
            open.liveness = Liveness::Suspected { until };
        } else {
            let why = "the server was silent when the page woke up";
            self.session.replace_connection(self.now, open.socket, why);
        }
    }

    /// The session pings the server. A silent server is not dead, unless the application has set
    /// `heartbeat_ms` because its server is never silent for that long.
    pub(super) fn ping(&mut self) {
        let Some(open) = self.connection.open() else { return };
        let (socket, silent_ms) = (open.socket, self.now.ms_since(open.silent_since()));
        let heartbeat_ms = self.session.config().heartbeat_ms;
        if heartbeat_ms > 0 && silent_ms >= heartbeat_ms {
            let why = "the server was silent for longer than the heartbeat";
            return self.session.replace_connection(self.now, socket, why);
        }
        let late_ms = self.now.ms_since(open.alive_at).saturating_sub(HEARTBEAT_MS);
        open.alive_at = self.now;
        self.session.handle_frame(self.now, socket, ServerFrame::Pong);
        if late_ms > SLEPT_MS {
            self.suspect();
        }
    }

    /// When `connection_timeout` has something to do.
    pub(super) fn connection_deadline(&self) -> Option<Instant> {
        let Connection::Open(open) = &self.connection else { return None };
        if !self.answers.is_empty() {
            return Some(Instant(0)); // at once
        }
        let replay = match &open.stage {
            Stage::Subscribed(subscription) => subscription.deadline(),
            Stage::Fresh | Stage::Spent => None,
        };
        open.suspected_until().into_iter().chain(replay).min()
    }

    pub(super) fn connection_timeout(&mut self) {
        let Some(open) = self.connection.open() else { return };
        for answer in self.answers.drain(..) {
            self.session.handle_frame(self.now, open.socket, answer);
        }
        if open.suspected_until().is_some_and(|until| until <= self.now) {
            return self.suspect();
        }
        self.replay_timeout();
    }
}
