//! The browser's own WebSocket. `js/src/socket.ts` wraps that of the npm package in the same way.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use wasm_bindgen::prelude::*;
use web_sys::WebSocket;

use super::object;
use super::platform::{Runtime, timeout};
use crate::client::platform::Report;

#[wasm_bindgen]
extern "C" {
    /// The page may have replaced its WebSocket by a class that throws where web-sys expects no exception.
    type AnySocket;
    #[wasm_bindgen(method, catch)]
    fn send(this: &AnySocket, text: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(method, getter, js_name = bufferedAmount, catch)]
    fn buffered_amount(this: &AnySocket) -> Result<f64, JsValue>;
    #[wasm_bindgen(js_namespace = Reflect, catch)]
    fn set(of: &WebSocket, name: &str, value: &JsValue) -> Result<bool, JsValue>;
}

/// Chromium reports a connection that the page's policy forbids in no other way.
const BLOCKED: &str =
    "the browser blocked the connection; does the page's Content-Security-Policy allow it in connect-src?";

type Handler = Closure<dyn Fn(JsValue)>;

/// An open or opening WebSocket.
#[derive(Clone)]
pub struct Socket(Rc<Watched>);

/// Dropping it removes the handlers, so that nothing is reported afterwards.
struct Watched {
    ws: WebSocket,
    /// Whether it is being asked for its buffered bytes.
    measuring: Cell<bool>,
    handlers: Vec<(&'static str, Handler)>,
}

impl Socket {
    /// Makes a WebSocket that reports what happens, after this call. Without a subprotocol if it is empty. The
    /// constructor throws for a page that may not use `ws:`, for instance.
    pub fn open(
        _runtime: &Runtime,
        url: &str,
        subprotocol: &str,
        report: impl Fn(Report) + 'static,
    ) -> Result<Self, String> {
        let made = match subprotocol {
            "" => WebSocket::new(url),
            _ => WebSocket::new_with_str(url, subprotocol),
        };
        let ws = made.map_err(|error| cause(&error))?;
        let events = Rc::new(Events { report: Box::new(report), look: RefCell::default() });
        let handler = |name, handle: fn(&Rc<Events>, JsValue)| {
            let events = Rc::clone(&events);
            let handler = Handler::new(move |event| handle(&events, event));
            let _ = set(&ws, name, handler.as_ref());
            (name, handler)
        };
        let handlers = vec![
            handler("onopen", |events, _| (events.report)(Report::Open)),
            handler("onmessage", |events, event| {
                let text = object::property(&event, "data").as_string();
                (events.report)(text.map_or(Report::Binary, Report::Text));
            }),
            handler("onclose", |events, event| {
                // 1005: a close without a code (RFC 6455 §7.4.1).
                let code = object::property(&event, "code").as_f64().map_or(1005, |code| code as u16);
                let reason = object::property(&event, "reason").as_string().unwrap_or_default();
                (events.report)(Report::Closed(code, reason));
            }),
            handler("onerror", Events::failed),
        ];
        Ok(Socket(Rc::new(Watched { ws, measuring: Cell::new(false), handlers })))
    }

    /// Sends a frame. Returns the cause if that fails.
    pub fn send(&self, text: String) -> Result<(), String> {
        self.0.ws.unchecked_ref::<AnySocket>().send(&text).map_err(|error| cause(&error))
    }

    /// Bytes that wait to be sent. The socket's class may be the application's. If it answers with a call that asks
    /// again, that one gets 0; otherwise it would never end.
    pub fn buffered_bytes(&self) -> u64 {
        if self.0.measuring.replace(true) {
            return 0;
        }
        let bytes = self.0.ws.unchecked_ref::<AnySocket>().buffered_amount();
        self.0.measuring.set(false);
        bytes.map_or(0, |bytes| bytes as u64)
    }

    /// Closes with a code that a page may send. It reports nothing after that.
    pub fn close(&self, code: u16) {
        self.0.release();
        let _ = self.0.ws.close_with_code(code); // a socket that is closed already stays so
    }
}

impl Watched {
    fn release(&self) {
        for (name, _) in &self.handlers {
            let _ = set(&self.ws, name, &JsValue::NULL);
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.release();
    }
}

/// Turns the events of a WebSocket into reports.
struct Events {
    report: Box<dyn Fn(Report)>,
    /// Checks whether a `close` follows an `error`.
    look: RefCell<Option<Timeout>>,
}

impl Events {
    /// A `close` follows in the same turn of the event loop, unless the page's policy forbids the connection.
    /// It drops these events, and the check with them.
    fn failed(self: &Rc<Self>, _: JsValue) {
        let events = Rc::downgrade(self);
        let look = move || {
            if let Some(events) = events.upgrade() {
                (events.report)(Report::Closed(1006, BLOCKED.to_owned()));
            }
        };
        drop(self.look.replace(Some(timeout(0, Box::new(look)))));
    }
}

/// The message of a WebSocket's exception.
fn cause(error: &JsValue) -> String {
    object::property(error, "message").as_string().unwrap_or_default()
}
