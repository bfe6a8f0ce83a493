//! npm and the packages of js/.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::tools::requirements::State;
use crate::tools::{files, paths, run, shell};

/// npm on the PATH.
pub fn find() -> Option<PathBuf> {
    paths::on_path("npm").or_else(|| paths::on_path("npm.cmd"))
}

/// npm, in js/.
pub fn command() -> Result<Command> {
    let js = paths::js();
    if !js.join("package.json").exists() {
        bail!("js/package.json is missing: check out the whole project");
    }
    let mut npm = shell::command(find().context("npm is missing; install Node from https://nodejs.org")?);
    npm.current_dir(js).env("NO_UPDATE_NOTIFIER", "1").env("npm_config_update_notifier", "false");
    Ok(npm)
}

/// A program of the installed npm packages.
pub fn bin(name: &str) -> PathBuf {
    paths::js().join("node_modules/.bin").join(name)
}

/// A copy of the lock file that was installed.
fn stamp() -> PathBuf {
    paths::js().join("node_modules/.seamline-lock")
}

fn is_installed() -> bool {
    let lock = fs::read(paths::js().join("package-lock.json"));
    lock.is_ok_and(|lock| fs::read(stamp()).is_ok_and(|stamp| stamp == lock))
}

/// For doctor and setup.
pub fn state() -> State {
    if !paths::js().join("package.json").exists() {
        return State::Missing("fail: js/package.json is missing".into());
    }
    match is_installed() {
        true => State::Ready("js/node_modules is as in package-lock.json".into()),
        false => State::Missing("run npm ci in js/".into()),
    }
}

/// Installs js/node_modules.
pub fn install() -> Result<()> {
    let lock = paths::js().join("package-lock.json");
    let how = if lock.exists() { "ci" } else { "install" };
    let mut npm = command()?;
    npm.args([how, "--no-audit", "--no-fund"]);
    run::step(
        &format!("npm {how} in js/"),
        &mut npm,
        "Check that the npm registry is reachable, and that package-lock.json matches package.json.",
    )?;
    files::write_if_changed(&stamp(), &fs::read(&lock).context("npm wrote no package-lock.json")?)
}
