//! Runs a [`Session`] in a page: one WebSocket, one timer.
//!
//! The rule that makes re-entry harmless: the session is borrowed only for the length of one call
//! into it. Its outputs are performed after that, with nothing borrowed, so a handler of the
//! application may call back into the client whenever it likes. Such a call adds outputs; the loop
//! that is already running performs them, in order.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use js_sys::JsString;
use wasm_bindgen::prelude::*;

use super::clock::Clock;
use super::frame::{self, Data, Incoming};
use crate::core::{Config, Event, FetchId, Instant, Output, Session, SocketId};
use crate::wire::SUBPROTOCOL;
use crate::wire::close::NORMAL;

/// Timers of a page take a signed 32-bit number of milliseconds; a longer one fires at once. A timer
/// that fires early does no harm.
const TIMEOUT_MS_MAX: u64 = 3_600_000;

/// The application's side of a driver. Nothing is borrowed when these are called.
pub trait Host: Sized + 'static {
    /// What carries a connection.
    type Socket: Transport;
    /// Tells the application something.
    fn event(&self, event: Event<JsValue, Data>);
    /// Makes a WebSocket that reports to [`Driver::handle`], without a subprotocol if `protocol` is empty.
    /// Returns the cause if that fails.
    fn socket(driver: &Driver<Self>, id: SocketId, url: &str, protocol: &str)
    -> Result<Self::Socket, String>;
    /// Sets the driver's one timer, which replaces the previous one, or clears it. The timer calls
    /// [`Driver::timeout`].
    fn set_timer(driver: &Driver<Self>, wait_ms: Option<u32>);
    /// Asks the application for a token; the answer goes to `handle_token` of the driver's session.
    fn fetch_token(driver: &Driver<Self>, fetch: FetchId, refresh: bool);
}

/// A WebSocket, open or opening. Its methods do not throw and report nothing before they return. After `close`, or
/// when it is dropped, it reports nothing.
pub trait Transport: Clone {
    /// Sends a frame. Returns the cause if that fails.
    fn send(&self, text: &JsString) -> Result<(), String>;
    /// Bytes that wait to be sent.
    fn buffered_bytes(&self) -> u64;
    /// Closes with a code that a page may send.
    fn close(&self, code: u16);
}

/// What a socket reports.
pub enum Report {
    /// It is open.
    Open,
    /// A frame came.
    Message(JsValue),
    /// It is closed, or never opened: the code, and the reason or the cause.
    Closed(u16, String),
}

/// What translates between the session and another wire, where there is one.
#[cfg(feature = "plain")]
pub(super) type Translator = Option<RefCell<crate::plain::Plain<JsValue>>>;
#[cfg(not(feature = "plain"))]
type Translator = ();

/// A session, and what carries it. Cheap to clone; the last clone closes the socket.
pub struct Driver<H: Host>(pub(super) Rc<Inner<H>>);

impl<H: Host> Clone for Driver<H> {
    fn clone(&self) -> Self {
        Driver(Rc::clone(&self.0))
    }
}

/// A driver that may be gone. Closures hold one of these: the driver must be able to go.
pub struct WeakDriver<H: Host>(Weak<Inner<H>>);

impl<H: Host> WeakDriver<H> {
    /// The driver, if it is still there.
    pub fn upgrade(&self) -> Option<Driver<H>> {
        self.0.upgrade().map(Driver)
    }
}

pub(super) struct Inner<H: Host> {
    url: String,
    pub(super) host: H,
    pub(super) clock: Clock,
    pub(super) session: RefCell<Session<JsValue, Data>>,
    #[cfg_attr(not(feature = "plain"), allow(dead_code))]
    pub(super) translator: Translator,
    socket: RefCell<Option<(SocketId, H::Socket)>>,
    /// When the timer fires, if it is set.
    armed: Cell<Option<Instant>>,
    performing: Cell<bool>,
    pub(super) text_units: Cell<f64>,
}

impl<H: Host> Driver<H> {
    /// A driver that does nothing until the session is told to connect.
    pub fn new(url: String, config: Config, host: H) -> Self {
        Driver::build(url, config, host, Translator::default())
    }

    #[cfg_attr(not(feature = "plain"), allow(clippy::let_unit_value))]
    pub(super) fn build(url: String, config: Config, host: H, translator: Translator) -> Self {
        let clock = Clock::new();
        let seed = (js_sys::Math::random() * u64::MAX as f64) as u64;
        let session = RefCell::new(Session::new(config, seed, clock.now()));
        Driver(Rc::new(Inner {
            url,
            host,
            clock,
            session,
            translator,
            socket: RefCell::default(),
            armed: Cell::default(),
            performing: Cell::new(false),
            text_units: Cell::new(0.0),
        }))
    }

    /// Calls into the session, then performs what comes out of it.
    pub fn with<T>(&self, call: impl FnOnce(&mut Session<JsValue, Data>, Instant) -> T) -> T {
        let now = self.0.clock.now();
        let result = call(&mut self.0.session.borrow_mut(), now);
        self.perform();
        result
    }

    /// The page woke up, became visible or came online.
    pub fn wake(&self) {
        #[cfg(feature = "plain")]
        if self.with_translator(|plain, session, now| plain.handle_wake(session, now)) {
            return;
        }
        let buffered_bytes = self.buffered_bytes();
        self.with(|session, now| {
            session.set_buffered_bytes(buffered_bytes);
            session.handle_wake(now);
        });
    }

    /// The timer has fired.
    pub fn timeout(&self) {
        self.0.armed.set(None);
        #[cfg(feature = "plain")]
        self.with_translator(|plain, session, now| plain.handle_timeout(session, now));
        let buffered_bytes = self.buffered_bytes();
        self.with(|session, now| {
            session.set_buffered_bytes(buffered_bytes);
            session.handle_timeout(now);
        });
    }

    /// The same driver, without keeping it.
    pub fn downgrade(&self) -> WeakDriver<H> {
        WeakDriver(Rc::downgrade(&self.0))
    }

    /// The application's side.
    pub fn host(&self) -> &H {
        &self.0.host
    }

    /// Bytes that wait in the socket.
    pub fn buffered_bytes(&self) -> u64 {
        let socket = self.0.socket.borrow().clone();
        socket.map_or(0, |(_, socket)| socket.buffered_bytes())
    }

    /// The length of all text that came in, in UTF-16 code units: bytes, where the text is ASCII.
    pub fn text_units(&self) -> f64 {
        self.0.text_units.get()
    }

    pub(super) fn perform(&self) {
        if self.0.performing.replace(true) {
            return;
        }
        loop {
            let output = self.0.session.borrow_mut().poll_output();
            match output {
                Some(output) => self.act(output),
                None => break,
            }
        }
        self.0.performing.set(false);
        self.arm();
    }

    fn act(&self, output: Output<JsValue, Data>) {
        #[cfg(feature = "plain")]
        let Some(output) = self.translate(output) else { return };
        match output {
            Output::Connect(id) => self.open(id, &self.0.url, SUBPROTOCOL),
            Output::Disconnect { socket, code } => {
                if let Some(socket) = self.take_socket(socket) {
                    socket.close(code);
                }
            }
            Output::Send { socket, frame } => self.send(socket, &frame::encode(&frame)),
            Output::FetchToken { fetch, refresh } => H::fetch_token(self, fetch, refresh),
            Output::Event(event) => self.0.host.event(event),
        }
    }

    /// Sends a frame. If that fails, the connection ends at once, with the cause, so that nobody waits for an
    /// answer.
    pub(super) fn send(&self, id: SocketId, text: &JsString) {
        let socket = self.0.socket.borrow().clone();
        let Some((_, socket)) = socket.filter(|(open, _)| *open == id) else { return };
        if let Err(cause) = socket.send(text) {
            socket.close(NORMAL);
            self.handle(id, Report::Closed(1006, cause));
        }
    }

    fn take_socket(&self, id: SocketId) -> Option<H::Socket> {
        let open = self.0.socket.borrow_mut().take_if(|(open, _)| *open == id);
        open.map(|(_, socket)| socket)
    }

    pub(super) fn open(&self, id: SocketId, url: &str, protocol: &str) {
        match H::socket(self, id, url, protocol) {
            Ok(socket) => drop(self.0.socket.replace(Some((id, socket)))),
            Err(cause) => self.handle(id, Report::Closed(1006, cause)),
        }
    }

    /// Whether outputs are being performed.
    pub fn performing(&self) -> bool {
        self.0.performing.get()
    }

    /// A socket reports something.
    pub fn handle(&self, id: SocketId, report: Report) {
        if let Report::Closed(..) = report {
            drop(self.take_socket(id));
        }
        #[cfg(feature = "plain")]
        let Some(report) = self.receive(id, report) else { return };
        let message = match report {
            Report::Open => return self.with(|session, now| session.handle_open(now, id)),
            Report::Closed(code, reason) => {
                return self.with(|session, now| session.handle_close(now, id, code, reason));
            }
            Report::Message(message) => message,
        };
        match frame::decode(&message, &self.0.text_units) {
            Ok(Incoming::Messages(ch, batch)) => {
                self.with(|session, now| session.handle_messages(now, id, &ch, batch));
            }
            Ok(Incoming::Frame(frame)) => self.with(|session, now| session.handle_frame(now, id, frame)),
            Ok(Incoming::Unknown) => self.with(|session, now| session.handle_unknown_frame(now, id)),
            Err(message) => self.with(|session, now| session.handle_bad_frame(now, id, message)),
        }
    }

    /// Keeps one timer, for the next deadline. One that is set too early is left to fire and look
    /// again, which spares a timer per frame.
    fn arm(&self) {
        let next = self.0.session.borrow().poll_timeout();
        #[cfg(feature = "plain")]
        let next = self.earlier(next);
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
