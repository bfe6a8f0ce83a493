//! What a socket speaks. The rest of the server thinks in frames of `seamline.v1`. This is where they become text, or
//! nothing, where the dialect has no words for them.

pub(super) mod frames;
mod object;
pub(super) mod plain;
pub(super) mod request;

use tokio_tungstenite::tungstenite::Bytes;

use self::frames::ToClient;
use crate::log::Message;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Dialect {
    /// `seamline.v1`.
    Seamline,
    /// One flat JSON object per message: for clients that ask for no subprotocol.
    Plain,
}

impl Dialect {
    /// Writes a frame other than `msgs`.
    pub fn text(self, frame: &ToClient<'_>) -> Option<String> {
        match (self, frame) {
            (Dialect::Seamline, frame) => Some(frames::text(frame)),
            (Dialect::Plain, ToClient::Cast { data, .. }) => Some(plain::cast(data)),
            (Dialect::Plain, _) => None,
        }
    }

    /// Writes a run of messages, in one frame or more. Sockets share the bytes.
    pub fn messages<'a>(
        self,
        ch: &str,
        run: impl ExactSizeIterator<Item = &'a Message> + Clone,
        replay: bool,
    ) -> Vec<Bytes> {
        match self {
            Dialect::Seamline => vec![frames::msgs(ch, run, replay).into()],
            Dialect::Plain => run.map(|message| plain::message(ch, message).into()).collect(),
        }
    }
}
