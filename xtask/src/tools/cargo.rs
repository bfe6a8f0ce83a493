//! Cargo: for wasm, the programs that it installs, and its own components.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::tools::requirements::{self, Part};
use crate::tools::toolchain::Toolchain;
use crate::tools::{paths, run, shell};

const CRATES_HINT: &str =
    "Check that crates.io is reachable, and run setup again: it continues where it stopped.";

/// Cargo with the toolchain that builds for wasm.
pub fn for_wasm() -> Result<Command> {
    requirements::ensure(&[Part::WasmToolchain])?;
    let mut cargo = shell::cargo();
    cargo.env("CARGO_TARGET_DIR", paths::wasm_target());
    Toolchain::get()?.apply(&mut cargo);
    Ok(cargo)
}

/// What the manifests of the workspace declare, as `cargo metadata` prints it.
pub fn manifests() -> Result<Value> {
    let printed = shell::output(shell::cargo().args(["metadata", "--no-deps", "--format-version", "1"]));
    Ok(serde_json::from_str(&printed.context("`cargo metadata` failed; check Cargo.toml")?)?)
}

/// What the manifest of a package declares.
pub fn manifest(package: &str) -> Result<Value> {
    let manifests = manifests()?;
    let mut packages = manifests["packages"].as_array().into_iter().flatten();
    let found = packages.find(|it| it["name"] == package).cloned();
    found.with_context(|| format!("the workspace has no package {package}"))
}

/// Installs a program from crates.io. Not `--locked`: its lock file may name a version that crates.io no longer has.
pub fn install(name: &str, version: &str, root: &Path) -> Result<()> {
    run_install(name, version, root, &[])
}

/// As [`install`], with the versions that its authors have tested. For programs with many dependencies.
pub fn install_locked(name: &str, version: &str, root: &Path) -> Result<()> {
    run_install(name, version, root, &["--locked"])
}

fn run_install(name: &str, version: &str, root: &Path, more: &[&str]) -> Result<()> {
    let mut install = shell::command("cargo");
    install.args(["install", name, "--version", version, "--root"]).arg(root).args(more);
    install.env_remove("CARGO_TARGET_DIR").env("CARGO_NET_RETRY", "10");
    run::step(&format!("cargo install {name} {version} (some minutes)"), &mut install, CRATES_HINT)
}

/// The version of `cargo <component>`, if it is installed.
pub fn component_version(component: &str) -> Option<String> {
    shell::output(shell::command("cargo").args([component, "--version"]))
}
