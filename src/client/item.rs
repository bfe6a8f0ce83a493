//! The items of a channel: messages, gaps, and payloads as Rust values.

use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;

use crate::browser::value::Data;
use crate::core::{Error, Gap};
use crate::wire::{MessageId, code};

/// Something that happens in a channel, in the channel's order.
#[derive(Clone, Debug)]
pub enum Item {
    /// A message, once.
    Message(Message),
    /// Messages were lost. The next items follow the gap.
    Gap(Gap),
    /// The replay has reached the live stream: the channel is up to date.
    Live,
    /// An ephemeral event. It is dropped if too many are waiting.
    Cast(JsValue),
    /// The server rejected a request about this channel.
    Error(Error),
}

/// A message of a channel.
#[derive(Clone, Debug)]
pub struct Message {
    /// The id that the log assigned, `<milliseconds>-<sequence>`. To compare ids, parse them as a
    /// [`MessageId`].
    pub id: String,
    /// The number of the message in its channel: one more than that of the message before.
    pub offset: u64,
    /// Whether the message came from the replay of the log, not from the live stream.
    pub replayed: bool,
    /// The payload, as the browser parsed it.
    pub data: Data,
}

impl Message {
    /// The payload as a Rust value.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_wasm_bindgen::from_value(self.data.clone()).map_err(|error| bad_data(&error))
    }
}

/// The id and offset that the log assigned to a publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Its id.
    pub id: MessageId,
    /// Its offset.
    pub offset: u64,
}

/// A payload as JSON text, and its size.
pub(super) fn to_json<T: Serialize + ?Sized>(data: &T) -> Result<(Data, u64), Error> {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    let value = data.serialize(&serializer).map_err(|error| bad_data(&error))?;
    let json = js_sys::JSON::stringify(&value).ok();
    match json.and_then(|json| json.as_string().map(|text| (json.into(), text.len() as u64))) {
        Some(payload) => Ok(payload),
        None => Err(Error::new(code::BAD_DATA, "only what JSON can hold can be published")),
    }
}

fn bad_data(error: &serde_wasm_bindgen::Error) -> Error {
    Error::with_text(code::BAD_DATA, error.to_string())
}
