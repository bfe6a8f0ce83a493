//! The browser's own WebSocket. `js/src/socket.ts` wraps that of the npm package in the same way.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use js_sys::JsString;
use wasm_bindgen::prelude::*;
use web_sys::WebSocket;

use super::dialect::Codec;
use super::driver::{Driver, WeakDriver};
use super::host::{Host, Report, Transport};
use super::object;
use crate::core::SocketId;

#[wasm_bindgen]
extern "C" {
    /// The page may have replaced its WebSocket by a class that throws where web-sys expects no exception. And
    /// web-sys would copy the text through wasm memory.
    type TextSocket;
    #[wasm_bindgen(method, catch)]
    fn send(this: &TextSocket, text: &JsString) -> Result<(), JsValue>;
    #[wasm_bindgen(method, getter, js_name = bufferedAmount, catch)]
    fn buffered_amount(this: &TextSocket) -> Result<f64, JsValue>;
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
    handlers: Vec<(&'static str, Handler)>,
}

impl Socket {
    /// Makes a WebSocket that reports to the driver. The constructor throws for a page that may not use `ws:`, for
    /// instance.
    pub fn open<H: Host<Dialect: Codec>>(
        driver: &Driver<H>,
        id: SocketId,
        url: &str,
        subprotocol: &str,
    ) -> Result<Self, String> {
        let made = match subprotocol {
            "" => WebSocket::new(url),
            _ => WebSocket::new_with_str(url, subprotocol),
        };
        let ws = made.map_err(|error| cause(&error))?;
        let events = Rc::new(Events { id, driver: driver.downgrade(), look: RefCell::default() });
        let handler = |name, handle: fn(&Rc<Events<H>>, JsValue)| {
            let events = Rc::clone(&events);
            let handler = Handler::new(move |event| handle(&events, event));
            let _ = set(&ws, name, handler.as_ref());
            (name, handler)
        };
        let handlers = vec![
            handler("onopen", |events, _| events.report(Report::Open)),
            handler("onmessage", |events, event| {
                events.receive(&object::property(&event, "data"));
            }),
            handler("onclose", |events, event| {
                // 1005: a close without a code (RFC 6455 §7.4.1).
                let code = object::property(&event, "code").as_f64().map_or(1005, |code| code as u16);
                let reason = object::property(&event, "reason").as_string().unwrap_or_default();
                events.report(Report::Closed(code, reason));
            }),
            handler("onerror", Events::failed),
        ];
        Ok(Socket(Rc::new(Watched { ws, handlers })))
    }
}

impl Socket {
    /// Sends a frame. Returns the cause if that fails.
    pub fn send(&self, text: &JsString) -> Result<(), String> {
        self.0.ws.unchecked_ref::<TextSocket>().send(text).map_err(|error| cause(&error))
    }
}

impl Transport for Socket {
    fn buffered_bytes(&self) -> u64 {
        self.0.ws.unchecked_ref::<TextSocket>().buffered_amount().map_or(0, |bytes| bytes as u64)
    }

    fn close(&self, code: u16) {
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
struct Events<H: Host> {
    id: SocketId,
    driver: WeakDriver<H>,
    /// Checks whether a `close` follows an `error`.
    look: RefCell<Option<Timeout>>,
}

impl<H: Host<Dialect: Codec>> Events<H> {
    fn report(&self, report: Report) {
        if let Some(driver) = self.driver.upgrade() {
            driver.handle(self.id, report);
        }
    }

    fn receive(&self, text: &JsValue) {
        if let Some(driver) = self.driver.upgrade() {
            driver.receive(self.id, text);
        }
    }

    /// A `close` follows in the same turn of the event loop, unless the page's policy forbids the connection.
    /// It drops these events, and the check with them.
    fn failed(self: &Rc<Self>, _: JsValue) {
        let events = Rc::downgrade(self);
        let look = move || {
            if let Some(events) = events.upgrade() {
                events.report(Report::Closed(1006, BLOCKED.to_owned()));
            }
        };
        drop(self.look.replace(Some(Timeout::new(0, look))));
    }
}

/// The message of a WebSocket's exception.
fn cause(error: &JsValue) -> String {
    object::property(error, "message").as_string().unwrap_or_default()
}
