//! The group `unit`: formatting, lints, documentation, and the tests of the core and of xtask.

use std::env;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::runner::{count, count_some_or_none};
use crate::tools::progress::say;
use crate::tools::tally::Tally;
use crate::tools::toolchain::WASM;
use crate::tools::{biome, cargo, shell};

/// Test targets of the crate `seamline` that are groups of their own.
const OTHER_GROUPS: [&str; 2] = ["simulation", "browser"];

/// What a page can be built from: the Rust API with its tests, and the two wasm files of the npm package.
const WASM_BUILDS: [&[&str]; 3] = [
    &["--lib", "--test=browser"],
    &["--lib", "--no-default-features", "--features=npm,js-texts"],
    &["--lib", "--features=npm"],
];

/// The server as it ships. `--all-targets` has only the build for its tests, which can inject faults.
const SHIPPED_SERVER: [&str; 8] =
    ["-p", "seamline-server", "--lib", "--bins", "--quiet", "--", "-D", "warnings"];

/// Runs the group.
pub fn tests() -> Result<Tally> {
    let mut tally = formatting()?;
    tally += lints()?;
    tally += documentation()?;
    tally += count(&mut native_tests()?)?;
    tally += count(shell::cargo().args(["test", "--quiet", "-p", "seamline", "--doc"]))?;
    Ok(tally)
}

fn formatting() -> Result<Tally> {
    let mut tally = lint(shell::cargo(), "fmt", &["--all", "--check"])?;
    tally += count_some_or_none(&mut biome::command(true)?)?;
    Ok(tally)
}

fn lints() -> Result<Tally> {
    let all = ["--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"];
    let mut tally = lint(shell::cargo(), "clippy", &all)?;
    tally += lint(shell::cargo(), "clippy", &SHIPPED_SERVER)?;
    for build in WASM_BUILDS {
        let args =
            [&["-p", "seamline", "--quiet", "--target", WASM], build, &["--", "-D", "warnings"]].concat();
        tally += lint(cargo::for_wasm()?, "clippy", &args)?;
    }
    Ok(tally)
}

/// Builds the documentation: as readers of the source see it, and as docs.rs shows it.
fn documentation() -> Result<Tally> {
    let mut native = shell::cargo();
    native.args(["doc", "--workspace", "--no-deps", "--document-private-items", "--quiet"]);
    // Links to private items work there, and `--help` shows URLs as they stand in the source.
    native.env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links -A rustdoc::bare_urls");
    let mut wasm = cargo::for_wasm()?;
    wasm.args(["doc", "-p", "seamline", "--no-deps", "--quiet", "--target", WASM]);
    wasm.env("RUSTDOCFLAGS", "-D warnings");
    let mut tally = count_some_or_none(&mut native)?;
    tally += count_some_or_none(&mut wasm)?;
    Ok(tally)
}

/// A lint that passes counts nothing; one that is not installed is skipped.
fn lint(mut cargo: Command, component: &str, args: &[&str]) -> Result<Tally> {
    if cargo::component_version(component).is_none() {
        say!("- cargo {component} is not installed: skipped");
        return Ok(Tally::default());
    }
    count_some_or_none(cargo.arg(component).args(args))
}

fn native_tests() -> Result<Command> {
    let mut tests = shell::cargo();
    tests.args(["test", "--quiet", "--lib", "--bins"]);
    tests.args(["-p", "seamline", "-p", "xtask", "-p", "seamline-bench", "-p", "seamline-test-support"]);
    // The same cases each time, unless others are asked for.
    tests.env("PROPTEST_RNG_SEED", env::var_os("PROPTEST_RNG_SEED").unwrap_or_else(|| "1".into()));
    for target in test_targets()?.iter().filter(|target| !OTHER_GROUPS.contains(&target.as_str())) {
        tests.args(["--test", target]);
    }
    Ok(tests)
}

/// The names of the integration tests of the crate `seamline`.
fn test_targets() -> Result<Vec<String>> {
    let printed = shell::output(shell::cargo().args(["metadata", "--no-deps", "--format-version", "1"]));
    let metadata: Value =
        serde_json::from_str(&printed.context("`cargo metadata` failed; check Cargo.toml")?)?;
    Ok(targets_of_kind_test(&metadata, "seamline"))
}

fn targets_of_kind_test(metadata: &Value, package: &str) -> Vec<String> {
    let packages = metadata["packages"].as_array().into_iter().flatten().filter(|p| p["name"] == package);
    let targets = packages.flat_map(|package| package["targets"].as_array().into_iter().flatten());
    let tests = targets
        .filter(|target| target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|k| k == "test")));
    tests.filter_map(|target| target["name"].as_str().map(str::to_string)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_packages_own_integration_tests_are_listed() {
        let target = |name: &str, kind: &str| json!({ "name": name, "kind": [kind] });
        let metadata = json!({ "packages": [
            { "name": "seamline", "targets": [target("seamline", "rlib"), target("simulation", "test")] },
            { "name": "seamline-server", "targets": [target("http", "test")] },
        ] });
        assert_eq!(targets_of_kind_test(&metadata, "seamline"), ["simulation"]);
    }
}
