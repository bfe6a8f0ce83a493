//! Numbers and orders that mean the same on both sides of the boundary.
//!
//! `js/src/boundary.ts` and `js/src/options.ts` have the same tables, with what the arguments are.
//! `js/tests/boundary.test.mjs` compares them by name and number.

use wasm_bindgen::JsValue;

use crate::browser::value::{integer, item};
use crate::core::{Config, Stats};

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
    #[cfg(feature = "plain")]
    DeliverObject = 13,
}

/// What [`Engine::call`](super::Engine::call) does.
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

/// Where a subscription without a position starts, in place of its offset. Any other value that is no offset
/// stands for the position that the server stored.
pub mod start {
    pub const START: f64 = -2.0;
    pub const TAIL: f64 = -3.0;
}

/// The counts, in the order of their places in [`call::STAT`]. Behind them is the length of the received text.
pub fn counts(s: Stats) -> [u64; 8] {
    [s.connects, s.received, s.delivered, s.duplicates, s.discarded, s.repairs, s.gaps, s.published]
}

/// How many options are numbers.
pub const NUMBERS: usize = 13;

/// Reads the options that are numbers.
pub fn read_config(config: &mut Config, numbers: &JsValue) {
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
    read_numbers(numbers, 0, fields);
}

/// Reads numbers from a place on. A value that is not a number stands for the default.
pub fn read_numbers<const N: usize>(numbers: &JsValue, first: u32, fields: [&mut u64; N]) {
    for (place, field) in (first..).zip(fields) {
        *field = item(numbers, place).as_f64().and_then(integer).unwrap_or(*field);
    }
}
