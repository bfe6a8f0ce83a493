//! What the npm package calls. `js/` is the only user of these exports.
//!
//! The boundary is narrow on purpose. Every function, every structure and every exception that
//! crosses it costs each page some bytes of glue and of wasm. So there is one function each way, with
//! plain arguments: [`call`] and `JsHost::emit`. What a driver does not need (options
//! by name, the page's lifecycle) is done in `js/`.

mod engine;
mod host;
mod tables;

// Each dialect has a wasm of its own.
#[cfg(feature = "plain")]
#[path = "plain.rs"]
mod dialect;
#[cfg(not(feature = "plain"))]
#[path = "seamline.rs"]
mod dialect;

pub use engine::{call, create, free};
