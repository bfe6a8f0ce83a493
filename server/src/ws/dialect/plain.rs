//! The plain dialect: one flat JSON object per message, for clients that do not know `seamline.v1`.
//! `docs/PROTOCOL.md` describes it. This file only writes and reads it. What happens is the same for both dialects.

use std::fmt::Write;

use seamline::wire::MessageId;
use serde_json::value::RawValue;

use super::object::Object;
use crate::log::Message;

/// The server's own fields of a message. They replace what a payload has under these names.
const OURS: [&str; 3] = ["stream_id", "conversation_id", "sequence_number"];
/// Where clients look for the id that makes an object a message.
const IDS: [&str; 3] = ["stream_id", "id", "message"];
/// The type of a message that does not say its own.
const TYPE: &str = "message.new";

/// An incoming frame.
#[derive(Debug)]
pub(in crate::ws) enum FromPlain {
    /// It has processed everything up to this message.
    Ack(MessageId),
    /// An ephemeral event for the others.
    Cast(Box<RawValue>),
    /// A request for something that has happened already.
    Nothing,
}

/// Writes a message: the server's fields, and the payload's own. A payload that is not an object becomes the field
/// `data`.
pub(in crate::ws) fn message(ch: &str, message: &Message) -> String {
    let Message { offset, id, data } = message;
    let ch = serde_json::to_string(ch).expect("a text has a JSON form");
    let mut text = String::with_capacity(data.len() + ch.len() + 120);
    // Writing to a String cannot fail.
    let _ = write!(text, r#"{{"stream_id":"{id}","conversation_id":{ch},"sequence_number":{offset}"#);
    let payload = Object::parse(data);
    if !payload.as_ref().is_some_and(|payload| payload.has(&["type"])) {
        let _ = write!(text, r#","type":"{TYPE}""#);
    }
    match payload {
        Some(Object(fields)) => {
            for (name, value) in fields.iter().filter(|(name, _)| !OURS.contains(&&**name)) {
                let name = serde_json::to_string(name).expect("a text has a JSON form");
                let _ = write!(text, ",{name}:{value}");
            }
        }
        None => {
            let _ = write!(text, r#","data":{data}"#);
        }
    }
    text.push('}');
    text
}

/// Writes an ephemeral event: unchanged, unless it is not an object, or would be mistaken for a message.
pub(in crate::ws) fn cast(data: &RawValue) -> String {
    match Object::parse(data.get()) {
        Some(object) if !object.has(&IDS) => data.get().to_owned(),
        _ => format!(r#"{{"type":"cast","data":{data}}}"#),
    }
}

/// Reads an incoming frame, or returns what is wrong with it, as a sentence.
pub(in crate::ws) fn parse(text: &str) -> Result<FromPlain, &'static str> {
    let object = Object::parse(text).ok_or("a frame must be a JSON object")?;
    match object.text("type").as_deref() {
        Some("ack") => {
            let id = object.text("msg_id").and_then(|id| id.parse().ok());
            id.map(FromPlain::Ack).ok_or("an `ack` needs the id of a message in `msg_id`: <ms>-<seq>")
        }
        // The replay has sent everything that was not acknowledged.
        Some("get_unacked") => Ok(FromPlain::Nothing),
        _ => {
            let data = RawValue::from_string(text.to_owned());
            data.map(FromPlain::Cast).map_err(|_| "a frame must be a JSON object")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_becomes_a_flat_object() {
        let table = [
            (r#"{"text":"a \"b\"","n":1.0}"#, r#""type":"message.new","text":"a \"b\"","n":1.0"#),
            (r#"{ "type" : "message.edit" , "a":{"id":7} }"#, r#""type":"message.edit","a":{"id":7}"#),
            ("{}", r#""type":"message.new""#),
            ("[1,2]", r#""type":"message.new","data":[1,2]"#),
            ("null", r#""type":"message.new","data":null"#),
            // A payload cannot set the server's fields.
            (r#"{"sequence_number":99,"id":"u","stream_id":"9-9"}"#, r#""type":"message.new","id":"u""#),
            (r#"{"stream\u005fid":"9-9"}"#, r#""type":"message.new""#),
        ];
        for (data, rest) in table {
            let written = message(
                "a \"c\"",
                &Message { offset: 3, id: MessageId { ms: 5, seq: 1 }, data: data.into() },
            );
            let ours = r#"{"stream_id":"5-1","conversation_id":"a \"c\"","sequence_number":3,"#;
            assert_eq!(written, format!("{ours}{rest}}}"));
            assert!(serde_json::from_str::<serde_json::Value>(&written).is_ok());
        }
    }

    #[test]
    fn an_ephemeral_event_is_never_taken_for_a_message() {
        let written = |data: &str| cast(&RawValue::from_string(data.into()).unwrap());
        let typing = r#"{"type":"typing","user_id":"u"}"#;
        assert_eq!(written(typing), typing);
        for data in
            [r#"{"type":"typing","id":"u"}"#, r#"{"message":{"id":1}}"#, r#"{"stream_id":1}"#, "7", "[]"]
        {
            assert_eq!(written(data), format!(r#"{{"type":"cast","data":{data}}}"#));
        }
    }

    #[test]
    fn incoming_frames_are_classified() {
        assert!(matches!(parse(r#"{"type":"ack","msg_id":"5-1"}"#), Ok(FromPlain::Ack(id)) if id.ms == 5));
        assert!(matches!(parse(r#"{"type":"get_unacked"}"#), Ok(FromPlain::Nothing)));
        for text in [r#"{"type":"typing"}"#, "{}", r#"{"type":7}"#] {
            assert!(matches!(parse(text), Ok(FromPlain::Cast(data)) if data.get() == text), "{text}");
        }
        for text in ["", "7", "[]", "null", "ping", r#"{"type":"ack"}"#, r#"{"type":"ack","msg_id":"x"}"#] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
