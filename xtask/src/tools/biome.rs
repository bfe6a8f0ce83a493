//! Biome formats and lints the JavaScript and TypeScript; `biome.jsonc` says which files and rules.

use std::process::Command;

use anyhow::Result;

use crate::tools::requirements::{self, Part};
use crate::tools::{npm, shell};

/// Formats everything and makes the safe repairs; with `check`, only reports what it would change.
pub fn command(check: bool) -> Result<Command> {
    requirements::ensure(&[Part::Node, Part::NpmPackages])?;
    let mut biome = shell::command(npm::bin("biome"));
    biome.args(["check", "--error-on-warnings"]);
    if !check {
        biome.arg("--write");
    }
    Ok(biome)
}
