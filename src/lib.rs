//! A WebSocket that never loses its place.
//!
//! Seamline tracks `last_message_id`, reconnects with backoff and resumes. It delivers every message to the
//! application **once, in order**, across reconnects and server restarts, although the server's replay and
//! its live stream overlap (at the *seam*).
//!
//! - [`core`] is the client as a sans-I/O state machine; [`core::seam`] is its heart.
//! - [`plain`] wraps a session for servers of the plain dialect, which send flat JSON objects.
//! - [`wire`] has the frames of `seamline.v1`, which the server shares.
//! - On `wasm32`, `browser` runs the core in a page, `client` is the API for Rust front ends, and
//!   `wasm` holds the exports that the npm package is made of.

pub mod core;
pub mod plain;
pub mod wire;

#[cfg(target_arch = "wasm32")]
pub mod browser;
#[cfg(target_arch = "wasm32")]
pub mod client;
#[cfg(all(target_arch = "wasm32", feature = "npm"))]
pub mod wasm;

/// `wasm-pack build` compiles this package itself, and names the target in `CARGO_BUILD_TARGET`. Without the
/// exports of the npm package it would make a package that has nothing in it.
#[cfg(all(target_arch = "wasm32", not(feature = "npm"), not(feature = "in-tests")))]
const _: () = assert!(
    option_env!("CARGO_PRIMARY_PACKAGE").is_none() || option_env!("CARGO_BUILD_TARGET").is_none(),
    "`wasm-pack build` would make a package without exports. Run `cargo xtask pack`: it builds the npm package \
     into target/npm/. (In a Rust front end, depend on this crate and build the front end.)"
);

#[cfg(all(target_arch = "wasm32", feature = "npm"))]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
