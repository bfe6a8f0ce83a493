//! What a channel gives and takes: messages, gaps, payloads as Rust values.

use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;

use crate::browser::frame::Data;
use crate::core::{Error, Gap};
use crate::wire::{MessageId, code};

/// Something that happens in a channel, in the channel's order.
#[derive(Clone, Debug)]
pub enum Item {
    /// A message, once.
    Message(Message),
    /// Messages are lost; what comes next comes after them.
    Gap(Gap),
    /// The replay has met the live stream: the channel is up to date.
    Live,
    /// An ephemeral event, as it came. It is dropped where too many wait.
    Cast(JsValue),
    /// The server refused something that concerns this channel.
    Error(Error),
}

/// A message of a channel.
#[derive(Clone, Debug)]
pub struct Message {
    /// The id that the log gave it, `<milliseconds>-<sequence>`. Parsed, as a [`MessageId`], ids compare
    /// as they should.
    pub id: String,
    /// Its number in the channel: one more than that of the message before.
    pub offset: u64,
    /// Whether it came from the replay of the log rather than live.
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

/// Where the log put a publication.
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
    Error::new(code::BAD_DATA, &error.to_string())
}
