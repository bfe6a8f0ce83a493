//! `cargo xtask mutants`: plants bugs in a copy of the core, one at a time, and sees whether the tests
//! find them.

mod list;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::commands::sim;
use crate::tools::shell::say;
use crate::tools::{paths, shell};
use list::{MUTANTS, Mutant};

/// A test that takes longer hangs, which counts as found.
const LIMIT: Duration = Duration::from_secs(300);

/// The workspace's other members.
const MEMBERS: [&str; 5] = ["server", "chaos", "bench", "xtask", "tests/browser/server"];

/// Options of `mutants`.
#[derive(clap::Args)]
pub struct Args {
    /// How many seeds the simulation may use for each
    #[arg(long, value_name = "N", default_value_t = 200)]
    seeds: u64,

    /// Only those whose name contains this
    #[arg(long, value_name = "TEXT", default_value = "")]
    name: String,
}

/// What found a mutant.
enum Verdict {
    /// The simulation, with so many seeds.
    Simulation(u64),
    /// The tests of the core, by property and by hand.
    Tests,
    Survived,
    /// A mistake of the list.
    DoesNotCompile,
}

/// `cargo xtask mutants`.
pub fn command(args: Args) -> Result<ExitCode> {
    let tree = copy()?;
    // Whatever else makes the tests fail would look like a bug that was found.
    if !matches!(test(&tree, args.seeds)?, Verdict::Survived) {
        bail!("the tests fail without any planted bug; try cargo xtask test --only unit,sim");
    }
    say!("\n{:<52} {:<28} {:>8}", "planted bug", "found by", "time");
    let (mut found, mut all) = (0, 0);
    for mutant in MUTANTS.iter().filter(|mutant| mutant.name.contains(&args.name)) {
        let started = Instant::now();
        let verdict = judge(mutant, &tree, args.seeds).with_context(|| format!("mutant: {}", mutant.name))?;
        all += 1;
        found += i32::from(matches!(verdict, Verdict::Simulation(_) | Verdict::Tests));
        let by = match verdict {
            Verdict::Simulation(seeds) => format!("simulation, {seeds} seeds"),
            Verdict::Tests => "tests of the core".into(),
            Verdict::Survived => "NOTHING".into(),
            Verdict::DoesNotCompile => "it does not compile".into(),
        };
        say!("{:<52} {by:<28} {:>8}", mutant.name, shell::seconds(started.elapsed()));
    }
    say!("\n{found} of {all} found");
    Ok(if found == all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What cargo needs of the project for the crate `seamline`, in a directory of its own.
fn copy() -> Result<PathBuf> {
    let tree = paths::target().join("mutants/tree");
    if tree.exists() {
        fs::remove_dir_all(&tree).with_context(|| format!("could not empty {}", tree.display()))?;
    }
    let root = paths::root();
    for dir in ["src", "tests/session", "tests/simulation"] {
        for file in paths::files_below(&root.join(dir)) {
            copy_file(&file, &tree)?;
        }
    }
    for file in ["Cargo.toml", "Cargo.lock"] {
        copy_file(&root.join(file), &tree)?;
    }
    // Without the other members, cargo takes it for no workspace.
    for member in MEMBERS {
        copy_file(&root.join(member).join("Cargo.toml"), &tree)?;
        for file in paths::files_below(&root.join(member).join("src")) {
            copy_file(&file, &tree)?;
        }
    }
    Ok(tree)
}

fn copy_file(file: &Path, tree: &Path) -> Result<()> {
    let name = file.strip_prefix(paths::root()).context("it lies in the project")?;
    shell::write_if_changed(&tree.join(name), &fs::read(file)?)
}

fn judge(mutant: &Mutant, tree: &Path, seeds: u64) -> Result<Verdict> {
    let file = tree.join(mutant.file);
    let text = fs::read_to_string(&file).with_context(|| format!("could not read {}", mutant.file))?;
    if text.matches(mutant.find).count() != 1 {
        bail!("{} no longer has this once, so the list is to be mended:\n{}", mutant.file, mutant.find);
    }
    fs::write(&file, text.replacen(mutant.find, mutant.replace, 1))?;
    let verdict = test(tree, seeds);
    fs::write(&file, text)?;
    verdict
}

fn test(tree: &Path, seeds: u64) -> Result<Verdict> {
    let mut simulation = sim::command_line("simulation");
    simulation.env("SIM_SEEDS", seeds.to_string()).env("SIM_SHRINK", "0").args(["--", "--exact", "seeds"]);
    if let Some(output) = failure(&mut simulation, tree)? {
        if output.contains("could not compile") {
            return Ok(Verdict::DoesNotCompile);
        }
        return Ok(Verdict::Simulation(seed_in(&output).map_or(seeds, |seed| seed + 1)));
    }
    let mut tests = shell::cargo();
    tests.args(["test", "-p", "seamline", "--lib", "--test", "session"]);
    Ok(if failure(&mut tests, tree)?.is_some() { Verdict::Tests } else { Verdict::Survived })
}

/// The output of tests that fail.
fn failure(command: &mut Command, tree: &Path) -> Result<Option<String>> {
    command.current_dir(tree).env("CARGO_TARGET_DIR", paths::target().join("mutants/target"));
    command.env("RUST_BACKTRACE", "0");
    let (passed, output) = shell::run_quietly(command, LIMIT)?;
    Ok((!passed).then_some(output))
}

/// The seed in `seed 12 breaks a promise` or `seed 12 does not come to an end`.
fn seed_in(output: &str) -> Option<u64> {
    let mut words = output.lines().filter(|line| line.starts_with("seed "));
    words.find_map(|line| line.split(' ').nth(1)?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutant_fits_the_code_it_is_planted_in() {
        for mutant in MUTANTS {
            let text = fs::read_to_string(paths::root().join(mutant.file)).unwrap();
            assert_eq!(text.matches(mutant.find).count(), 1, "{}: {}", mutant.name, mutant.find);
            assert_ne!(mutant.find, mutant.replace, "{}", mutant.name);
        }
    }

    #[test]
    fn the_seed_is_read_from_the_report() {
        assert_eq!(seed_in("thread panicked\nseed 12 breaks a promise\n"), Some(12));
        assert_eq!(seed_in("seed 7 does not come to an end"), Some(7));
        assert_eq!(seed_in("test result: FAILED"), None);
    }
}
