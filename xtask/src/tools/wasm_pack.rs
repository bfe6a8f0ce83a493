//! wasm-pack, which runs the tests of the driver in a browser.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::tools::requirements::State;
use crate::tools::{cargo, paths, shell};

const VERSION: &str = "0.15.1";

/// wasm-pack.
pub fn program() -> Result<PathBuf> {
    find().with_context(|| format!("wasm-pack {VERSION} is missing; run cargo xtask setup"))
}

fn root() -> PathBuf {
    paths::cache().join(format!("wasm-pack-{VERSION}"))
}

fn find() -> Option<PathBuf> {
    let installed = root().join("bin").join(paths::program("wasm-pack"));
    if installed.is_file() {
        return Some(installed);
    }
    let other = paths::on_path("wasm-pack")?;
    (shell::version(&other)? == format!("wasm-pack {VERSION}")).then_some(other)
}

/// For doctor and setup.
pub fn state() -> State {
    match find() {
        Some(_) => State::Ready(VERSION.into()),
        None => State::Missing(format!("run cargo install wasm-pack --version {VERSION}")),
    }
}

/// Installs wasm-pack.
pub fn install() -> Result<()> {
    cargo::install("wasm-pack", VERSION, &root())
}
