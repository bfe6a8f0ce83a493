//! The tables that `js/src/boundary.ts` has too: numbers that mean the same on both sides of the boundary.

use wasm_bindgen::JsValue;

use crate::browser::value::{integer, item};
use crate::core::Config;

/// What [`JsHost::emit`](super::host::JsHost::emit) reports.
#[derive(Clone, Copy)]
pub enum Kind {
    Connecting = 0,
    Open = 1,
    Waiting = 2,
    Closed = 3,
    Attached = 4,
    #[cfg(not(feature = "plain"))]
    Deliver = 5,
    Gap = 6,
    Live = 7,
    Cast = 8,
    Published = 9,
    PublishFailed = 10,
    Error = 11,
    FetchToken = 12,
    Refused = 13,
    #[cfg(feature = "plain")]
    DeliverObject = 14,
}

/// What [`Engine::call`](super::Engine::call) does. Ids start at 1; where one is returned, 0 means that the
/// call was refused, and [`Kind::Refused`] says why.
pub mod call {
    pub const HIDE: u32 = 0;
    pub const WAKE: u32 = 1;
    pub const SUSPEND: u32 = 2;
    pub const CONNECT: u32 = 3;
    pub const CLOSE: u32 = 4;
    pub const TIMEOUT: u32 = 5;
    pub const SOCKET_OPEN: u32 = 6;
    pub const SOCKET_MESSAGE: u32 = 7;
    pub const SOCKET_CLOSED: u32 = 8;
    pub const SUBSCRIBE: u32 = 9;
    pub const SUBSCRIBE_TO_CASTS: u32 = 10;
    pub const UNSUBSCRIBE: u32 = 11;
    pub const PUBLISH: u32 = 12;
    pub const CAST: u32 = 13;
    pub const PROCESSED: u32 = 14;
    pub const TOKEN: u32 = 15;
    pub const TOKEN_FAILED: u32 = 16;
    pub const STAT: u32 = 17;
}

/// How many numbers there are.
pub const NUMBERS: usize = 13;

pub fn read_config(client_id: String, numbers: &JsValue, has_token: bool) -> Config {
    let mut config = Config { client_id, has_token, ..Config::default() };
    let fields: [_; NUMBERS] = [
        &mut config.backoff.initial_ms,
        &mut config.backoff.max_ms,
        &mut config.connect_timeout_ms,
        &mut config.token_timeout_ms,
        &mut config.heartbeat_ms,
        &mut config.pong_timeout_ms,
        &mut config.probe_timeout_ms,
        &mut config.stable_ms,
        &mut config.ack_interval_ms,
        &mut config.replay_credit,
        &mut config.queue_messages_max,
        &mut config.queue_bytes_max,
        &mut config.outbox_messages_max,
    ];
    for (i, field) in (0..).zip(fields) {
        *field = item(numbers, i).as_f64().and_then(integer).unwrap_or(*field);
    }
    config
}
