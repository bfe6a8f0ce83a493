//! The driver's side of the plain dialect: carries objects to the translator, and its steps out.

use js_sys::{Array, Object as JsObject, Reflect};
use wasm_bindgen::prelude::*;

use super::driver::{Driver, Host, Report};
use super::frame::{self, Data};
use crate::core::{Batch, Config, Event, Instant, Output, Session, SocketId};
use crate::plain::object::{self, Object};
use crate::plain::{NUMBER_MAX, Plain, PlainConfig, Step};
use crate::wire::MessageId;

impl<H: Host> Driver<H> {
    /// A driver for a server that speaks the plain dialect.
    pub fn plain(url: String, config: Config, plain: PlainConfig, host: H) -> Self {
        let translator = Plain::new(url.clone(), plain);
        Driver::build(url, config, host, Some(translator.into()))
    }

    /// Calls the translator, if there is one, and performs what comes of it.
    pub(super) fn with_translator(
        &self,
        call: impl FnOnce(&mut Plain<JsValue>, &mut Session<JsValue, Data>, Instant),
    ) -> bool {
        let Some(plain) = &self.0.translator else { return false };
        call(&mut plain.borrow_mut(), &mut self.0.session.borrow_mut(), self.0.clock.now());
        self.perform();
        true
    }

    /// An output that is left as it is, where there is no translator or it has nothing to say.
    pub(super) fn translate(&self, output: Output<JsValue, Data>) -> Option<Output<JsValue, Data>> {
        let Some(plain) = &self.0.translator else { return Some(output) };
        let now = self.0.clock.now();
        let step = plain.borrow_mut().translate(&mut self.0.session.borrow_mut(), now, output);
        match step? {
            Step::Connect { socket, url } => self.open(socket, &url, ""),
            Step::SendText { socket, text } => self.send(socket, &text.into()),
            // What is sent is JSON text already.
            Step::SendObject { socket, object } => self.send(socket, object.unchecked_ref()),
            Step::Deliver { channel, id, batch, position_id } => {
                let batch = as_frame(batch, &id, position_id);
                self.0.host.event(Event::Deliver { channel, batch, skip: 0 });
            }
            Step::Other(output) => return Some(output),
        }
        None
    }

    /// A report that is not for a translator.
    pub(super) fn receive(&self, socket: SocketId, report: Report) -> Option<Report> {
        let Some(plain) = &self.0.translator else { return Some(report) };
        let message = match report {
            Report::Open => {
                self.with_translator(|plain, session, now| plain.handle_open(session, now, socket));
                return None;
            }
            Report::Closed(code, reason) => {
                self.with_translator(|plain, session, now| {
                    plain.handle_close(session, now, socket, code, reason);
                });
                return None;
            }
            Report::Message(message) => message,
        };
        match frame::parse(&message, &self.0.text_units) {
            Ok(value) => {
                let json = || message.as_string().unwrap_or_default(); // it was parsed: it is a text
                let incoming = object::read(value, json, plain.borrow().config());
                self.with_translator(|plain, session, now| {
                    plain.handle_object(session, now, socket, incoming);
                });
            }
            Err(message) => self.with(|session, now| session.handle_bad_frame(now, socket, message)),
        }
        None
    }

    /// The translator's deadline, if it is the earlier one.
    pub(super) fn earlier(&self, next: Option<Instant>) -> Option<Instant> {
        let Some(plain) = &self.0.translator else { return next };
        plain.borrow().poll_timeout().into_iter().chain(next).min()
    }
}

/// A message as a `msgs` frame, which is what hosts work off.
fn as_frame(batch: Batch<JsValue>, id: &str, position_id: Option<MessageId>) -> Batch<JsValue> {
    let frame = JsObject::new();
    let set = |of: &JsValue, name: &str, value: &JsValue| {
        let _ = Reflect::set(of, &name.into(), value); // a new object takes any property
    };
    let ids = Array::of1(&id.into());
    set(&ids, frame::POSITION_ID, &position_id.map_or(String::new(), |id| id.text()).into());
    set(&frame, "n", &(batch.n as f64).into());
    set(&frame, "ids", &ids);
    set(&frame, "data", &Array::of1(&batch.payload));
    set(&frame, "replay", &batch.replay.into());
    Batch { payload: frame.into(), ..batch }
}

impl Object for JsValue {
    fn member(&self, name: &str) -> Option<JsValue> {
        // `Reflect.get` throws for what is no object.
        self.is_object().then(|| frame::field(self, name))
    }

    fn as_text(&self) -> Option<String> {
        self.as_string()
    }

    fn as_integer(&self) -> Option<u64> {
        self.as_f64().and_then(frame::integer)
    }

    fn is_rounded(&self) -> bool {
        self.as_f64().is_some_and(|number| number > NUMBER_MAX as f64)
    }
}
