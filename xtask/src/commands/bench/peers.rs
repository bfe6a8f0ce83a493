//! The libraries and servers that Seamline is measured beside.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::tools::stamp::Stamp;
use crate::tools::{files, npm, paths, run};

/// What is installed from npm: the exact versions.
const LIST: &str = "bench/browser/peers.json";

/// Installs them into a folder below `target/`, and returns it.
pub fn install() -> Result<PathBuf> {
    let folder = super::dir().join("peers");
    let list = paths::root().join(LIST);
    let manifest = folder.join("package.json");
    let installed = vec![folder.join("node_modules/socket.io/package.json")];
    Stamp::new("bench-peers", "npm install", vec![list.clone()], installed).renew(|| {
        let text = fs::read(&list).with_context(|| format!("cannot read {LIST}"))?;
        files::write_if_changed(&manifest, &text)?;
        let mut npm = npm::command()?;
        npm.current_dir(&folder).args(["install", "--no-audit", "--no-fund", "--no-package-lock"]);
        npm.arg("--ignore-scripts");
        run::step("npm install of the others", &mut npm, "Check that the npm registry is reachable.")
    })?;
    Ok(folder)
}
