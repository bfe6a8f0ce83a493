//! The npm tarball, as npm, bundlers and TypeScript read it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::tools::checks::Check;
use crate::tools::{files, npm, paths, run, shell};

/// The names of the files, one a line.
const LIST: &str = "js/tests/tarball.txt";
const MANIFEST: [(&str, &str); 2] = [
    ("package.json", include_str!("tools/package.json")),
    ("package-lock.json", include_str!("tools/package-lock.json")),
];
const CHECK_WITHIN: Duration = Duration::from_secs(300);

/// Checks the tarball's contents, and how it resolves.
pub fn checks(tarball: &Path) -> Vec<Check> {
    vec![
        ("the npm package has the listed files", has_listed_files(tarball)),
        ("publint finds nothing in the npm package", publint(tarball)),
        ("attw resolves the types of every entry", attw(tarball)),
    ]
}

fn has_listed_files(tarball: &Path) -> Result<()> {
    let packed =
        shell::output(shell::command("tar").arg("-tzf").arg(tarball)).context("`tar -tzf` failed")?;
    let mut packed: Vec<_> = packed.lines().filter_map(|line| line.strip_prefix("package/")).collect();
    packed.sort_unstable();
    let listed =
        fs::read_to_string(paths::root().join(LIST)).with_context(|| format!("cannot read {LIST}"))?;
    let listed: Vec<_> = listed.lines().collect();
    let unlisted = packed.iter().find(|name| !listed.contains(name));
    let missing = listed.iter().find(|name| !packed.contains(name));
    match (unlisted, missing) {
        (None, None) => Ok(()),
        (Some(name), _) => bail!("{name} is not in {LIST}; js/tests/tarball.test.mjs updates the list"),
        (_, Some(name)) => bail!("{name} of {LIST} is missing; js/tests/tarball.test.mjs updates the list"),
    }
}

fn publint(tarball: &Path) -> Result<()> {
    passes(tool("publint")?.arg("--strict").arg(tarball))
}

/// The `.wasm` files have no types: each bundler gives them its own.
fn attw(tarball: &Path) -> Result<()> {
    let mut attw = tool("attw")?;
    attw.arg(tarball).args(["--format", "table-flipped", "--no-color", "--no-emoji"]);
    passes(attw.args(["--exclude-entrypoints", "seamline.wasm", "seamline-plain.wasm"]))
}

fn passes(command: &mut Command) -> Result<()> {
    let (passed, output) = run::quietly(command, CHECK_WITHIN)?;
    if !passed {
        bail!("`{}` failed\n{output}", shell::show(command));
    }
    Ok(())
}

/// A program that only checks a release. It is not in js/, because it would double what every contributor installs.
fn tool(name: &str) -> Result<Command> {
    let dir = paths::target().join("release-tools");
    let bin = dir.join("node_modules/.bin").join(name);
    let is_current =
        |(name, text): &(&str, &str)| fs::read_to_string(dir.join(name)).is_ok_and(|it| it == *text);
    if !bin.exists() || !MANIFEST.iter().all(is_current) {
        install(&dir)?;
    }
    Ok(shell::command(bin))
}

fn install(dir: &PathBuf) -> Result<()> {
    for (name, text) in MANIFEST {
        files::write_if_changed(&dir.join(name), text.as_bytes())?;
    }
    let mut npm = npm::command()?;
    npm.current_dir(dir).args(["ci", "--no-audit", "--no-fund"]);
    run::step("npm ci for publint and attw", &mut npm, "Check that the npm registry is reachable.")
}
