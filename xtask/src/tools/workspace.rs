//! Copies of the workspace, in which files may be changed.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::tools::{files, paths};

/// The other members of the workspace. Cargo wants their manifests in a copy, too.
const MEMBERS: [&str; 7] =
    ["server", "chaos", "bench", "xtask", "tests/browser/server", "tests/native", "tests/support"];

/// Copies what cargo needs for the crate `seamline`, and these folders, into a directory of their own.
pub fn copy(folders: &[&str], to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to).with_context(|| format!("cannot empty {}", to.display()))?;
    }
    let root = paths::root();
    for dir in folders.iter().chain(&["src"]) {
        files::copy(&root.join(dir), &to.join(dir))?;
    }
    for file in ["Cargo.toml", "Cargo.lock"] {
        copy_file(file, to)?;
    }
    for member in MEMBERS {
        copy_file(&format!("{member}/Cargo.toml"), to)?;
        files::copy(&root.join(member).join("src"), &to.join(member).join("src"))?;
    }
    Ok(())
}

fn copy_file(file: &str, to: &Path) -> Result<()> {
    let content = fs::read(paths::root().join(file)).with_context(|| format!("cannot read {file}"))?;
    files::write_if_changed(&to.join(file), &content)
}
