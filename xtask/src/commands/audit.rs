//! `cargo xtask audit`: checks the dependencies. Known vulnerabilities, licenses, banned crates and sources of the
//! crates (deny.toml), and known vulnerabilities of the npm packages, none of which a page downloads.
//!
//! It is not one of the tests: its result changes while the project does not, and it needs the network.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::tools::progress::say;
use crate::tools::{cargo, npm, paths, run, shell};

const DENY_VERSION: &str = "0.20.2";

/// Options of `audit`.
#[derive(clap::Args)]
pub struct Args {
    /// Skip the checks that need a database of vulnerabilities
    #[arg(long)]
    offline: bool,
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    /// It could not be made, which does not count as passed.
    NotMade(&'static str),
    /// `--offline`.
    Skipped,
}

/// `cargo xtask audit`.
pub fn command(args: Args) -> Result<ExitCode> {
    let deny = deny()?;
    let policy = passed(&mut check(&deny, &["bans", "licenses", "sources"]))?;
    let (crates, packages) = match args.offline {
        true => (Outcome::Skipped, Outcome::Skipped),
        false => (advisories(&deny)?, npm_audits()?),
    };
    let table = [
        ("crates: bans, licenses, sources", policy),
        ("crates: known vulnerabilities", crates),
        ("npm packages: known vulnerabilities", packages),
    ];
    say!();
    for (what, outcome) in table {
        say!("{what:<36} {}", describe(outcome));
    }
    let fine = table.iter().all(|(_, outcome)| matches!(outcome, Outcome::Passed | Outcome::Skipped));
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn describe(outcome: Outcome) -> String {
    match outcome {
        Outcome::Passed => "ok".into(),
        Outcome::Failed => "FAILED: see above".into(),
        Outcome::NotMade(why) => format!("NOT CHECKED: {why}"),
        Outcome::Skipped => "skipped (--offline)".into(),
    }
}

/// cargo-deny. It is installed if it is missing.
fn deny() -> Result<PathBuf> {
    let root = paths::cache().join(format!("cargo-deny-{DENY_VERSION}"));
    let program = root.join("bin").join(paths::program("cargo-deny"));
    if !program.is_file() {
        cargo::install_locked("cargo-deny", DENY_VERSION, &root)?;
    }
    Ok(program)
}

fn check(deny: &PathBuf, what: &[&str]) -> Command {
    let mut command = shell::command(deny);
    // A license that is allowed and not in use is not a finding.
    command.args(["--workspace", "check", "--hide-inclusion-graph", "--allow", "license-not-encountered"]);
    command.args(what);
    command
}

fn passed(command: &mut Command) -> Result<Outcome> {
    let (status, _) = run::shown(command)?;
    Ok(if status.success() { Outcome::Passed } else { Outcome::Failed })
}

fn advisories(deny: &PathBuf) -> Result<Outcome> {
    let (fetched, _) = run::shown(shell::command(deny).args(["--workspace", "fetch", "db"]))?;
    if !fetched.success() {
        return Ok(Outcome::NotMade("cannot fetch the database github.com/RustSec/advisory-db"));
    }
    let mut check = check(deny, &["advisories"]);
    passed(check.arg("--disable-fetch"))
}

/// Checks each directory that has a package-lock.json.
fn npm_audits() -> Result<Outcome> {
    let directories = [paths::js()];
    let outcomes = directories.iter().map(|directory| npm_audit(directory)).collect::<Result<Vec<_>>>()?;
    Ok(worst(&outcomes))
}

/// The result of several checks: one that failed outweighs one that could not be made.
fn worst(outcomes: &[Outcome]) -> Outcome {
    let failed = outcomes.iter().find(|outcome| **outcome == Outcome::Failed);
    let not_passed = || outcomes.iter().find(|outcome| **outcome != Outcome::Passed);
    failed.or_else(not_passed).copied().unwrap_or(Outcome::Passed)
}

fn npm_audit(directory: &Path) -> Result<Outcome> {
    let npm = || -> Result<Command> {
        let mut npm = npm::command()?;
        npm.current_dir(directory).arg("audit");
        Ok(npm)
    };
    let asked = npm()?.arg("--json").output().context("cannot start npm")?;
    Ok(match (asked.status.success(), is_report(&asked.stdout)) {
        (true, _) => Outcome::Passed,
        (false, true) => passed(&mut npm()?)?, // again, with output for the reader
        (false, false) => Outcome::NotMade("the npm registry does not answer `npm audit`"),
    })
}

/// npm exits the same way with findings and without an answer, but only findings have this field.
fn is_report(json: &[u8]) -> bool {
    let report = serde_json::from_slice::<serde_json::Value>(json);
    report.is_ok_and(|report| report.get("auditReportVersion").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_without_an_answer_is_not_a_report() {
        assert!(is_report(br#"{"auditReportVersion": 2, "vulnerabilities": {}}"#));
        assert!(!is_report(br#"{"message": "405 Method Not Allowed", "statusCode": 405}"#));
        assert!(!is_report(b"") && !is_report(b"npm error"));
    }

    #[test]
    fn the_worst_result_counts() {
        let (passed, failed, not_made) = (Outcome::Passed, Outcome::Failed, Outcome::NotMade("no network"));
        assert_eq!(worst(&[passed, passed]), passed);
        assert_eq!(worst(&[not_made, passed, failed]), failed);
        assert_eq!(worst(&[passed, not_made]), not_made);
    }

    #[test]
    fn an_unmade_check_is_not_ok() {
        assert!(describe(Outcome::NotMade("no network")).contains("NOT CHECKED: no network"));
        assert_eq!(describe(Outcome::Passed), "ok");
    }
}
