//! Reads frames from the server, field by field.

use std::cell::Cell;

use super::FrameError;
use crate::wire::{MessageId, ServerFrame};

/// Access to the fields of a received frame. A field of the wrong type counts as missing.
pub trait Fields {
    /// The type of a payload.
    type Data;
    /// A text.
    fn text(&self, name: &'static str) -> Option<String>;
    /// An integer, 0 or more.
    fn number(&self, name: &'static str) -> Option<u64>;
    /// The payload, which may be `null`.
    fn data(&self) -> Option<Self::Data>;
}

/// The fields that an op requires. A missing one is recorded and read as an empty value. So a frame is read
/// to its end without a branch for each field, which saves code in every page.
struct Needed<'a, F> {
    fields: &'a F,
    /// The first missing field, or empty.
    missing: Cell<&'static str>,
}

impl<F: Fields> Needed<'_, F> {
    fn text(&self, name: &'static str) -> String {
        self.fields.text(name).unwrap_or_else(|| self.miss(name))
    }

    fn number(&self, name: &'static str) -> u64 {
        self.fields.number(name).unwrap_or_else(|| self.miss(name))
    }

    fn id(&self) -> Option<MessageId> {
        let id = self.fields.text("id").and_then(|id| id.parse().ok());
        id.or_else(|| self.miss("id"))
    }

    fn data(&self) -> Option<F::Data> {
        self.fields.data().or_else(|| self.miss("data"))
    }

    fn miss<T: Default>(&self, name: &'static str) -> T {
        if self.missing.get().is_empty() {
            self.missing.set(name);
        }
        T::default()
    }

    /// An optional text.
    fn message(&self) -> String {
        self.fields.text("message").unwrap_or_default()
    }

    fn retry_after_ms(&self) -> Option<u64> {
        self.fields.number("retry_after_ms")
    }

    fn reference(&self) -> Option<u64> {
        self.fields.number("ref")
    }
}

impl<D> ServerFrame<D> {
    /// Reads a frame.
    pub fn read(fields: &impl Fields<Data = D>) -> Result<Self, FrameError> {
        let op = fields.text("op").unwrap_or_default();
        let needed = Needed { fields, missing: Cell::new("") };
        match (ServerFrame::read_op(&op, &needed), needed.missing.get()) {
            (Some(frame), "") => Ok(frame),
            (None, "") => Err(FrameError::UnknownOp(op)),
            (_, field) => Err(FrameError::Missing { op, field }),
        }
    }

    fn read_op(op: &str, f: &Needed<'_, impl Fields<Data = D>>) -> Option<Self> {
        Some(match op {
            "welcome" => ServerFrame::Welcome {
                session: f.text("session"),
                heartbeat_ms: f.number("heartbeat_ms"),
                max_frame_bytes: f.number("max_frame_bytes"),
            },
            "subd" => ServerFrame::Subd {
                first: f.number("first"),
                head: f.number("head"),
                at: f.number("at"),
                at_epoch: f.fields.text("at_epoch"),
                reference: f.reference(),
                ch: f.text("ch"),
                epoch: f.text("epoch"),
                resumed: false,
            },
            "live" => {
                ServerFrame::Live { head: f.number("head"), reference: f.reference(), ch: f.text("ch") }
            }
            "puback" => ServerFrame::PubAck {
                id: f.id()?,
                offset: f.number("offset"),
                ch: f.text("ch"),
                key: f.text("key"),
            },
            "pubnack" => ServerFrame::PubNack {
                ch: f.text("ch"),
                key: f.text("key"),
                code: f.text("code"),
                message: f.message(),
                retry_after_ms: f.retry_after_ms(),
            },
            "cast" => ServerFrame::Cast { data: f.data()?, ch: f.text("ch") },
            "pong" => ServerFrame::Pong,
            "incoming" => ServerFrame::Incoming { bytes: f.number("bytes") },
            "drain" => ServerFrame::Drain { reconnect_in_ms: f.number("reconnect_in_ms") },
            "err" => ServerFrame::Err {
                code: f.text("code"),
                message: f.message(),
                ch: f.fields.text("ch"),
                reference: f.reference(),
                retry_after_ms: f.retry_after_ms(),
            },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    struct Object(Value);

    impl Fields for Object {
        type Data = Value;
        fn text(&self, name: &'static str) -> Option<String> {
            self.0.get(name)?.as_str().map(str::to_owned)
        }
        fn number(&self, name: &'static str) -> Option<u64> {
            self.0.get(name)?.as_u64()
        }
        fn data(&self) -> Option<Value> {
            self.0.get("data").cloned()
        }
    }

    #[test]
    fn frames_of_the_server_are_read_back() {
        let text = |text: &str| text.to_owned();
        let id = MessageId { ms: 1_732_400_000_000, seq: 7 };
        let frames = [
            ServerFrame::Welcome { session: text("s"), heartbeat_ms: 25_000, max_frame_bytes: 9 },
            ServerFrame::Subd {
                ch: text("c"),
                epoch: text("e"),
                first: 1,
                head: 9,
                at: 3,
                at_epoch: Some(text("f")),
                reference: Some(7),
                resumed: false,
            },
            ServerFrame::Live { ch: text("c"), head: 9, reference: Some(7) },
            ServerFrame::PubAck { ch: text("c"), key: text("k"), id, offset: 4 },
            ServerFrame::PubNack {
                ch: text("c"),
                key: text("k"),
                code: text("busy"),
                message: text("later"),
                retry_after_ms: Some(50),
            },
            ServerFrame::Cast { ch: text("c"), data: Value::Null },
            ServerFrame::Pong,
            ServerFrame::Drain { reconnect_in_ms: 300 },
            ServerFrame::Incoming { bytes: 98_304 },
            ServerFrame::Err {
                code: text("x"),
                message: text("y"),
                ch: None,
                reference: None,
                retry_after_ms: None,
            },
            ServerFrame::Err {
                code: text("x"),
                message: text("y"),
                ch: Some(text("c")),
                reference: Some(7),
                retry_after_ms: Some(9),
            },
        ];
        for frame in frames {
            assert_eq!(ServerFrame::read(&Object(serde_json::to_value(&frame).unwrap())), Ok(frame));
        }
    }

    #[test]
    fn errors_name_missing_and_wrong_fields() {
        let read = |value| ServerFrame::read(&Object(value)).unwrap_err().to_string();
        assert_eq!(read(json!({"op": "live", "ch": "c"})), "`live` needs the field `head`");
        assert_eq!(read(json!({"op": "live", "ch": "c", "head": "9"})), "`live` needs the field `head`");
        assert_eq!(read(json!({"op": "live", "ch": "c", "head": -1})), "`live` needs the field `head`");
        assert_eq!(read(json!({"op": "jump"})), "unknown op `jump`");
        assert_eq!(read(json!({})), "unknown op ``");
    }
}
