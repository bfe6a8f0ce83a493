//! One file for each external program, or helper, that the commands use.

pub mod apt;
pub mod biome;
pub mod browser;
pub mod cargo;
pub mod checks;
pub mod docs_rs;
pub mod engine;
pub mod files;
pub mod node;
pub mod npm;
pub mod paths;
pub mod progress;
pub mod redis;
pub mod requirements;
pub mod run;
pub mod rustdoc;
pub mod server;
pub mod shell;
pub mod short_names;
pub mod stamp;
pub mod tally;
pub mod toolchain;
pub mod wasm_bindgen;
pub mod wasm_pack;
pub mod wasm_std;
pub mod workspace;
