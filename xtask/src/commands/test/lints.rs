//! Lints of every build of the crates, with warnings as errors.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::runner::{count_some_or_none, verdict};
use crate::tools::progress::{self, say};
use crate::tools::tally::Tally;
use crate::tools::toolchain::WASM;
use crate::tools::{cargo, files, paths, shell, workspace};

/// What a page can be built from: the Rust API, as an application without the plain dialect has it; with that dialect,
/// and the tests; and the two wasm files of the npm package.
const WASM_BUILDS: [&[&str]; 4] = [
    &["--lib"],
    &["--lib", "--test=browser", "--features=plain"],
    &["--lib", "--features=npm,js-texts"],
    &["--lib", "--features=npm,plain"],
];

/// The Rust API where there is no page: without a platform, for rendering on a server; and for native programs.
const NATIVE_BUILDS: [&[&str]; 2] = [&["--lib"], &["--lib", "--example=tail", "--features=native,plain"]];

/// Runs the lints.
pub fn tests() -> Result<Tally> {
    let all = ["--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"];
    let mut tally = lint(shell::cargo(), "clippy", &all)?;
    for build in WASM_BUILDS {
        let args =
            [&["-p", "seamline", "--quiet", "--target", WASM], build, &["--", "-D", "warnings"]].concat();
        tally += lint(cargo::for_wasm()?, "clippy", &args)?;
    }
    for build in NATIVE_BUILDS {
        let args = [&["-p", "seamline", "--quiet"], build, &["--", "-D", "warnings"]].concat();
        tally += lint(shell::cargo(), "clippy", &args)?;
    }
    if cargo::component_version("clippy").is_some() {
        tally += planted()?;
    }
    Ok(tally)
}

/// A lint that passes counts nothing; one that is not installed is skipped.
pub fn lint(mut cargo: Command, component: &str, args: &[&str]) -> Result<Tally> {
    if cargo::component_version(component).is_none() {
        say!("- cargo {component} is not installed: skipped");
        return Ok(Tally::default());
    }
    count_some_or_none(cargo.arg(component).args(args))
}

/// Code that compiles, and that clippy rejects.
const PLANTED: &str = "\nfn planted(yes: bool) -> bool {\n    yes == true\n}\n";
const COMPLAINT: &str = "equality checks against true are unnecessary";

/// Plants a fault in each file of the crate: a file that no build contains would never be linted, without an error.
fn planted() -> Result<Tally> {
    let missed = progress::step("plant a fault in each file of src/ and lint it", missed)?;
    for file in &missed {
        say!("no lint finds a fault in {file}: no build of xtask/src/commands/test/lints.rs contains it");
    }
    Ok(verdict("every_file_is_linted", missed.is_empty()))
}

/// The files in which no lint finds the planted fault.
fn missed() -> Result<Vec<String>> {
    let tree = paths::target().join("planted-faults");
    workspace::copy(&[], &tree)?;
    let mut missed = Vec::new();
    for file in files::below(&tree.join("src")) {
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        fs::write(&file, text + PLANTED)?;
        missed.push(file.strip_prefix(&tree).expect("it lies there").to_string_lossy().replace('\\', "/"));
    }
    let wasm = WASM_BUILDS.map(|build| (&["--target", WASM][..], build));
    // Some files have only unit tests.
    let native = NATIVE_BUILDS.map(|build| (&["--tests"][..], build));
    for (target, build) in wasm.into_iter().chain(native) {
        let mut clippy = if target.contains(&WASM) { cargo::for_wasm()? } else { shell::cargo() };
        if !target.contains(&WASM) {
            clippy.env("CARGO_TARGET_DIR", paths::target()); // the dependencies are built there
        }
        // The copy has no tests and examples.
        let library =
            build.iter().filter(|arg| !arg.starts_with("--test=") && !arg.starts_with("--example="));
        clippy.args(["clippy", "-p", "seamline", "--message-format=short"]).args(target).args(library);
        let found = complaints(&mut clippy, &tree)?;
        missed.retain(|file| !found.contains(file));
    }
    Ok(missed)
}

/// The files about which a lint complains in this copy.
fn complaints(clippy: &mut Command, tree: &Path) -> Result<Vec<String>> {
    let output = clippy.current_dir(tree).output().context("cannot start cargo clippy")?;
    let printed = String::from_utf8_lossy(&output.stderr).replace('\\', "/");
    let files = printed.lines().filter(|line| line.contains(COMPLAINT));
    Ok(files.filter_map(|line| line.split_once(':')).map(|(file, _)| file.to_string()).collect())
}
