//! Runs a session in a page: one WebSocket, one timer.
//!
//! One rule makes re-entry harmless: the session is borrowed only for the length of one call into it. Its
//! outputs are performed after that, with nothing borrowed, so an application's handler may call back into
//! the client at any time. Such a call adds outputs, and the loop that is already running performs them, in
//! order.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

#[cfg(not(feature = "js-texts"))]
use wasm_bindgen::JsValue;

use super::clock::Clock;
#[cfg(not(feature = "js-texts"))]
use super::dialect::Codec;
use super::dialect::{Dialect, Frame, Messages};
use super::host::{Host, Transport};
use super::value::Data;
use crate::core::{Config, Instant, Output, Protocol, SocketId, Stats};
use crate::wire::Text;
use crate::wire::close::NORMAL;

/// A page's timers take a signed 32-bit number of milliseconds. A longer one fires at once. A timer that
/// fires early does no harm.
const TIMEOUT_MS_MAX: u64 = 3_600_000;

type Session<H> = <<H as Host>::Dialect as Dialect>::Session;
#[cfg(not(feature = "js-texts"))]
type Incoming<H> = <Session<H> as Protocol>::Incoming;

/// A session with its socket and timer. Cheap to clone. Dropping the last clone closes the socket.
pub struct Driver<H: Host>(Rc<Inner<H>>);

impl<H: Host> Clone for Driver<H> {
    fn clone(&self) -> Self {
        Driver(Rc::clone(&self.0))
    }
}

struct Inner<H: Host> {
    url: Text,
    host: H,
    dialect: H::Dialect,
    clock: Clock,
    session: RefCell<Session<H>>,
    socket: RefCell<Option<(SocketId, H::Socket)>>,
    /// When the timer fires, if it is set.
    armed: Cell<Option<Instant>>,
    performing: Cell<bool>,
    /// Whether the socket is being asked for its buffered bytes.
    measuring: Cell<bool>,
}

impl<H: Host> Driver<H> {
    /// A driver that does nothing until `connect` is called on its session.
    pub fn new(url: Text, config: Config, dialect: H::Dialect, host: H) -> Self {
        let clock = Clock::new();
        let seed = js_sys::Math::random().to_bits();
        let session = RefCell::new(dialect.session(&url, config, seed, clock.now()));
        Driver(Rc::new(Inner {
            url,
            host,
            dialect,
            clock,
            session,
            socket: RefCell::default(),
            armed: Cell::default(),
            performing: Cell::new(false),
            measuring: Cell::new(false),
        }))
    }

    /// Calls into the session, then performs its outputs.
    pub fn with<T>(&self, call: impl FnOnce(&mut Session<H>, Instant) -> T) -> T {
        let now = self.0.clock.now();
        let result = call(&mut self.0.session.borrow_mut(), now);
        self.perform();
        result
    }

    /// The counters so far.
    pub fn stats(&self) -> Stats {
        self.0.session.borrow().stats()
    }

    /// The timer is not set any more.
    pub fn timer_fired(&self) {
        self.0.armed.set(None);
    }

    /// A socket is closed, or never opened.
    pub fn forget_socket(&self, id: SocketId) {
        drop(self.take_socket(id));
    }

    /// The application's side.
    pub fn host(&self) -> &H {
        &self.0.host
    }

    /// Bytes that wait in the socket. The socket's class may be the application's. If it answers with a call that asks
    /// again, that one gets 0; otherwise it would never end.
    pub fn buffered_bytes(&self) -> u64 {
        let socket = self.0.socket.borrow().clone();
        if self.0.measuring.replace(true) {
            return 0;
        }
        let bytes = socket.map_or(0, |(_, socket)| socket.buffered_bytes());
        self.0.measuring.set(false);
        bytes
    }

    fn perform(&self) {
        if self.0.performing.replace(true) {
            return;
        }
        loop {
            let output = self.0.session.borrow_mut().poll_output();
            match output {
                Some(output) => self.act(&output),
                None => break,
            }
        }
        self.0.performing.set(false);
        self.arm();
    }

    /// Borrows the output: moving its parts is more code.
    fn act(&self, output: &Output<Messages<H::Dialect>, Data, <Session<H> as Protocol>::Frame>) {
        match output {
            Output::Connect(id) => self.open(*id),
            Output::Disconnect { socket, code } => {
                if let Some(socket) = self.take_socket(*socket) {
                    socket.close(*code);
                }
            }
            Output::Send { socket, frame } => self.send(*socket, frame),
            Output::FetchToken { fetch, refresh } => H::fetch_token(self, *fetch, *refresh),
            Output::Event(event) => self.0.host.event(event),
        }
    }

    /// Sends a frame. If that fails, the connection ends at once, with the cause, so that nothing waits for
    /// an answer.
    fn send(&self, id: SocketId, frame: &Frame<H::Dialect>) {
        let socket = self.0.socket.borrow().clone();
        let Some((_, socket)) = socket.filter(|(open, _)| *open == id) else { return };
        if let Err(cause) = H::send(&socket, frame) {
            socket.close(NORMAL);
            self.closed(id, cause);
        }
    }

    fn take_socket(&self, id: SocketId) -> Option<H::Socket> {
        let open = self.0.socket.borrow_mut().take_if(|(open, _)| *open == id);
        open.map(|(_, socket)| socket)
    }

    fn open(&self, id: SocketId) {
        let url = self.0.session.borrow().url().map(ToOwned::to_owned);
        let url = url.as_ref().unwrap_or(&self.0.url);
        match H::socket(self, id, url, self.0.dialect.subprotocol()) {
            Ok(socket) => drop(self.0.socket.replace(Some((id, socket)))),
            Err(cause) => self.closed(id, cause),
        }
    }

    /// Whether outputs are being performed.
    pub fn performing(&self) -> bool {
        self.0.performing.get()
    }

    /// A socket never opened, or is unusable.
    fn closed(&self, id: SocketId, cause: Text) {
        self.forget_socket(id);
        self.with(|session, now| session.handle_close(now, id, 1006, cause));
    }

    /// Keeps one timer, for the next deadline. A timer that is set too early still fires and checks again,
    /// which saves a timer per frame.
    fn arm(&self) {
        let next = self.0.session.borrow().poll_timeout();
        let armed = self.0.armed.get();
        match next {
            Some(at) if armed.is_none_or(|armed| at < armed) => {
                self.0.armed.set(next);
                let wait_ms = at.ms_since(self.0.clock.now()).min(TIMEOUT_MS_MAX);
                H::set_timer(self, Some(wait_ms as u32));
            }
            None if armed.is_some() => {
                self.0.armed.set(None);
                H::set_timer(self, None);
            }
            _ => {}
        }
    }
}

#[cfg(not(feature = "js-texts"))]
impl<H: Host<Dialect: Codec>> Driver<H> {
    /// Reads a frame.
    pub fn decode(&self, text: &JsValue) -> Result<Incoming<H>, String> {
        self.0.dialect.decode(text)
    }
}
