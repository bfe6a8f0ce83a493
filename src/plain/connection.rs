//! A connection of the plain dialect: what happens to it, and what its silence means.

use super::*;

/// How often the session looks after the connection. A plain server cannot be asked, so this serves
/// only to notice that the page slept.
pub(super) const HEARTBEAT_MS: u64 = 30_000;
/// A question of the session's that is late by more was slept through. A hidden page's timers are late
/// by up to a minute.
const SLEPT_MS: u64 = 120_000;

/// What is known of one connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub socket: SocketId,
    /// After which message the server was asked to begin.
    asked: Option<MessageId>,
    pub opened_at: Option<Instant>,
    /// When something came.
    heard_at: Instant,
    /// When the session last took it for alive, be it by an answer that was given in the server's place.
    alive_at: Instant,
    /// Whether anything came at all.
    anything: bool,
    /// Whether the channel takes what comes.
    pub subscribed: bool,
    /// Whether something was subscribed to, or was not taken: another replay needs another connection.
    pub touched: bool,
    /// Whether the replay counts as over …
    pub caught_up: bool,
    /// … and the application was told.
    pub told_live: bool,
    /// When it will count as over if no message comes.
    pub quiet_at: Option<Instant>,
    /// When a missing number is given up waiting for.
    pub hole_at: Option<Instant>,
    /// The highest number that came a second time: how far the replay is.
    pub replayed: u64,
    /// When the connection is given up if nothing comes.
    suspect_at: Option<Instant>,
}

impl Connection {
    pub fn new(socket: SocketId, asked: Option<MessageId>) -> Self {
        Connection {
            socket,
            asked,
            opened_at: None,
            heard_at: Instant(0),
            alive_at: Instant(0),
            anything: false,
            subscribed: false,
            touched: false,
            caught_up: false,
            told_live: false,
            quiet_at: None,
            hole_at: None,
            replayed: 0,
            suspect_at: None,
        }
    }

    /// Whether its replay brings what follows that message; without one, what a server sends of its own accord.
    pub fn replays_after(&self, id: Option<MessageId>) -> bool {
        self.asked == id || self.asked.zip(id).is_some_and(|(asked, id)| asked < id)
    }

    pub fn heard(&mut self, now: Instant) {
        self.heard_at = now;
        self.alive_at = now;
        self.anything = true;
        self.suspect_at = None;
    }
}

impl<M: Clone> Plain<M> {
    /// A socket is open.
    pub fn handle_open(&mut self, session: &mut Session<M, M>, now: Instant, socket: SocketId) {
        let Some(connection) = self.connection.as_mut().filter(|open| open.socket == socket) else { return };
        connection.opened_at = Some(now);
        connection.heard_at = now;
        connection.alive_at = now;
        self.settle.connected(now);
        session.handle_open(now, socket);
    }

    /// A socket is closed, or never opened.
    ///
    /// Such a server refuses a token before the upgrade, which a page cannot tell from a network that
    /// is down, or closes without a code. So the next attempt fetches its token anew if nothing came.
    pub fn handle_close(
        &mut self,
        session: &mut Session<M, M>,
        now: Instant,
        socket: SocketId,
        code: u16,
        message: String,
    ) {
        let Some(connection) = self.connection.as_ref().filter(|open| open.socket == socket) else { return };
        if !connection.anything {
            session.doubt_token();
        }
        self.detach();
        session.handle_close(now, socket, code, message);
    }

    /// The page woke up, became visible or came online. Whether the connection still lives cannot be
    /// asked, so it must show it soon, or is replaced; the replay costs little, a dead socket much.
    pub fn handle_wake(&mut self, session: &mut Session<M, M>, now: Instant) {
        self.suspect(session, now);
        session.handle_wake(now);
    }

    fn suspect(&mut self, session: &mut Session<M, M>, now: Instant) {
        let Some(connection) = self.connection.as_mut().filter(|open| open.opened_at.is_some()) else {
            return;
        };
        let due = connection.heard_at.after_ms(self.config.silence_ms);
        if due > now {
            connection.suspect_at = Some(due);
        } else {
            session.reconnect(now, connection.socket, "nothing came, and this server cannot be asked");
        }
    }

    /// The session asks whether the server lives. A silent server is not dead, unless the application
    /// says (`heartbeat_ms`) that this one is never silent for so long.
    pub(super) fn ping(&mut self, session: &mut Session<M, M>, now: Instant) {
        let Some(connection) = &mut self.connection else { return };
        let (socket, silent_ms) = (connection.socket, now.ms_since(connection.heard_at));
        let asked_ms = session.heartbeat_ms();
        if asked_ms > 0 && silent_ms >= asked_ms {
            return session.reconnect(now, socket, "nothing came for the time of the heartbeat");
        }
        let overdue_ms = now.ms_since(connection.alive_at).saturating_sub(HEARTBEAT_MS);
        connection.alive_at = now;
        session.handle_frame(now, socket, ServerFrame::Pong);
        if overdue_ms > SLEPT_MS {
            self.suspect(session, now);
        }
    }

    /// When to call `handle_timeout`, if nothing else happens.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let connection = self.connection.as_ref()?;
        if !self.answers.is_empty() {
            return Some(Instant(0)); // at once
        }
        [connection.quiet_at, connection.hole_at, connection.suspect_at].into_iter().flatten().min()
    }

    /// A deadline of `poll_timeout` has come. Calling it too early or too late does no harm.
    pub fn handle_timeout(&mut self, session: &mut Session<M, M>, now: Instant) {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let Some(connection) = &mut self.connection else { return };
        for answer in self.answers.drain(..) {
            session.handle_frame(now, connection.socket, answer);
        }
        if due(connection.suspect_at) {
            connection.suspect_at = None;
            return self.suspect(session, now);
        }
        if due(connection.hole_at) {
            connection.hole_at = None;
            return self.hole(session, now);
        }
        if due(connection.quiet_at) {
            self.quiet(session, now);
        }
    }
}
