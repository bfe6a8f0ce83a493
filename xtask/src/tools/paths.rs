//! The paths of the project.

use std::env;
use std::path::{Path, PathBuf};

/// The workspace's root.
pub fn root() -> PathBuf {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let manifest = manifest.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    manifest.parent().expect("xtask lies in the workspace").to_path_buf()
}

/// Cargo's target directory; everything built goes below it.
pub fn target() -> PathBuf {
    root().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// The target directory of the wasm build. It is separate because its compiler may be another one, and each would
/// discard the other's artifacts.
pub fn wasm_target() -> PathBuf {
    target().join("wasm")
}

/// A program that cargo has built, with the profile `debug` or `release`.
pub fn built(profile: &str, name: &str) -> PathBuf {
    target().join(profile).join(program(name))
}

/// The name of a program's file.
pub fn program(name: &str) -> String {
    format!("{name}{}", env::consts::EXE_SUFFIX)
}

/// The npm package's source.
pub fn js() -> PathBuf {
    root().join("js")
}

/// Where tools are installed, shared by all checkouts of the project.
pub fn cache() -> PathBuf {
    let base = env::var_os("SEAMLINE_CACHE").or_else(|| env::var_os("XDG_CACHE_HOME")).map(PathBuf::from);
    let base = base.unwrap_or_else(|| home().join(".cache"));
    base.join("seamline")
}

fn home() -> PathBuf {
    env::var_os("HOME")
        .or_else(|| env::var_os("USERPROFILE"))
        .map(PathBuf::from)
        .unwrap_or_else(env::temp_dir)
}

/// The executable `name` on the PATH.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let name = program(name);
    env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join(&name)).find(|file| file.is_file())
}

/// `path` relative to the root, for messages.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
