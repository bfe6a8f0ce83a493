//! Parses frames from the server into what the core takes.

use seamline::core::Batch;
use seamline::wire::{Fields, FrameError, MessageId, Msgs, ServerFrame};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::cluster::Payload;
use crate::record::Key;

/// The payload of a publication.
pub type Data = Box<RawValue>;
/// Ids and keys of a frame's messages.
pub type Messages = Vec<(MessageId, Key)>;

/// A parsed frame.
pub enum Incoming {
    Messages(String, Batch<Messages>),
    Frame(ServerFrame<Data>),
    Unknown,
}

struct Object(Map<String, Value>);

impl Fields for Object {
    type Data = Data;

    fn text(&self, name: &'static str) -> Option<String> {
        self.0.get(name)?.as_str().map(str::to_owned)
    }

    fn number(&self, name: &'static str) -> Option<u64> {
        self.0.get(name)?.as_u64()
    }

    fn data(&self) -> Option<Data> {
        serde_json::value::to_raw_value(self.0.get("data")?).ok()
    }
}

/// Parses a frame. An error is a sentence.
pub fn read(text: &str) -> Result<Incoming, String> {
    if text.starts_with(r#"{"op":"msgs""#) {
        let Msgs { ch, n, ids, data, replay } =
            serde_json::from_str::<Msgs<Payload>>(text).map_err(|e| e.to_string())?;
        let last_id = *ids.last().ok_or("no messages")?;
        let keys = data.into_iter().map(|data| data.key.parse()).collect::<Result<Vec<Key>, _>>()?;
        let payload: Messages = ids.into_iter().zip(keys).collect();
        let count = payload.len() as u64;
        return Ok(Incoming::Messages(
            ch,
            Batch { n, count, last_id, replay, bytes: text.len() as u64, payload },
        ));
    }
    let fields = serde_json::from_str(text).map(Object).map_err(|e| e.to_string())?;
    match ServerFrame::read(&fields) {
        Ok(frame) => Ok(Incoming::Frame(frame)),
        Err(FrameError::UnknownOp(_)) => Ok(Incoming::Unknown),
        Err(e) => Err(e.to_string()),
    }
}
