//! Numbers and orders that mean the same on both sides of the boundary.
//!
//! `js/src/boundary.ts` and `js/src/options.ts` have the same tables, with what the arguments are.
//! `js/tests/boundary.test.mjs` compares them by name and number.

use super::host::JsHost;
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
    Refused = 14,
    Timer = 15,
}

/// What [`call`](super::call()) does.
pub mod call {
    pub const HIDE: u32 = 0;
    pub const WAKE: u32 = 1;
    pub const SUSPEND: u32 = 2;
    pub const CONNECT: u32 = 3;
    pub const CLOSE: u32 = 4;
    pub const TIMEOUT: u32 = 5;
    pub const SUBSCRIBE: u32 = 6;
    pub const SUBSCRIBE_TO_CASTS: u32 = 7;
    pub const UNSUBSCRIBE: u32 = 8;
    pub const PUBLISH: u32 = 9;
    pub const CAST: u32 = 10;
    pub const PROCESSED: u32 = 11;
    pub const TOKEN: u32 = 12;
    pub const TOKEN_FAILED: u32 = 13;
    pub const STAT: u32 = 14;
    // What sockets report, from here on.
    pub const SOCKET_OPEN: u32 = 15;
    pub const SOCKET_CLOSED: u32 = 16;
    #[allow(dead_code)] // where `js/` reads the frames
    pub const SOCKET_MESSAGE: u32 = 17;
}

/// The frames that sockets report, where `js/` reads them.
#[cfg(feature = "js-texts")]
pub mod frame {
    pub const MESSAGES: u32 = 18;
    pub const WELCOME: u32 = 19;
    pub const SUBSCRIBED: u32 = 20;
    pub const LIVE: u32 = 21;
    pub const PUBLISHED: u32 = 22;
    pub const REJECTED: u32 = 23;
    pub const CAST_FRAME: u32 = 24;
    pub const PONG: u32 = 25;
    pub const INCOMING: u32 = 26;
    pub const DRAIN: u32 = 27;
    pub const ERROR: u32 = 28;
    pub const BAD_FRAME: u32 = 29;
    #[allow(dead_code)] // any other number is the same
    pub const UNKNOWN: u32 = 30;
}

/// The frames that `js/` writes.
#[cfg(feature = "js-texts")]
pub mod op {
    pub const HELLO: u32 = 0;
    pub const SUB: u32 = 1;
    pub const MORE: u32 = 2;
    pub const UNSUB: u32 = 3;
    pub const PUB: u32 = 4;
    pub const CAST: u32 = 5;
    pub const ACK: u32 = 6;
    pub const TOKEN: u32 = 7;
    pub const PING: u32 = 8;
}

/// The places of a call's arguments.
pub mod argument {
    pub const A: u32 = 0;
    pub const B: u32 = 1;
    pub const X: u32 = 2;
    pub const Y: u32 = 3;
    pub const VALUE: u32 = 4;
    #[cfg(feature = "js-texts")]
    pub const C: u32 = 5;
    #[cfg(feature = "js-texts")]
    pub const Z: u32 = 6;
    #[cfg(feature = "js-texts")]
    pub const W: u32 = 7;
    /// The first of the settings, of a call that creates a session.
    pub const SETTINGS: u32 = 8;
}

/// What a call returns, if that is no id or count.
pub mod answer {
    /// In the middle of another call: make this one again later.
    pub const REPEAT: f64 = -1.0;
    /// The host has the error.
    pub const REFUSED: f64 = -2.0;
}

/// Where a subscription without a position starts, in place of its offset. Any other value that is no offset
/// stands for the position that the server stored.
pub mod start {
    pub const START: f64 = -2.0;
    pub const TAIL: f64 = -3.0;
}

/// The counts, in the order of their places in [`call::STAT`].
pub fn counts(s: Stats) -> [u64; 8] {
    [s.connects, s.received, s.delivered, s.duplicates, s.discarded, s.repairs, s.gaps, s.published]
}

/// A count, which the script has checked: anything else is NaN or negative.
pub fn count(number: f64) -> Option<u64> {
    (number >= 0.0).then_some(number as u64)
}

/// How many options are numbers, before those of the plain dialect.
#[cfg(feature = "plain")]
pub const NUMBERS: usize = 13;

/// Reads the options that are numbers.
pub fn read_config(config: &mut Config, host: &JsHost) {
    let mut place = 0;
    let mut read = |field: &mut u64| {
        read_number(host, place, field);
        place += 1;
    };
    read(&mut config.backoff.initial_ms);
    read(&mut config.backoff.max_ms);
    read(&mut config.connect_timeout_ms);
    read(&mut config.token_timeout_ms);
    read(&mut config.heartbeat_ms);
    read(&mut config.pong_timeout_ms);
    read(&mut config.probe_timeout_ms);
    read(&mut config.stable_ms);
    read(&mut config.ack_interval_ms);
    read(&mut config.replay_credit);
    read(&mut config.queue_messages_max);
    read(&mut config.queue_bytes_max);
    read(&mut config.outbox_messages_max);
}

/// Reads a number. A value that is not a number stands for the default.
pub fn read_number(host: &JsHost, place: u32, field: &mut u64) {
    *field = count(host.number(argument::SETTINGS + place)).unwrap_or(*field);
}
