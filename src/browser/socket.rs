//! One WebSocket, with its reports labelled.

use js_sys::JsString;
use wasm_bindgen::prelude::*;
use web_sys::WebSocket;

use super::frame;
use crate::core::event::SocketId;

#[wasm_bindgen]
extern "C" {
    /// web-sys would copy the text through wasm memory.
    type TextSocket;
    #[wasm_bindgen(method, catch)]
    fn send(this: &TextSocket, text: &JsString) -> Result<(), JsValue>;
    #[wasm_bindgen(js_namespace = Reflect)]
    fn set(of: &WebSocket, name: &str, value: &JsValue) -> bool;
}

const HANDLERS: [&str; 3] = ["onopen", "onmessage", "onclose"];

/// What a socket reports.
pub enum Report {
    Open,
    Message(JsValue),
    Closed(u16, String),
}

/// An open or opening WebSocket. Dropping it takes the handlers off, so that nothing comes after.
pub struct Socket {
    pub id: SocketId,
    ws: WebSocket,
    _handlers: [Closure<dyn FnMut(JsValue)>; 3],
}

impl Socket {
    /// Reports on a WebSocket that was just made.
    pub fn watch(ws: WebSocket, id: SocketId, report: impl Fn(SocketId, Report) + Clone + 'static) -> Self {
        let handler = |f: fn(JsValue) -> Report| {
            let report = report.clone();
            Closure::<dyn FnMut(JsValue)>::new(move |event| report(id, f(event)))
        };
        let handlers = [
            handler(|_| Report::Open),
            handler(|event| Report::Message(frame::field(&event, "data"))),
            handler(|event| {
                // 1005: a close without a code (RFC 6455 §7.4.1).
                let code = frame::number(&event, "code").map_or(1005, |code| code as u16);
                Report::Closed(code, frame::string(&event, "reason").unwrap_or_default())
            }),
        ];
        for (name, handler) in HANDLERS.iter().zip(&handlers) {
            set(&ws, name, handler.as_ref());
        }
        Socket { id, ws, _handlers: handlers }
    }

    /// Sends a frame. A socket that can't send any more will report its close.
    pub fn send(&self, text: &JsString) {
        let _ = self.ws.unchecked_ref::<TextSocket>().send(text);
    }

    /// Bytes that wait to be sent.
    pub fn buffered_bytes(&self) -> u64 {
        self.ws.buffered_amount().into()
    }

    /// Closes. The code is one that a page may send, so this cannot fail; a socket that is closed
    /// already stays so.
    pub fn close(&self, code: u16) {
        let _ = self.ws.close_with_code(code);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        for name in HANDLERS {
            set(&self.ws, name, &JsValue::NULL);
        }
    }
}
