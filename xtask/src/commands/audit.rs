//! `cargo xtask audit`: what the project takes in from others. Known vulnerabilities, licences, banned crates and
//! sources of the crates (deny.toml); known vulnerabilities of the npm packages, none of which a page downloads.
//!
//! Not part of the tests: what it finds changes without a change of ours, and it needs the network.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::tools::progress::say;
use crate::tools::{cargo, npm, paths, run, shell};

const DENY_VERSION: &str = "0.20.2";

/// Options of `audit`.
#[derive(clap::Args)]
pub struct Args {
    /// Leave out what asks a database of vulnerabilities
    #[arg(long)]
    offline: bool,
}

/// What became of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    /// It could not be made, which is no pass.
    NotMade(&'static str),
    /// `--offline`.
    LeftOut,
}

/// `cargo xtask audit`.
pub fn command(args: Args) -> Result<ExitCode> {
    let deny = deny()?;
    let policy = passed(&mut check(&deny, &["bans", "licenses", "sources"]))?;
    let (crates, packages) = match args.offline {
        true => (Outcome::LeftOut, Outcome::LeftOut),
        false => (advisories(&deny)?, npm_audits()?),
    };
    let table = [
        ("crates: bans, licences, sources", policy),
        ("crates: known vulnerabilities", crates),
        ("npm packages: known vulnerabilities", packages),
    ];
    say!();
    for (what, outcome) in table {
        say!("{what:<36} {}", describe(outcome));
    }
    let fine = table.iter().all(|(_, outcome)| matches!(outcome, Outcome::Passed | Outcome::LeftOut));
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn describe(outcome: Outcome) -> String {
    match outcome {
        Outcome::Passed => "ok".into(),
        Outcome::Failed => "FAILED: see above".into(),
        Outcome::NotMade(why) => format!("NOT CHECKED: {why}"),
        Outcome::LeftOut => "left out (--offline)".into(),
    }
}

/// cargo-deny, which is installed if it is missing.
fn deny() -> Result<PathBuf> {
    let root = paths::cache().join(format!("cargo-deny-{DENY_VERSION}"));
    let program = root.join("bin").join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX));
    if !program.is_file() {
        cargo::install_locked("cargo-deny", DENY_VERSION, &root)?;
    }
    Ok(program)
}

fn check(deny: &PathBuf, what: &[&str]) -> Command {
    let mut command = shell::command(deny);
    // A report on each licence that is in the list and not in use is no finding.
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
        return Ok(Outcome::NotMade("the database (github.com/RustSec/advisory-db) cannot be fetched"));
    }
    let mut check = check(deny, &["advisories"]);
    passed(check.arg("--disable-fetch"))
}

/// Each directory with a lock file of npm's.
fn npm_audits() -> Result<Outcome> {
    let directories = [paths::js(), paths::root().join("bench/socketio")];
    let outcomes = directories.iter().map(|directory| npm_audit(directory)).collect::<Result<Vec<_>>>()?;
    Ok(worst(&outcomes))
}

/// Of several checks of one kind: what was found comes before what could not be looked at.
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
    let asked = npm()?.arg("--json").output().context("npm cannot be started")?;
    Ok(match (asked.status.success(), is_report(&asked.stdout)) {
        (true, _) => Outcome::Passed,
        (false, true) => passed(&mut npm()?)?, // once more, for the reader
        (false, false) => Outcome::NotMade("the npm registry does not answer `npm audit`"),
    })
}

/// npm ends alike when it finds something and when it cannot ask; only what it found has this.
fn is_report(json: &[u8]) -> bool {
    let report = serde_json::from_slice::<serde_json::Value>(json);
    report.is_ok_and(|report| report.get("auditReportVersion").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_that_does_not_answer_is_no_report() {
        assert!(is_report(br#"{"auditReportVersion": 2, "vulnerabilities": {}}"#));
        assert!(!is_report(br#"{"message": "405 Method Not Allowed", "statusCode": 405}"#));
        assert!(!is_report(b"") && !is_report(b"npm error"));
    }

    #[test]
    fn one_that_fails_is_enough() {
        let (passed, failed, not_made) = (Outcome::Passed, Outcome::Failed, Outcome::NotMade("no network"));
        assert_eq!(worst(&[passed, passed]), passed);
        assert_eq!(worst(&[not_made, passed, failed]), failed);
        assert_eq!(worst(&[passed, not_made]), not_made);
    }

    #[test]
    fn only_what_was_checked_passes() {
        assert!(describe(Outcome::NotMade("no network")).contains("NOT CHECKED: no network"));
        assert_eq!(describe(Outcome::Passed), "ok");
    }
}
