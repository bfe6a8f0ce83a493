//! wasm-bindgen, wasm-pack, Node and the npm packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::setup::State;
use crate::{paths, shell};

const WASM_PACK_VERSION: &str = "0.15.1";
/// Of its tests' runner.
const NODE_MIN: (u32, u32) = (20, 11);

const CRATES_HINT: &str =
    "Is crates.io reachable? The failed part is in the log; setup goes on where it stopped.";

/// The version of wasm-bindgen in the lock file; the tool's must be the same.
pub fn bindgen_version() -> Result<String> {
    let file = paths::root().join("Cargo.lock");
    let lock = fs::read_to_string(&file).with_context(|| format!("could not read {}", file.display()))?;
    locked_version(&lock, "wasm-bindgen").context("Cargo.lock names no wasm-bindgen")
}

/// The version of `package` in the text of a lock file.
fn locked_version(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"').map(str::to_string)
}

/// The directory that holds wasm-bindgen and its test runner.
pub fn bindgen_dir() -> Result<PathBuf> {
    let version = bindgen_version()?;
    find_bindgen(&version)
        .with_context(|| format!("wasm-bindgen {version} is missing; run cargo xtask setup"))
}

fn find_bindgen(version: &str) -> Option<PathBuf> {
    let installed = bindgen_root(version).join("bin");
    if has_bindgen(&installed) {
        return Some(installed);
    }
    let dir = paths::on_path("wasm-bindgen")?.parent()?.to_path_buf();
    let same = shell::version(dir.join("wasm-bindgen"))? == format!("wasm-bindgen {version}");
    (same && has_bindgen(&dir)).then_some(dir)
}

fn has_bindgen(dir: &Path) -> bool {
    ["wasm-bindgen", "wasm-bindgen-test-runner"]
        .iter()
        .all(|name| dir.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)).is_file())
}

fn bindgen_root(version: &str) -> PathBuf {
    paths::cache().join(format!("wasm-bindgen-{version}"))
}

/// For doctor and setup.
pub fn bindgen_state() -> State {
    let Ok(version) = bindgen_version() else {
        return State::Missing("fail: Cargo.lock names no wasm-bindgen".into());
    };
    match find_bindgen(&version) {
        Some(_) => State::Ready(format!("{version}, as in Cargo.lock")),
        None => State::Missing(format!("run cargo install wasm-bindgen-cli --version {version}")),
    }
}

/// Installs wasm-bindgen.
pub fn bindgen_install() -> Result<()> {
    let version = bindgen_version()?;
    cargo_install("wasm-bindgen-cli", &version, &bindgen_root(&version))
}

/// wasm-pack.
pub fn wasm_pack() -> Result<PathBuf> {
    find_wasm_pack()
        .with_context(|| format!("wasm-pack {WASM_PACK_VERSION} is missing; run cargo xtask setup"))
}

fn wasm_pack_root() -> PathBuf {
    paths::cache().join(format!("wasm-pack-{WASM_PACK_VERSION}"))
}

fn find_wasm_pack() -> Option<PathBuf> {
    let installed = wasm_pack_root().join("bin").join(format!("wasm-pack{}", std::env::consts::EXE_SUFFIX));
    if installed.is_file() {
        return Some(installed);
    }
    let other = paths::on_path("wasm-pack")?;
    (shell::version(&other)? == format!("wasm-pack {WASM_PACK_VERSION}")).then_some(other)
}

/// For doctor and setup.
pub fn wasm_pack_state() -> State {
    match find_wasm_pack() {
        Some(_) => State::Ready(WASM_PACK_VERSION.into()),
        None => State::Missing(format!("run cargo install wasm-pack --version {WASM_PACK_VERSION}")),
    }
}

/// Installs wasm-pack.
pub fn wasm_pack_install() -> Result<()> {
    cargo_install("wasm-pack", WASM_PACK_VERSION, &wasm_pack_root())
}

/// Installs a program from crates.io. Not `--locked`: a lock file can name a version that crates.io no
/// longer has.
pub fn cargo_install(name: &str, version: &str, root: &Path) -> Result<()> {
    install(name, version, root, &[])
}

/// As [`cargo_install`], with the dependencies that its authors have tested: for what has many.
pub fn cargo_install_locked(name: &str, version: &str, root: &Path) -> Result<()> {
    install(name, version, root, &["--locked"])
}

fn install(name: &str, version: &str, root: &Path, more: &[&str]) -> Result<()> {
    let mut install = shell::command("cargo");
    install.args(["install", name, "--version", version, "--root"]).arg(root).args(more);
    install.env_remove("CARGO_TARGET_DIR").env("CARGO_NET_RETRY", "10");
    shell::run(&format!("cargo install {name} {version} (some minutes)"), &mut install, CRATES_HINT)
}

/// For doctor and setup.
pub fn node_state() -> State {
    let found = shell::version("node");
    match (found, npm_program()) {
        (Some(version), Some(_)) if numbers(&version).is_some_and(|numbers| numbers >= NODE_MIN) => {
            State::Ready(version)
        }
        _ => State::Missing("stop and say how to install it".into()),
    }
}

/// Node comes in too many ways to choose one for its owner.
pub fn node_install() -> Result<()> {
    let found = shell::version("node").map(|version| format!(" (this is {version})")).unwrap_or_default();
    let (major, minor) = NODE_MIN;
    bail!("Node {major}.{minor} or newer, with npm, is needed{found}. Get it from https://nodejs.org")
}

fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.strip_prefix('v')?.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

fn npm_program() -> Option<PathBuf> {
    paths::on_path("npm").or_else(|| paths::on_path("npm.cmd"))
}

/// npm, in js/.
pub fn npm() -> Result<Command> {
    let js = paths::js();
    if !js.join("package.json").exists() {
        bail!("js/package.json is not there: the npm package has no source yet");
    }
    let mut npm = shell::command(npm_program().context("npm is missing; get Node from https://nodejs.org")?);
    npm.current_dir(js).env("NO_UPDATE_NOTIFIER", "1").env("npm_config_update_notifier", "false");
    Ok(npm)
}

/// A program of the installed npm packages.
pub fn npm_bin(name: &str) -> PathBuf {
    paths::js().join("node_modules/.bin").join(name)
}

/// Holds the lock file that was installed.
fn npm_stamp() -> PathBuf {
    paths::js().join("node_modules/.seamline-lock")
}

fn npm_is_installed() -> bool {
    let lock = fs::read(paths::js().join("package-lock.json"));
    lock.is_ok_and(|lock| fs::read(npm_stamp()).is_ok_and(|stamp| stamp == lock))
}

/// For doctor and setup.
pub fn npm_state() -> State {
    if !paths::js().join("package.json").exists() {
        return State::Missing("fail: js/package.json is not there".into());
    }
    match npm_is_installed() {
        true => State::Ready("js/node_modules is as in package-lock.json".into()),
        false => State::Missing("run npm ci in js/".into()),
    }
}

/// Installs js/node_modules.
pub fn npm_install() -> Result<()> {
    let lock = paths::js().join("package-lock.json");
    let how = if lock.exists() { "ci" } else { "install" };
    let mut npm = npm()?;
    npm.args([how, "--no-audit", "--no-fund"]);
    shell::run(
        &format!("npm {how} in js/"),
        &mut npm,
        "Is the npm registry reachable? Does package-lock.json fit package.json?",
    )?;
    shell::write_if_changed(&npm_stamp(), &fs::read(&lock).context("npm wrote no package-lock.json")?)
}

/// The version of `cargo <component>`, if it is installed.
pub fn cargo_component(component: &str) -> Option<String> {
    shell::output(shell::command("cargo").args([component, "--version"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locked_version_is_that_of_the_package_with_exactly_that_name() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"0.1.0\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"x\"\n";
        assert_eq!(locked_version(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(locked_version(lock, "wasm"), None);
        assert_eq!(locked_version("", "wasm-bindgen"), None);
    }

    #[test]
    fn the_projects_own_lock_file_names_wasm_bindgen() {
        assert!(bindgen_version().unwrap().starts_with("0.2."));
    }

    #[test]
    fn node_versions_are_read() {
        assert_eq!(numbers("v20.20.2"), Some((20, 20)));
        assert_eq!(numbers("20"), None);
    }
}
