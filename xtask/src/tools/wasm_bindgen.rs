//! wasm-bindgen's command-line tool and test runner.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::tools::requirements::State;
use crate::tools::{cargo, paths, shell};

/// The version of wasm-bindgen in the lock file. The tool must have the same version.
pub fn version() -> Result<String> {
    let file = paths::root().join("Cargo.lock");
    let lock = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    locked_version(&lock, "wasm-bindgen").context("Cargo.lock names no wasm-bindgen")
}

/// The version of `package` in the text of a lock file.
fn locked_version(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"').map(str::to_string)
}

/// The directory that holds wasm-bindgen and its test runner.
pub fn dir() -> Result<PathBuf> {
    let version = version()?;
    find(&version).with_context(|| format!("wasm-bindgen {version} is missing; run cargo xtask setup"))
}

/// The program that runs tests in a browser.
pub fn test_runner() -> Result<PathBuf> {
    Ok(dir()?.join(paths::program("wasm-bindgen-test-runner")))
}

fn find(version: &str) -> Option<PathBuf> {
    let on_path = || Some(paths::on_path("wasm-bindgen")?.parent()?.to_path_buf());
    let dirs = [Some(root(version).join("bin")), on_path()];
    dirs.into_iter().flatten().find(|dir| has_version(dir, version))
}

/// Whether both programs are there, in this version. Cargo.toml requires a range, as a library must, so only this
/// comparison keeps the glue and the wasm of the npm package equal.
fn has_version(dir: &Path, version: &str) -> bool {
    ["wasm-bindgen", "wasm-bindgen-test-runner"].iter().all(|name| {
        shell::version(dir.join(paths::program(name))).is_some_and(|is| is == format!("{name} {version}"))
    })
}

fn root(version: &str) -> PathBuf {
    paths::cache().join(format!("wasm-bindgen-{version}"))
}

/// For doctor and setup.
pub fn state() -> State {
    let Ok(version) = version() else {
        return State::Missing("fail: Cargo.lock names no wasm-bindgen".into());
    };
    match find(&version) {
        Some(_) => State::Ready(format!("{version}, as in Cargo.lock")),
        None => State::Missing(format!("run cargo install wasm-bindgen-cli --version {version}")),
    }
}

/// Installs wasm-bindgen.
pub fn install() -> Result<()> {
    let version = version()?;
    cargo::install("wasm-bindgen-cli", &version, &root(&version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locked_version_belongs_to_exactly_that_package() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"0.1.0\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"x\"\n";
        assert_eq!(locked_version(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(locked_version(lock, "wasm"), None);
        assert_eq!(locked_version("", "wasm-bindgen"), None);
    }

    #[test]
    fn the_lock_file_names_wasm_bindgen() {
        assert!(version().unwrap().starts_with("0.2."));
    }

    #[cfg(unix)]
    #[test]
    fn programs_of_another_version_are_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let dir = std::env::temp_dir().join(format!("seamline-bindgen-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        for name in ["wasm-bindgen", "wasm-bindgen-test-runner"] {
            assert!(!has_version(&dir, "0.2.130"));
            fs::write(dir.join(name), format!("#!/bin/sh\necho {name} 0.2.130\n")).unwrap();
            fs::set_permissions(dir.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        assert!(has_version(&dir, "0.2.130"));
        assert!(!has_version(&dir, "0.2.131"));
        fs::remove_dir_all(dir).unwrap();
    }
}
