//! `cargo xtask mutants`: plants bugs in a copy of the core, or of the npm package, one at a time, and checks that the
//! tests find each.

mod core;
mod list;
mod mutant;
mod pages;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::tools::progress::{self, say};
use crate::tools::{files, paths, run};
use mutant::Mutant;

/// A test that runs longer than this hangs.
const TEST_TIMEOUT: Duration = Duration::from_secs(300);

/// Options of `mutants`.
#[derive(clap::Args)]
pub struct Args {
    /// Number of simulation seeds to try for each bug
    #[arg(long, value_name = "N", default_value_t = 200)]
    seeds: u64,

    /// Plant only the bugs whose name contains TEXT
    #[arg(long, value_name = "TEXT", default_value = "")]
    name: String,

    /// Plant bugs in the npm package, and simulate pages
    #[arg(long)]
    pages: bool,
}

/// What bugs are planted in.
struct Project {
    mutants: Vec<&'static Mutant>,
    /// Copies it into a directory of its own.
    copy: fn() -> Result<PathBuf>,
    /// Runs the tests in there, the simulation with so many seeds.
    test: fn(&Path, u64) -> Result<Outcome>,
    /// Runs them without a bug.
    hint: &'static str,
}

/// What found a bug.
enum Outcome {
    /// The simulation, and how many seeds it took.
    Simulation(u64),
    /// The tests of the core, by property and by hand.
    Tests,
    /// A test did not end, which counts as found.
    Hang,
    Survived,
    /// A mistake in the list.
    DoesNotCompile,
}

impl Outcome {
    fn is_found(&self) -> bool {
        matches!(self, Outcome::Simulation(_) | Outcome::Tests | Outcome::Hang)
    }

    fn describe(&self) -> String {
        match self {
            Outcome::Simulation(seeds) => format!("simulation, {seeds} seeds"),
            Outcome::Tests => "tests of the core".into(),
            Outcome::Hang => "a test does not end".into(),
            Outcome::Survived => "NOT FOUND".into(),
            Outcome::DoesNotCompile => "DOES NOT COMPILE".into(),
        }
    }
}

/// `cargo xtask mutants`.
pub fn command(args: Args) -> Result<ExitCode> {
    let Project { mutants, copy, test, hint } = if args.pages { pages::project() } else { core::project() };
    let mutants: Vec<_> = mutants.into_iter().filter(|mutant| mutant.name.contains(&args.name)).collect();
    if mutants.is_empty() {
        bail!("no planted bug has {:?} in its name; see xtask/src/commands/mutants/list/", args.name);
    }
    let tree = progress::step("copy the sources", copy)?;
    // Anything else that makes the tests fail would look like a bug that was found.
    let unchanged =
        progress::step("build and run the tests without a bug (a minute)", || test(&tree, args.seeds))?;
    match unchanged {
        Outcome::Survived => {}
        Outcome::Hang => bail!(
            "the tests do not end within {} without a planted bug; try fewer --seeds, or another time: the machine is busy",
            progress::seconds(TEST_TIMEOUT)
        ),
        _ => bail!("the tests fail without a planted bug; run {hint}"),
    }
    let started = Instant::now();
    let mut missed = Vec::new();
    for (index, mutant) in mutants.iter().enumerate() {
        if !run_one(mutant, &format!("{}/{}", index + 1, mutants.len()), || {
            plant(mutant, &tree, || test(&tree, args.seeds))
        })?
        .is_found()
        {
            missed.push(mutant.name);
        }
    }
    let found = mutants.len() - missed.len();
    say!("\n{found} of {} found in {}", mutants.len(), progress::seconds(started.elapsed()));
    missed.iter().for_each(|name| say!("not found: {name}"));
    Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints the bug while it is tried, and then what found it.
fn run_one(mutant: &Mutant, number: &str, plant: impl FnOnce() -> Result<Outcome>) -> Result<Outcome> {
    let mut stdout = std::io::stdout();
    write!(stdout, "{number:>7}  {:<52} ", mutant.name).and_then(|()| stdout.flush()).ok();
    let started = Instant::now();
    let outcome = plant().with_context(|| format!("planted bug: {}", mutant.name))?;
    say!("{:<24} {:>8}", outcome.describe(), progress::seconds(started.elapsed()));
    Ok(outcome)
}

/// An empty directory for a copy.
fn empty_tree(name: &str) -> Result<PathBuf> {
    let tree = paths::target().join("mutants").join(name);
    if tree.exists() {
        fs::remove_dir_all(&tree).with_context(|| format!("cannot empty {}", tree.display()))?;
    }
    Ok(tree)
}

fn copy_file(file: &Path, tree: &Path) -> Result<()> {
    let name = file.strip_prefix(paths::root()).context("it lies in the project")?;
    files::write_if_changed(&tree.join(name), &fs::read(file)?)
}

/// Changes the file, runs the tests, and changes it back.
fn plant(mutant: &Mutant, tree: &Path, test: impl FnOnce() -> Result<Outcome>) -> Result<Outcome> {
    let file = tree.join(mutant.file);
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", mutant.file))?;
    if let Some(mismatch) = mutant.mismatch(&text) {
        bail!("{mismatch}");
    }
    fs::write(&file, text.replacen(mutant.find, mutant.replace, 1))?;
    let outcome = test();
    fs::write(&file, text)?;
    outcome
}

/// How tests did not pass.
enum Failure {
    /// They printed this.
    Failed(String),
    Hang,
}

/// Runs tests.
fn failure(command: &mut Command) -> Result<Option<Failure>> {
    let started = Instant::now();
    let (passed, output) = run::quietly(command, TEST_TIMEOUT)?;
    let hang = started.elapsed() >= TEST_TIMEOUT;
    Ok((!passed).then_some(if hang { Failure::Hang } else { Failure::Failed(output) }))
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
        let mismatches: Vec<_> = list::core()
            .chain(list::pages())
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
