//! `cargo xtask mutants`: plants bugs in a copy of the core, one at a time, and checks that the tests find each.

mod list;
mod mutant;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::tools::progress::{self, say};
use crate::tools::{files, paths, run, shell};
use mutant::Mutant;

/// A test that runs longer than this hangs, which counts as found.
const TEST_TIMEOUT: Duration = Duration::from_secs(300);

/// The other members of the workspace. Cargo wants their manifests in the copy, too.
const MEMBERS: [&str; 6] = ["server", "chaos", "bench", "xtask", "tests/browser/server", "tests/support"];

/// The tests by hand and by property; cargo builds the simulation along with them, which keeps both cores busy.
const TESTS: [&str; 2] = ["--lib", "--test=session"];
const SIMULATION: &str = "--test=simulation";

/// Options of `mutants`.
#[derive(clap::Args)]
pub struct Args {
    /// Number of simulation seeds to try for each bug
    #[arg(long, value_name = "N", default_value_t = 200)]
    seeds: u64,

    /// Plant only the bugs whose name contains TEXT
    #[arg(long, value_name = "TEXT", default_value = "")]
    name: String,
}

/// What found a bug.
enum Outcome {
    /// The simulation, and how many seeds it took.
    Simulation(u64),
    /// The tests of the core, by property and by hand.
    Tests,
    Survived,
    /// A mistake in the list.
    DoesNotCompile,
}

impl Outcome {
    fn is_found(&self) -> bool {
        matches!(self, Outcome::Simulation(_) | Outcome::Tests)
    }

    fn describe(&self) -> String {
        match self {
            Outcome::Simulation(seeds) => format!("simulation, {seeds} seeds"),
            Outcome::Tests => "tests of the core".into(),
            Outcome::Survived => "NOT FOUND".into(),
            Outcome::DoesNotCompile => "DOES NOT COMPILE".into(),
        }
    }
}

/// `cargo xtask mutants`.
pub fn command(args: Args) -> Result<ExitCode> {
    let mutants: Vec<_> = list::all().filter(|mutant| mutant.name.contains(&args.name)).collect();
    if mutants.is_empty() {
        bail!("no planted bug has {:?} in its name; see xtask/src/commands/mutants/list/", args.name);
    }
    let tree = progress::step("copy the core", copy)?;
    // Anything else that makes the tests fail would look like a bug that was found.
    let unchanged =
        progress::step("build and run the tests without a bug (a minute)", || test(&tree, args.seeds))?;
    if !matches!(unchanged, Outcome::Survived) {
        bail!("the tests fail without a planted bug; run cargo xtask test --only unit,sim");
    }
    let started = Instant::now();
    let mut missed = Vec::new();
    for (index, mutant) in mutants.iter().enumerate() {
        if !run_one(mutant, &format!("{}/{}", index + 1, mutants.len()), &tree, args.seeds)?.is_found() {
            missed.push(mutant.name);
        }
    }
    let found = mutants.len() - missed.len();
    say!("\n{found} of {} found in {}", mutants.len(), progress::seconds(started.elapsed()));
    missed.iter().for_each(|name| say!("not found: {name}"));
    Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints the bug while it is tried, and then what found it.
fn run_one(mutant: &Mutant, number: &str, tree: &Path, seeds: u64) -> Result<Outcome> {
    let mut stdout = std::io::stdout();
    write!(stdout, "{number:>7}  {:<52} ", mutant.name).and_then(|()| stdout.flush()).ok();
    let started = Instant::now();
    let outcome = plant(mutant, tree, seeds).with_context(|| format!("planted bug: {}", mutant.name))?;
    say!("{:<24} {:>8}", outcome.describe(), progress::seconds(started.elapsed()));
    Ok(outcome)
}

/// Copies what cargo needs for the crate `seamline` into a directory of its own.
fn copy() -> Result<PathBuf> {
    let tree = paths::target().join("mutants/tree");
    if tree.exists() {
        fs::remove_dir_all(&tree).with_context(|| format!("cannot empty {}", tree.display()))?;
    }
    let root = paths::root();
    for dir in ["src", "tests/session", "tests/simulation"] {
        for file in files::below(&root.join(dir)) {
            copy_file(&file, &tree)?;
        }
    }
    for file in ["Cargo.toml", "Cargo.lock"] {
        copy_file(&root.join(file), &tree)?;
    }
    for member in MEMBERS {
        copy_file(&root.join(member).join("Cargo.toml"), &tree)?;
        for file in files::below(&root.join(member).join("src")) {
            copy_file(&file, &tree)?;
        }
    }
    Ok(tree)
}

fn copy_file(file: &Path, tree: &Path) -> Result<()> {
    let name = file.strip_prefix(paths::root()).context("it lies in the project")?;
    files::write_if_changed(&tree.join(name), &fs::read(file)?)
}

/// Changes the file, runs the tests, and changes it back.
fn plant(mutant: &Mutant, tree: &Path, seeds: u64) -> Result<Outcome> {
    let file = tree.join(mutant.file);
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", mutant.file))?;
    if let Some(mismatch) = mutant.mismatch(&text) {
        bail!("{mismatch}");
    }
    fs::write(&file, text.replacen(mutant.find, mutant.replace, 1))?;
    let outcome = test(tree, seeds);
    fs::write(&file, text)?;
    outcome
}

fn test(tree: &Path, seeds: u64) -> Result<Outcome> {
    if failure(cargo_test(tree).args(TESTS).args([SIMULATION, "--no-run"]))?.is_some() {
        return Ok(Outcome::DoesNotCompile);
    }
    let mut simulation = cargo_test(tree);
    simulation.args([SIMULATION, "--", "--exact", "seeds"]);
    simulation.env("SIM_SEEDS", seeds.to_string()).env("SIM_SHRINK", "0");
    if let Some(output) = failure(&mut simulation)? {
        return Ok(Outcome::Simulation(seed_in(&output).map_or(seeds, |seed| seed + 1)));
    }
    let found = failure(cargo_test(tree).args(TESTS))?.is_some();
    Ok(if found { Outcome::Tests } else { Outcome::Survived })
}

/// All of them share one target directory, so that each builds only what the bug changes.
fn cargo_test(tree: &Path) -> Command {
    let mut cargo = shell::cargo();
    cargo.args(["test", "-p", "seamline", "--profile", "mutants"]).current_dir(tree);
    cargo.env("CARGO_TARGET_DIR", paths::target().join("mutants/target")).env("RUST_BACKTRACE", "0");
    cargo
}

/// The output of tests that fail.
fn failure(command: &mut Command) -> Result<Option<String>> {
    let (passed, output) = run::quietly(command, TEST_TIMEOUT)?;
    Ok((!passed).then_some(output))
}

/// The seed that the simulation's report begins with, as in `seed 12 breaks …`.
fn seed_in(output: &str) -> Option<u64> {
    output.lines().find_map(|line| line.strip_prefix("seed ")?.split(' ').next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_planted_bug_fits_its_file_once() {
        let mismatches: Vec<_> = list::all()
            .filter_map(|mutant| {
                let text = fs::read_to_string(paths::root().join(mutant.file)).unwrap_or_default();
                mutant.mismatch(&text)
            })
            .collect();
        assert!(
            mismatches.is_empty(),
            "change these entries in xtask/src/commands/mutants/list/:\n{}",
            mismatches.join("\n")
        );
    }

    #[test]
    fn the_seed_is_read_from_the_report() {
        assert_eq!(seed_in("thread panicked\nseed 12 breaks a promise\n"), Some(12));
        assert_eq!(seed_in("seed 7 does not come to an end"), Some(7));
        assert_eq!(seed_in("test result: FAILED"), None);
    }
}
