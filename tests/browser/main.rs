//! The Rust API in a real browser, against a real server. Run by `wasm-pack test --headless --chrome`, for
//! which the crate in `server/` builds and starts the server, or by `cargo xtask test --only browser`, which
//! starts it itself and names it in `SEAMLINE_TEST_URL`. Conversations (`#[conversation]`) need no page: the tests in
//! `tests/native` have them, too.
#![cfg(target_arch = "wasm32")]

mod clients;
mod connection;
mod handles;
mod lifecycle;
mod lineage;
mod messages;
mod plain;
mod publishing;
mod reentry;
mod refusals;
mod support;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
