//! Runs a [`Session`] in a page: one WebSocket, one timer.
//!
//! The rule that makes re-entry harmless: the session is borrowed only for the length of one call
//! into it. Its outputs are performed after that, with nothing borrowed, so a handler of the
//! application may call back into the client whenever it likes. Such a call adds outputs; the loop
//! that is already running performs them, in order.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use gloo_timers::callback::Timeout;
use js_sys::JsString;
use wasm_bindgen::prelude::*;
use web_sys::WebSocket;

use super::clock::Clock;
use super::frame::{self, Data, Incoming};
use super::socket::{Report, Socket};
use crate::core::config::Config;
use crate::core::event::{Event, FetchId, Output, SocketId};
use crate::core::session::Session;
use crate::core::timer::Instant;
use crate::wire::SUBPROTOCOL;

/// Timers of a page take a signed 32-bit number of milliseconds; a longer one fires at once. A timer
/// that fires early does no harm.
const TIMEOUT_MS_MAX: u64 = 3_600_000;

/// The application's side of a driver. Nothing is borrowed when these are called.
pub trait Host: Sized + 'static {
    /// Tells the application something.
    fn event(&self, event: Event<JsValue, Data>);
    /// Makes a WebSocket, without a subprotocol where `protocol` is empty. An error is one that the
    /// constructor throws, such as for a page that may not use `ws:`.
    fn socket(&self, url: &str, protocol: &str) -> Result<WebSocket, JsValue> {
        match protocol {
            "" => WebSocket::new(url),
            _ => WebSocket::new_with_str(url, protocol),
        }
    }
    /// Asks the application for a token; the answer goes to `handle_token` of the driver's session.
    fn fetch_token(driver: &Driver<Self>, fetch: FetchId, refresh: bool);
}

/// What translates between the session and another wire, where there is one.
#[cfg(feature = "plain")]
pub(super) type Translator = Option<RefCell<crate::core::plain::Plain<JsValue>>>;
#[cfg(not(feature = "plain"))]
type Translator = ();

/// A session, and what carries it. Cheap to clone; the last clone closes the socket.
pub struct Driver<H>(pub(super) Rc<Inner<H>>);

impl<H> Clone for Driver<H> {
    fn clone(&self) -> Self {
        Driver(Rc::clone(&self.0))
    }
}

/// A driver that may be gone. Closures hold one of these: the driver must be able to go.
pub struct WeakDriver<H>(Weak<Inner<H>>);

impl<H> WeakDriver<H> {
    /// The driver, if it is still there.
    pub fn upgrade(&self) -> Option<Driver<H>> {
        self.0.upgrade().map(Driver)
    }
}

pub(super) struct Inner<H> {
    url: String,
    pub(super) host: H,
    pub(super) clock: Clock,
    pub(super) session: RefCell<Session<JsValue, Data>>,
    #[cfg_attr(not(feature = "plain"), allow(dead_code))]
    pub(super) translator: Translator,
    pub(super) socket: RefCell<Option<Socket>>,
    timeout: RefCell<Option<(Instant, Timeout)>>,
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
            timeout: RefCell::default(),
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
        self.with(|session, now| session.handle_wake(now));
    }

    fn timeout(&self) {
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
        self.0.socket.borrow().as_ref().map_or(0, Socket::buffered_bytes)
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
                if let Some(socket) = self.0.socket.borrow_mut().take_if(|open| open.id == socket) {
                    socket.close(code);
                }
            }
            Output::Send { socket, frame } => {
                self.send(socket, &frame::encode(&frame));
            }
            Output::FetchToken { fetch, refresh } => H::fetch_token(self, fetch, refresh),
            Output::Event(event) => self.0.host.event(event),
        }
    }

    pub(super) fn send(&self, socket: SocketId, text: &JsString) {
        if let Some(open) = self.0.socket.borrow().as_ref().filter(|open| open.id == socket) {
            open.send(text);
        }
    }

    pub(super) fn open(&self, id: SocketId, url: &str, protocol: &str) {
        let weak = Rc::new(self.downgrade());
        match self.0.host.socket(url, protocol) {
            Ok(ws) => {
                let socket = Socket::watch(ws, id, move |id, report| {
                    if let Some(driver) = weak.upgrade() {
                        driver.report(id, report);
                    }
                });
                *self.0.socket.borrow_mut() = Some(socket);
            }
            Err(error) => {
                let message = frame::string(&error, "message").unwrap_or_default();
                self.report(id, Report::Closed(1006, message));
            }
        }
    }

    fn report(&self, id: SocketId, report: Report) {
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
        let mut timeout = self.0.timeout.borrow_mut();
        let Some(at) = next else {
            timeout.take();
            return;
        };
        if timeout.as_ref().is_some_and(|(armed, _)| *armed <= at) {
            return;
        }
        let wait_ms = at.ms_since(self.0.clock.now()).min(TIMEOUT_MS_MAX);
        let weak = self.downgrade();
        let fire = move || {
            if let Some(driver) = weak.upgrade() {
                driver.0.timeout.take();
                driver.timeout();
            }
        };
        *timeout = Some((at, Timeout::new(wait_ms as u32, fire)));
    }
}
