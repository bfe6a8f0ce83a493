//! rustdoc's description of a crate as JSON.
//!
//! The format is unstable, so rustdoc must be started as if it were a nightly one, and only rustdoc: with the variable
//! for the whole build, the build scripts of many dependencies run again, each time. So cargo starts this program in
//! place of rustdoc.

use std::env;
use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::tools::toolchain::WASM;
use crate::tools::{cargo, paths, run, shell};

/// Set for a run that stands in for rustdoc.
const STANDS_IN: &str = "SEAMLINE_STANDS_IN_FOR_RUSTDOC";

/// The description of the crate `seamline`, for wasm or for this machine.
pub fn describe(for_wasm: bool, features: &str) -> Result<Value> {
    let mut cargo = if for_wasm { cargo::for_wasm()? } else { shell::cargo() };
    cargo.args(["rustdoc", "-p", "seamline", "--lib", "--features", features]);
    cargo.args(for_wasm.then_some(["--target", WASM]).into_iter().flatten());
    cargo.args(["--", "-Zunstable-options", "--output-format=json"]);
    cargo.env("RUSTDOC", env::current_exe()?).env(STANDS_IN, "1");
    let target = if for_wasm { WASM } else { "this machine" };
    run::step(&format!("describe the crate for {target}"), &mut cargo, "Fix what rustdoc reports.")?;
    let dir = if for_wasm { paths::wasm_target().join(WASM) } else { paths::target() };
    let file = dir.join("doc/seamline.json");
    let text = fs::read(&file).with_context(|| format!("rustdoc wrote no {}", paths::shown(&file)))?;
    serde_json::from_slice(&text).with_context(|| format!("cannot read {}", paths::shown(&file)))
}

/// Runs rustdoc with the arguments of this process, if cargo has started it in place of rustdoc.
pub fn stand_in() -> Option<ExitCode> {
    env::var_os(STANDS_IN)?;
    let status = Command::new("rustdoc").args(env::args_os().skip(1)).env("RUSTC_BOOTSTRAP", "1").status();
    Some(if status.is_ok_and(|status| status.success()) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
