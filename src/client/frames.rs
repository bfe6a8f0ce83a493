//! `seamline.v1`: frames between JSON text and the core. Payloads stay text.

use super::json;
use super::object::Object;
use super::payload::Data;
use super::shared::Shared;
use crate::core::{Batch, Incoming};
use crate::wire::{ClientFrame, Fields, FrameError, MessageId, ServerFrame};

/// A message as it arrived.
#[derive(Debug)]
pub(super) struct Received {
    /// The id, as the server wrote it.
    pub id: String,
    /// The id of the position after it, if that is known.
    pub position_id: Option<MessageId>,
    pub data: Data,
}

/// The messages of a frame, which the handles of a channel share.
pub(super) type Messages = Shared<[Received]>;

/// Reads a frame. An error states what is wrong with it.
pub(super) fn decode(frame: &str) -> Result<Incoming<Messages, Data>, String> {
    let object = Object::parse(frame)?;
    if object.get("op") == Some("\"msgs\"") {
        return messages(&object, frame.len() as u64).ok_or_else(|| {
            "the server sent a `msgs` frame without a valid `ch`, `n`, `ids` or `data`".to_owned()
        });
    }
    match ServerFrame::read(&object) {
        Ok(frame) => Ok(Incoming::Frame(frame)),
        Err(FrameError::UnknownOp(_)) => Ok(Incoming::Unknown),
        Err(FrameError::Missing { op, field }) => {
            Err(["the server sent a frame without a valid `", field, "`; its op is ", &op].concat())
        }
    }
}

fn messages(object: &Object<'_>, bytes: u64) -> Option<Incoming<Messages, Data>> {
    let ids = json::elements(object.get("ids")?)?;
    let data = json::elements(object.get("data")?)?;
    if ids.len() != data.len() {
        return None;
    }
    let mut payload = Vec::with_capacity(ids.len());
    for (id, data) in ids.into_iter().zip(data) {
        payload.push(received(id, data)?);
    }
    let payload = Messages::from(payload);
    let last_id = payload.last()?.position_id?;
    let (n, count) = (object.number("n")?, payload.len() as u64);
    let replay = object.get("replay") == Some("true"); // nothing else, as in `js/`
    Some(Incoming::Messages(object.text("ch")?, Batch { n, count, last_id, replay, bytes, payload }))
}

fn received(id: &str, data: &str) -> Option<Received> {
    let id = json::text(id)?;
    Some(Received { position_id: id.parse().ok(), id, data: data.into() })
}

/// Writes a frame.
pub(super) fn encode(frame: ClientFrame<Data>) -> String {
    let mut json = frame.head();
    if let Some(data) = frame.data() {
        json.reserve(data.len() + 16);
        json.push_str(",\"data\":");
        json.push_str(data);
    }
    json.push('}');
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_kept_as_they_were_written() {
        let frame =
            r#"{"op":"msgs","ch":"c","n":7,"ids":["1-0","1-1"],"data":[ 9007199254740993, {"a": 1.0e2} ]}"#;
        let Ok(Incoming::Messages(ch, batch)) = decode(frame) else { panic!("not read") };
        let texts: Vec<_> = batch.payload.iter().map(|message| &*message.data).collect();
        assert_eq!((&*ch, batch.n, batch.count, batch.replay), ("c", 7, 2, false));
        assert_eq!(texts, ["9007199254740993", r#"{"a": 1.0e2}"#]);
    }

    #[test]
    fn bad_frames_are_explained() {
        for (frame, problem) in [
            ("{", "not JSON"),
            ("[]", "not a JSON object"),
            (
                r#"{"op":"msgs","ch":"c","n":7,"ids":["1-0"],"data":[]}"#,
                "without a valid `ch`, `n`, `ids` or `data`",
            ),
            (
                r#"{"op":"msgs","ch":"c","n":7,"ids":[],"data":[]}"#,
                "without a valid `ch`, `n`, `ids` or `data`",
            ),
            (
                r#"{"op":"msgs","ch":"c","n":7,"ids":["x"],"data":[1]}"#,
                "without a valid `ch`, `n`, `ids` or `data`",
            ),
            (r#"{"op":"live","ch":"c"}"#, "without a valid `head`; its op is live"),
            (r#"{"op":"live","ch":7,"head":1}"#, "without a valid `ch`; its op is live"),
        ] {
            let error = decode(frame).map(|_| ()).expect_err(frame);
            assert!(error.contains(problem), "{frame}: {error}");
        }
        assert!(matches!(decode(r#"{"op":"new"}"#), Ok(Incoming::Unknown)));
    }

    #[test]
    fn the_last_of_two_members_counts() {
        let frame = r#"{"op":"live","ch":"a","head":1,"head":2,"ch":"b"}"#;
        let Ok(Incoming::Frame(ServerFrame::Live { ch, head, .. })) = decode(frame) else {
            panic!("not read")
        };
        assert_eq!((&*ch, head), ("b", 2));
    }
}
