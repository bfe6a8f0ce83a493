//! The group `unit`: formatting, lints, documentation, the contents of the crates, and the tests of the core and of xtask.

use std::env;
use std::process::Command;

use anyhow::Result;
use serde_json::Value;

use super::runner::{count, count_some_or_none};
use super::{documentation, lints};
use crate::commands::crates;
use crate::tools::tally::Tally;
use crate::tools::{biome, cargo, shell};

/// Test targets of the crate `seamline` that are groups of their own.
const OTHER_GROUPS: [&str; 2] = ["simulation", "browser"];

/// Runs the group.
pub fn tests() -> Result<Tally> {
    let mut tally = formatting()?;
    tally += lints::tests()?;
    tally += documentation::tests()?;
    tally += crates::tests()?;
    tally += count(&mut native_tests()?)?;
    Ok(tally)
}

fn formatting() -> Result<Tally> {
    let mut tally = lints::lint(shell::cargo(), "fmt", &["--all", "--check"])?;
    tally += count_some_or_none(&mut biome::command(true)?)?;
    Ok(tally)
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
    Ok(targets_of_kind_test(&cargo::manifests()?, "seamline"))
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
