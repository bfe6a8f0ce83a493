//! Frames from the server to the client.

use serde::{Deserialize, Serialize};

use super::{MessageId, Text};

/// A frame from the server to the client, except [`Msgs`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum ServerFrame<D> {
    /// The answer to `hello`.
    Welcome {
        /// Identifies this connection in the server's logs.
        session: Text,
        /// The client should ping after a silence of this length.
        heartbeat_ms: u64,
        /// The largest frame that the server accepts.
        max_frame_bytes: u64,
    },
    /// The answer to `sub`; also sent without a `sub` when the channel's log was replaced.
    Subd {
        /// The channel.
        ch: Text,
        /// The log's epoch.
        epoch: Text,
        /// The offset of the oldest message that the log still has; `head + 1` if it has none.
        first: u64,
        /// The offset of the newest message; 0 if there never was one.
        head: u64,
        /// The offset after which this subscription continues: the requested or stored one unchanged, even if
        /// the log cannot continue there.
        at: u64,
        /// The epoch of `at`, if it is not the log's.
        #[serde(skip_serializing_if = "Option::is_none")]
        at_epoch: Option<Text>,
        /// The `ref` of the `sub` that this answers, if it had one.
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<u64>,
        /// Whether the requested position was found. Informational: the numbers above decide.
        resumed: bool,
    },
    /// The replay has reached the live stream.
    Live {
        /// The channel.
        ch: Text,
        /// The last offset of the replay.
        head: u64,
        /// The `ref` of the `sub` whose replay it is, if it had one.
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<u64>,
    },
    /// A publication is in the log.
    PubAck {
        /// The channel.
        ch: Text,
        /// Its idempotency key.
        key: Text,
        /// Its id.
        id: MessageId,
        /// Its offset.
        offset: u64,
    },
    /// A publication was rejected.
    PubNack {
        /// The channel.
        ch: Text,
        /// Its idempotency key.
        key: Text,
        /// Why, for programs.
        code: Text,
        /// Why, for people.
        message: Text,
        /// Set if a retry may succeed.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
    /// An ephemeral event.
    Cast {
        /// The channel.
        ch: Text,
        /// The payload.
        data: D,
    },
    /// The answer to `ping`.
    Pong,
    /// The next frame is large: on a slow link it takes a while to arrive.
    Incoming {
        /// Its approximate size in bytes.
        bytes: u64,
    },
    /// The server will close the connection. Reconnect after the given time.
    Drain {
        /// The time in milliseconds. It differs per client, so that they do not all reconnect at once.
        reconnect_in_ms: u64,
    },
    /// An error.
    Err {
        /// What failed, for programs.
        code: Text,
        /// What failed, for people.
        message: Text,
        /// The channel that the error is about; without it, the connection.
        #[serde(skip_serializing_if = "Option::is_none")]
        ch: Option<Text>,
        /// The `ref` of the `sub` that this answers or whose subscription it ends, if it had one.
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<u64>,
        /// Set where trying again may help.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
}

/// `msgs`: a contiguous run of messages. It is separate from [`ServerFrame`] because a page never copies its
/// payloads into wasm memory: it reads only `ch`, `n`, the count and the last id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename = "msgs")]
pub struct Msgs<D> {
    /// The channel.
    pub ch: Text,
    /// The offset of the first message. The others follow without a hole.
    pub n: u64,
    /// The messages' ids.
    pub ids: Vec<MessageId>,
    /// The messages' payloads, as many as `ids`.
    pub data: Vec<D>,
    /// Whether this is from the replay and uses up credit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replay: bool,
}
