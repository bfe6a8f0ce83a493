//! Frames from the client as JSON: written by a client, read by a server.

use serde::{Deserialize, Deserializer};

use super::{FrameError, Json};
use crate::wire::{Ahead, ClientFrame, MessageId, Position, StartAt};

impl<D> ClientFrame<D> {
    /// The frame as JSON without its end: the caller appends the payload, if [`ClientFrame::data`] has one,
    /// and the closing brace. So payloads stay out of wasm memory, and a formatter stays out of the wasm.
    pub fn head(&self) -> String {
        let mut json = Json(String::new());
        match self {
            ClientFrame::Hello { v, client_id, lineage, token, ordered } => {
                json.text("op", "hello").number("v", u64::from(*v)).text("client_id", client_id);
                lineage.iter().for_each(|lineage| json.text("lineage", lineage).end());
                token.iter().for_each(|token| json.text("token", token).end());
                if *ordered {
                    json.flag("ordered");
                }
            }
            ClientFrame::Sub { ch, position, from, credit, ahead, reference } => {
                json.text("op", "sub").text("ch", ch).number("credit", *credit);
                if let Some(Ahead { messages, bytes }) = *ahead {
                    json.number("ahead", messages).number("ahead_bytes", bytes).end();
                }
                reference.iter().for_each(|reference| json.number("ref", *reference).end());
                match from {
                    Some(StartAt::Tail) => json.text("from", "tail").end(),
                    Some(StartAt::Start) => json.text("from", "start").end(),
                    None => {}
                }
                if let Some(Position { epoch, offset, id }) = position {
                    let mut inner = Json(String::new());
                    inner.position(epoch, *offset, *id);
                    json.name("position").0.push_str(&inner.0);
                    json.0.push('}');
                }
            }
            ClientFrame::More { ch, credit } => {
                json.text("op", "more").text("ch", ch).number("credit", *credit).end()
            }
            ClientFrame::Unsub { ch } => json.text("op", "unsub").text("ch", ch).end(),
            ClientFrame::Pub { ch, key, .. } => json.text("op", "pub").text("ch", ch).text("key", key).end(),
            ClientFrame::Cast { ch, .. } => json.text("op", "cast").text("ch", ch).end(),
            ClientFrame::Ack { ch, epoch, offset, id } => {
                json.text("op", "ack").text("ch", ch).position(epoch, *offset, *id);
            }
            ClientFrame::Token { token } => json.text("op", "token").text("token", token).end(),
            ClientFrame::Ping => json.text("op", "ping").end(),
        }
        json.0
    }

    /// The frame as JSON, with the payload's JSON from `payload`.
    pub fn to_json(&self, payload: impl FnOnce(&D) -> String) -> String {
        let mut text = self.head();
        if let Some(data) = self.data() {
            text.push_str(",\"data\":");
            text.push_str(&payload(data));
        }
        text.push('}');
        text
    }
}

/// Reads a field whose value may be `null`: `null` is a valid payload.
fn present<'de, T: Deserialize<'de>, De: Deserializer<'de>>(de: De) -> Result<Option<T>, De::Error> {
    T::deserialize(de).map(Some)
}

/// Takes a field that the op requires.
macro_rules! need {
    ($fields:ident, $op:literal, $field:ident) => {
        $fields.$field.ok_or(FrameError::Missing { op: $op.to_owned(), field: stringify!($field) })?
    };
}

/// `Option::default` would ask for `D: Default`.
fn none<D>() -> Option<D> {
    None
}

/// A [`ClientFrame`] or a [`Read`](crate::wire::Read) as it is read from the wire.
#[derive(Clone, Debug, Deserialize)]
#[serde(bound = "D: Deserialize<'de>")]
#[allow(missing_docs)] // the fields are those of `ClientFrame`
pub struct ClientFields<D> {
    #[serde(default)]
    pub op: String,
    pub v: Option<u32>,
    pub client_id: Option<String>,
    pub lineage: Option<String>,
    pub token: Option<String>,
    pub ordered: Option<bool>,
    pub ch: Option<String>,
    pub position: Option<Position>,
    pub from: Option<StartAt>,
    pub credit: Option<u64>,
    pub ahead: Option<u64>,
    pub ahead_bytes: Option<u64>,
    #[serde(rename = "ref")]
    pub reference: Option<u64>,
    pub key: Option<String>,
    #[serde(default = "none", deserialize_with = "present")]
    pub data: Option<D>,
    pub epoch: Option<String>,
    pub offset: Option<u64>,
    pub id: Option<MessageId>,
    pub before: Option<u64>,
    pub limit: Option<u64>,
}

impl<D> TryFrom<ClientFields<D>> for ClientFrame<D> {
    type Error = FrameError;

    fn try_from(f: ClientFields<D>) -> Result<Self, FrameError> {
        Ok(match f.op.as_str() {
            "hello" => ClientFrame::Hello {
                v: need!(f, "hello", v),
                client_id: need!(f, "hello", client_id),
                lineage: f.lineage,
                token: f.token,
                ordered: f.ordered.unwrap_or_default(),
            },
            "sub" => ClientFrame::Sub {
                ch: need!(f, "sub", ch),
                position: f.position,
                from: f.from,
                credit: need!(f, "sub", credit),
                ahead: f.ahead.zip(f.ahead_bytes).map(|(messages, bytes)| Ahead { messages, bytes }),
                reference: f.reference,
            },
            "more" => ClientFrame::More { ch: need!(f, "more", ch), credit: need!(f, "more", credit) },
            "unsub" => ClientFrame::Unsub { ch: need!(f, "unsub", ch) },
            "pub" => ClientFrame::Pub {
                ch: need!(f, "pub", ch),
                key: need!(f, "pub", key),
                data: need!(f, "pub", data),
            },
            "cast" => ClientFrame::Cast { ch: need!(f, "cast", ch), data: need!(f, "cast", data) },
            "ack" => ClientFrame::Ack {
                ch: need!(f, "ack", ch),
                epoch: need!(f, "ack", epoch),
                offset: need!(f, "ack", offset),
                id: f.id,
            },
            "token" => ClientFrame::Token { token: need!(f, "token", token) },
            "ping" => ClientFrame::Ping,
            _ => return Err(FrameError::UnknownOp(f.op)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id() -> impl Strategy<Value = Option<MessageId>> {
        proptest::option::of((any::<u64>(), any::<u64>()).prop_map(|(ms, seq)| MessageId { ms, seq }))
    }

    fn frame() -> impl Strategy<Value = ClientFrame<String>> {
        let position =
            ("\\PC*", any::<u64>(), id()).prop_map(|(epoch, offset, id)| Position { epoch, offset, id });
        let ahead = any::<(u64, u64)>().prop_map(|(messages, bytes)| Ahead { messages, bytes });
        let from = prop_oneof![Just(StartAt::Tail), Just(StartAt::Start)];
        let text = || any::<String>();
        prop_oneof![
            (any::<u32>(), text(), proptest::option::of(text()), proptest::option::of(text()), any::<bool>())
                .prop_map(|(v, client_id, lineage, token, ordered)| ClientFrame::Hello {
                    v,
                    client_id,
                    lineage,
                    token,
                    ordered
                }),
            (
                text(),
                proptest::option::of(position),
                proptest::option::of(from),
                any::<u64>(),
                proptest::option::of(ahead),
                proptest::option::of(any::<u64>())
            )
                .prop_map(|(ch, position, from, credit, ahead, reference)| ClientFrame::Sub {
                    ch,
                    position,
                    from,
                    credit,
                    ahead,
                    reference
                }),
            (text(), any::<u64>()).prop_map(|(ch, credit)| ClientFrame::More { ch, credit }),
            text().prop_map(|ch| ClientFrame::Unsub { ch }),
            (text(), text(), text()).prop_map(|(ch, key, data)| ClientFrame::Pub { ch, key, data }),
            (text(), text()).prop_map(|(ch, data)| ClientFrame::Cast { ch, data }),
            (text(), text(), any::<u64>(), id()).prop_map(|(ch, epoch, offset, id)| ClientFrame::Ack {
                ch,
                epoch,
                offset,
                id
            }),
            text().prop_map(|token| ClientFrame::Token { token }),
            Just(ClientFrame::Ping),
        ]
    }

    proptest! {
        #[test]
        fn written_frames_are_read_back(frame in frame()) {
            let json = frame.to_json(|data| serde_json::to_string(data).unwrap());
            let fields: ClientFields<String> = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(ClientFrame::try_from(fields).unwrap(), frame);
        }

        #[test]
        fn reading_never_panics(text: String) {
            let _ = serde_json::from_str::<ClientFields<serde_json::Value>>(&text).map(ClientFrame::try_from);
        }
    }

    #[test]
    fn errors_name_the_missing_field() {
        let read = |json| ClientFrame::try_from(serde_json::from_str::<ClientFields<String>>(json).unwrap());
        assert_eq!(
            read(r#"{"op":"sub","credit":1}"#),
            Err(FrameError::Missing { op: "sub".to_owned(), field: "ch" })
        );
        assert_eq!(read(r#"{"op":"dance"}"#), Err(FrameError::UnknownOp("dance".to_owned())));
        assert_eq!(read("{}"), Err(FrameError::UnknownOp(String::new())));
        assert_eq!(
            FrameError::Missing { op: "sub".to_owned(), field: "ch" }.to_string(),
            "`sub` needs the field `ch`"
        );
    }

    #[test]
    fn null_is_a_payload() {
        let fields =
            serde_json::from_str::<ClientFields<serde_json::Value>>(r#"{"op":"cast","ch":"c","data":null}"#);
        let frame = ClientFrame::try_from(fields.unwrap()).unwrap();
        assert_eq!(frame, ClientFrame::Cast { ch: "c".to_owned(), data: serde_json::Value::Null });
    }
}
