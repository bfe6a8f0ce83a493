//! The plain dialect: flat objects between JSON text and a [`PlainSession`](crate::plain::PlainSession).

use super::frames::{Messages, Received};
use super::json;
use super::object::Object;
use super::payload::Data;
use super::shared::Shared;
use crate::plain::object::{self, Object as Json};
use crate::plain::{Frame, Incoming, Message, NUMBER_MAX, PlainConfig};

/// Reads an object. An error states what is wrong with it.
pub(super) fn decode(frame: &str, config: &PlainConfig) -> Result<Incoming<Data>, String> {
    Object::parse(frame)?;
    let Incoming { id, number, .. } = object::read(Value(frame), || frame.to_owned(), config);
    Ok(Incoming { id, number, object: frame.into() })
}

/// Writes a frame.
pub(super) fn encode(frame: Frame<Data>) -> String {
    match frame {
        Frame::Ack(json) => json,
        Frame::Cast(data) => data.as_ref().to_owned(),
    }
}

/// Every frame of the dialect is one message.
pub(super) fn single(message: Message<Data>) -> Messages {
    let Message { id, position_id, object } = message;
    Shared::new([Received { id, position_id, data: object }])
}

/// A value inside a frame.
#[derive(Clone, Copy)]
struct Value<'a>(&'a str);

impl Json for Value<'_> {
    fn member(&self, name: &str) -> Option<Self> {
        Object::parse(self.0).ok()?.get(name).map(Value)
    }

    fn as_text(&self) -> Option<String> {
        json::text(self.0)
    }

    fn as_integer(&self) -> Option<u64> {
        json::number(self.0).filter(|&integer| integer <= NUMBER_MAX)
    }

    fn is_rounded(&self) -> bool {
        self.0.bytes().all(|byte| byte.is_ascii_digit()) && self.as_integer().is_none()
    }
}
