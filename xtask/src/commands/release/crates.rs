//! The crates, as cargo packages them.

use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Check;
use crate::tools::{run, shell};

/// What crates.io gets, in the order in which they depend on each other.
pub const PACKAGES: [&str; 2] = ["seamline", "seamline-server"];

/// What cargo adds to a package.
const ADDED: [&str; 3] = [".cargo_vcs_info.json", "Cargo.toml.orig", "Cargo.lock"];

/// Checks what is in the crates.
pub fn checks() -> Vec<Check> {
    vec![
        ("the crates contain only committed files", PACKAGES.iter().try_for_each(|name| is_committed(name))),
        ("cargo packages the crates", package()),
    ]
}

fn is_committed(name: &str) -> Result<()> {
    let list = shell::output(cargo_package().args(["--list", "-p", name]))
        .context("`cargo package --list` failed")?;
    let dir = if name == "seamline" { "" } else { "server/" };
    let tracked = shell::output(shell::command("git").args(["ls-files"])).context("`git ls-files` failed")?;
    let tracked: Vec<_> = tracked.lines().collect();
    let is_ours = |file: &&str| {
        let path = format!("{dir}{file}");
        !ADDED.contains(file) && !tracked.contains(&path.as_str()) && !tracked.contains(file)
    };
    match list.lines().find(is_ours) {
        None => Ok(()),
        Some(file) => {
            bail!("{name} contains {file}, which git does not track; mend `include` in its Cargo.toml")
        }
    }
}

/// Without building them, which `cargo publish` does before it uploads anything.
fn package() -> Result<()> {
    let mut cargo = cargo_package();
    cargo.arg("--no-verify");
    for name in PACKAGES {
        cargo.args(["-p", name]);
    }
    run::step("cargo package", &mut cargo, "Mend what it reports. It needs crates.io for the dependencies.")
}

/// Another check is about uncommitted changes.
fn cargo_package() -> Command {
    let mut cargo = shell::cargo();
    cargo.args(["package", "--allow-dirty", "--quiet"]);
    cargo
}
