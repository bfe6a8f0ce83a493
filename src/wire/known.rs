//! The client's own texts: codes, reasons and sentences.
//!
//! They are constants of Rust, except in the npm package's wasm for `seamline.v1`. There each is a number, its place in
//! a list that the script has, too, as texts: there they cost a page less.

pub use self::texts::*;

#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
mod texts {
    /// A text of the client's own.
    pub type Known = &'static str;

    /// A text as a [`Known`].
    macro_rules! known {
        ($text:expr) => {
            $text
        };
    }
    pub(crate) use known;
}

#[cfg(all(target_arch = "wasm32", feature = "js-texts"))]
mod texts {
    use wasm_bindgen::JsValue;

    use crate::wire::{CHANNEL_NAME_RULE, KEY_RULE, Text, code};

    /// The place of a text in [`TEXTS`].
    #[derive(Clone, Copy)]
    pub struct Known(u32);

    /// A text as a [`Known`]. One that is not in [`TEXTS`] is an error of the compiler.
    macro_rules! known {
        ($text:expr) => {
            const { crate::wire::Known::of($text) }
        };
    }
    pub(crate) use known;

    /// All of them. `js/src/known.ts` has the same list, and `js/tests/boundary.test.mjs` compares the two.
    const TEXTS: &[&str] = &[
        "closed_by_application",
        "connect_failed",
        "connect_timeout",
        "connection_lost",
        "heartbeat_timeout",
        "drained",
        "token_failed",
        "unauthorized",
        "forbidden",
        "replaced",
        "protocol_error",
        "page_hidden",
        "trimmed",
        "epoch_changed",
        "rewound",
        "hole",
        code::ALREADY_SUBSCRIBED,
        code::BAD_CHANNEL,
        code::BAD_FRAME,
        code::BAD_KEY,
        code::CLOSED,
        code::OUTBOX_FULL,
        code::TOO_LARGE,
        code::TOO_MANY_CHANNELS,
        code::UNDELIVERABLE,
        "already subscribed to this channel; unsubscribe first",
        CHANNEL_NAME_RULE,
        KEY_RULE,
        "closed by the application",
        "the client is closed",
        "the connection could not be opened",
        "the connection was lost",
        "the page entered the back/forward cache",
        "the payload is larger than the server accepts (max_frame_bytes); split it",
        "the payload is larger than the server or a proxy accepts (close code 1009); split it",
        "the server did not answer a ping",
        "the server did not answer in time",
        "the server or a proxy closed the connection each time it was sent; see its logs",
        "the token function did not answer in time",
        "too many publications wait; try again later",
    ];

    impl Known {
        /// Its place, found by the compiler.
        pub const fn of(text: &str) -> Self {
            let mut place = 0;
            while !equal(TEXTS[place].as_bytes(), text.as_bytes()) {
                place += 1;
            }
            Known(place as u32)
        }
    }

    const fn equal(a: &[u8], b: &[u8]) -> bool {
        let mut at = 0;
        while at < a.len() && at < b.len() && a[at] == b[at] {
            at += 1;
        }
        at == a.len() && at == b.len()
    }

    impl From<Known> for JsValue {
        fn from(known: Known) -> Self {
            JsValue::from_f64(known.0.into())
        }
    }

    impl From<Known> for Text {
        fn from(known: Known) -> Self {
            JsValue::from(known).into()
        }
    }
}
