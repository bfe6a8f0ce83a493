//! Bugs in the core: found by its simulation, or else by the tests by hand and by property.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::{Failure, Outcome, Project, empty_tree, failure, list, seed_in};
use crate::tools::{paths, shell, workspace};

/// The tests by hand and by property; cargo builds the simulation along with them, which keeps both cores busy.
const TESTS: [&str; 2] = ["--lib", "--test=session"];
const SIMULATION: &str = "--test=simulation";

/// The core.
pub fn project() -> Project {
    Project { mutants: list::core().collect(), copy, test, hint: "cargo xtask test --only unit,sim" }
}

/// Copies the crate and the tests that look for the bugs into a directory of their own.
fn copy() -> Result<PathBuf> {
    let tree = empty_tree("tree")?;
    workspace::copy(&["tests/session", "tests/simulation"], &tree)?;
    Ok(tree)
}

fn test(tree: &Path, seeds: u64) -> Result<Outcome> {
    if failure(cargo_test(tree).args(TESTS).args([SIMULATION, "--no-run"]))?.is_some() {
        return Ok(Outcome::DoesNotCompile);
    }
    let mut simulation = cargo_test(tree);
    simulation.args([SIMULATION, "--", "--exact", "seeds"]);
    simulation.env("SIM_SEEDS", seeds.to_string()).env("SIM_SHRINK", "0");
    match failure(&mut simulation)? {
        Some(Failure::Failed(output)) => {
            return Ok(Outcome::Simulation(seed_in(&output).map_or(seeds, |seed| seed + 1)));
        }
        Some(Failure::Hang) => return Ok(Outcome::Hang),
        None => {}
    }
    Ok(match failure(cargo_test(tree).args(TESTS))? {
        Some(Failure::Failed(_)) => Outcome::Tests,
        Some(Failure::Hang) => Outcome::Hang,
        None => Outcome::Survived,
    })
}

/// All of them share one target directory, so that each builds only what the bug changes.
fn cargo_test(tree: &Path) -> Command {
    let mut cargo = shell::cargo();
    cargo.args(["test", "-p", "seamline", "--profile", "mutants"]).current_dir(tree);
    cargo.env("CARGO_TARGET_DIR", paths::target().join("mutants/target")).env("RUST_BACKTRACE", "0");
    cargo
}
