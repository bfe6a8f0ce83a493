//! Builds Rust's std for wasm from a toolchain's source, where no package provides it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::tools::toolchain::{Probe, WASM};
use crate::tools::{files, paths, progress, run, shell};

/// A file next to the libraries with the version of the rustc that built them. Another rustc cannot read them.
const STAMP: &str = "seamline-std.stamp";

const CRATE: &str = r#"[package]
name = "only-std"
version = "0.0.0"
edition = "2021"

[lib]
path = "lib.rs"

[workspace]
"#;

/// Whether `libdir` has a std that this rustc can use.
pub fn is_there(libdir: &Path, verbose_version: &str) -> bool {
    if libraries(libdir).is_none() {
        return false;
    }
    // Without a stamp, it came with the toolchain.
    fs::read_to_string(libdir.join(STAMP)).map_or(true, |stamp| stamp.trim() == verbose_version.trim())
}

/// Whether Debian's source of std is installed.
pub fn source_is_there() -> bool {
    Path::new("/usr/lib/rustlib/src/rust/library/std/Cargo.toml").exists()
        || fs::read_dir("/usr/src")
            .into_iter()
            .flatten()
            .flatten()
            .any(|entry| entry.path().join("library/std").exists())
}

/// Builds std and copies it to where this rustc looks for it.
pub fn build(toolchain: Option<&str>, probe: &Probe) -> Result<()> {
    let dir = paths::target().join("wasm-std");
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    files::write_if_changed(&dir.join("Cargo.toml"), CRATE.as_bytes())?;
    files::write_if_changed(&dir.join("lib.rs"), b"#![no_std]\n")?;

    let mut cargo = shell::command("cargo");
    cargo.current_dir(&dir);
    cargo.args(["build", "--release", "-Z", "build-std=std,panic_abort,test", "--target", WASM]);
    // Debian's rustc is stable, and building std is an unstable option.
    cargo.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", dir.join("target"));
    if let Some(name) = toolchain {
        cargo.env("RUSTUP_TOOLCHAIN", name);
    }
    run::step(
        "build std for wasm (about a minute)",
        &mut cargo,
        "The source of std comes with rust-web-src.",
    )?;

    let deps = dir.join("target").join(WASM).join("release/deps");
    progress::step("copy it to where rustc looks for it", || copy(&deps, probe))
}

fn copy(deps: &Path, probe: &Probe) -> Result<()> {
    let to = &probe.libdir;
    let Some(built) = libraries(deps) else { bail!("cargo built no std in {}", deps.display()) };
    let explain =
        || format!("cannot write to {}; run cargo xtask setup once as a user who can", to.display());
    fs::create_dir_all(to).with_context(explain)?;
    for old in libraries(to).unwrap_or_default() {
        fs::remove_file(old).with_context(explain)?;
    }
    for library in built {
        let name = library.file_name().expect("a listed file has a name");
        if !name.to_string_lossy().starts_with("libonly_std") {
            fs::copy(&library, to.join(name)).with_context(explain)?;
        }
    }
    fs::write(to.join(STAMP), &probe.verbose_version).with_context(explain)
}

/// The `.rlib`s in `dir`, if std is among them.
fn libraries(dir: &Path) -> Option<Vec<std::path::PathBuf>> {
    let files = fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path());
    let found: Vec<_> = files.filter(|file| file.extension().is_some_and(|ext| ext == "rlib")).collect();
    let is_std = |file: &std::path::PathBuf| {
        file.file_name().is_some_and(|n| n.to_string_lossy().starts_with("libstd-"))
    };
    found.iter().any(is_std).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_std_belongs_to_the_rustc_that_built_it() {
        let dir = std::env::temp_dir().join(format!("seamline-std-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        assert!(!is_there(&dir, "rustc 1"));
        fs::write(dir.join("libcore-0.rlib"), "").unwrap();
        assert!(!is_there(&dir, "rustc 1"), "core alone is not enough");
        fs::write(dir.join("libstd-0.rlib"), "").unwrap();
        assert!(is_there(&dir, "rustc 1"), "without a stamp it came with the toolchain");
        fs::write(dir.join(STAMP), "rustc 1\n").unwrap();
        assert!(is_there(&dir, "rustc 1"));
        assert!(!is_there(&dir, "rustc 2"), "rustc was upgraded");
        fs::remove_dir_all(dir).unwrap();
    }
}
