//! Bugs in the npm package: found by the simulation of pages, which runs the package from its sources.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Failure, Outcome, Project, copy_file, empty_tree, failure, list, seed_in};
use crate::commands::pack;
use crate::tools::{files, paths, shell};

/// The npm package.
pub fn project() -> Project {
    Project { mutants: list::pages().collect(), copy, test, hint: "cargo xtask sim --pages" }
}

/// Copies the sources and the wasm.
fn copy() -> Result<PathBuf> {
    pack::pack()?;
    let tree = empty_tree("pages")?;
    for dir in ["js/src", "js/pkg"] {
        for file in files::below(&paths::root().join(dir)) {
            copy_file(&file, &tree)?;
        }
    }
    Ok(tree)
}

fn test(tree: &Path, seeds: u64) -> Result<Outcome> {
    let mut node = shell::command("node");
    node.current_dir(paths::js())
        .args(["simulation/main.mjs", "--no-shrink", "--sources"])
        .arg(tree.join("js"));
    node.args(["--seeds", &seeds.to_string()]);
    Ok(match failure(&mut node)? {
        None => Outcome::Survived,
        Some(Failure::Hang) => Outcome::Hang,
        Some(Failure::Failed(output)) => {
            seed_in(&output).map_or(Outcome::DoesNotCompile, |seed| Outcome::Simulation(seed + 1))
        }
    })
}
