//! The items of a channel.

use serde::Deserialize;

use super::Error;
use super::payload::{self, Data};
use crate::core::{Gap, Reason};
use crate::wire::MessageId;

/// Something that happens in a channel, in the channel's order. New kinds may be added.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Item {
    /// A message, once.
    Message(Message),
    /// Messages were lost. The next items follow the gap.
    Gap(Gap),
    /// The replay has reached the live stream: the channel is up to date.
    Live,
    /// An ephemeral event. It is dropped if too many are waiting.
    Cast(Cast),
    /// The server rejected a request about this channel.
    Error(Error),
    /// The client is closed. This is the last item.
    Closed(Reason),
}

/// A message of a channel.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Message {
    /// The id that the log assigned, `<milliseconds>-<sequence>`. To compare ids, parse them as a
    /// [`MessageId`].
    pub id: String,
    /// The number of the message in its channel: one more than that of the message before.
    pub offset: u64,
    /// Whether the message came from the replay of the log, not from the live stream.
    pub replayed: bool,
    pub(super) data: Data,
}

/// An ephemeral event.
#[derive(Clone, Debug)]
pub struct Cast(pub(super) Data);

/// How to read a payload.
macro_rules! payload {
    ($of:ty, $data:tt) => {
        impl $of {
            /// The payload as a Rust value. Numbers of any size are exact if the type is. A payload of another shape is
            /// an error of the kind [`ErrorKind::Payload`](super::ErrorKind::Payload).
            pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
                payload::read(&self.$data)
            }

            /// The payload as JSON text, as the server wrote it.
            pub fn raw(&self) -> &str {
                &self.$data
            }

            /// The payload as a JavaScript value. JavaScript rounds integers above 2^53.
            #[cfg(target_arch = "wasm32")]
            pub fn js(&self) -> wasm_bindgen::JsValue {
                js_sys::JSON::parse(&self.$data).unwrap_or_default() // it is JSON
            }
        }
    };
}

payload!(Message, data);
payload!(Cast, 0);

/// The id and offset that the log assigned to a publication.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published {
    /// Its id.
    pub id: MessageId,
    /// Its offset.
    pub offset: u64,
}
