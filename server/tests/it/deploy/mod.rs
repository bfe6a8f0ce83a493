//! The files in `deploy/`, by the programs that read them: Prometheus, systemd, proxies, and the server.

mod clusters;
mod image;
mod monitoring;
mod proxies;
mod unit;

use std::process::Command;

/// The directory of the files.
const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy");

/// A file's text.
fn text(file: &str) -> String {
    std::fs::read_to_string(format!("{DEPLOY}/{file}")).unwrap()
}

/// Runs a program that must succeed; returns its output.
fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let output = output.unwrap_or_else(|e| panic!("cannot run {program}: {e}; cargo xtask test installs it"));
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{program} {args:?}:\n{text}");
    text
}
