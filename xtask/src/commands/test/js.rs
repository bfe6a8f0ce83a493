//! The group `js`: the npm package in Node, and its size, files, metadata and types.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::runner::{count, verdict, waiting_threads};
use crate::commands::{release, size};
use crate::tools::progress::say;
use crate::tools::tally::Tally;
use crate::tools::toolchain::Toolchain;
use crate::tools::{files, paths, shell};

/// Runs the group.
pub fn tests() -> Result<Tally> {
    let mut tally = size()?;
    tally += count(&mut in_node())?;
    tally += release::package_tests()?;
    Ok(tally)
}

/// As `npm test`, but with more files at a time than Node takes by itself: many wait for other processes.
fn in_node() -> Command {
    let is_test = |file: &PathBuf| file.to_string_lossy().ends_with(".test.mjs");
    let mut node = shell::command("node");
    node.args(["--test", "--test-reporter=spec", &format!("--test-concurrency={}", waiting_threads())]);
    node.args(files::below(&paths::js().join("tests")).iter().filter(|file| is_test(file)));
    node.current_dir(paths::js());
    node
}

/// Each entry of the package stays within its size budget. Without std's source the wasm is larger, so the size is not checked.
fn size() -> Result<Tally> {
    let over = size::measure()?;
    if !Toolchain::get()?.has_source {
        say!(
            "- the source of std is missing, so the size of the client is not checked; run cargo xtask setup"
        );
        return Ok(Tally::default());
    }
    if let Some(over) = &over {
        say!("{over}");
    }
    Ok(verdict("size", over.is_none()))
}
