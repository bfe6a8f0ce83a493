//! The frames as JSON, where texts are strings of Rust. In the npm package's wasm for `seamline.v1` they are not, and
//! `js/src/frames.ts` reads and writes the frames.

mod client;
mod error;
mod server;
mod writer;

pub use client::ClientFields;
pub use error::FrameError;
pub use server::Fields;
#[cfg(not(all(target_arch = "wasm32", feature = "npm")))]
pub(crate) use writer::push_text;
pub(crate) use writer::{Json, push_number};
