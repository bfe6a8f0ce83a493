//! The plain dialect: flat objects between JavaScript values and a [`PlainSession`].

use js_sys::JsString;
use wasm_bindgen::prelude::*;

use super::dialect::{Codec, Dialect};
use super::object::{field, parse};
use super::value::{self, Data};
use crate::core::{Config, Instant};
use crate::plain::object::{self, Object};
use crate::plain::{Frame, Incoming, NUMBER_MAX, PlainConfig, PlainSession};

/// The dialect of a server that sends flat objects.
pub struct Plain(pub PlainConfig);

impl Dialect for Plain {
    type Session = PlainSession<Data>;

    fn subprotocol(&self) -> &'static str {
        ""
    }

    fn session(&self, url: &str, config: Config, seed: u64, now: Instant) -> Self::Session {
        PlainSession::new(url.to_owned(), config, self.0.clone(), seed, now)
    }
}

impl Codec for Plain {
    fn decode(&self, text: &JsValue) -> Result<Incoming<Data>, String> {
        let value = parse(text)?;
        let json = || text.as_string().unwrap_or_default(); // it was parsed: it is a text
        Ok(object::read(value, json, &self.0))
    }

    fn encode(frame: &Frame<Data>) -> JsString {
        match frame {
            Frame::Ack(json) => json.as_str().into(),
            Frame::Cast(data) => data.clone().unchecked_into(), // a payload is JSON text
        }
    }
}

impl Object for JsValue {
    fn member(&self, name: &str) -> Option<JsValue> {
        // `Reflect.get` throws for what is no object.
        self.is_object().then(|| field(self, name))
    }

    fn as_text(&self) -> Option<String> {
        self.as_string()
    }

    fn as_integer(&self) -> Option<u64> {
        self.as_f64().and_then(value::integer)
    }

    fn is_rounded(&self) -> bool {
        self.as_f64().is_some_and(|number| number > NUMBER_MAX as f64)
    }
}
