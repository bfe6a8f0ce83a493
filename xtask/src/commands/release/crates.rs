//! The crates, as cargo would publish them.

use std::time::Duration;

use anyhow::{Result, bail};

use crate::commands::crates::{self, PACKAGES};
use crate::tools::checks::Check;
use crate::tools::{progress, run, shell};

/// It builds the server.
const PUBLISH_WITHIN: Duration = Duration::from_secs(1800);

/// What every dry run warns about: that it is one, and that the profiles in Cargo.toml name crates of other members of
/// the workspace.
const EXPECTED: [&str; 2] = ["warning: aborting upload due to dry run", "warning: profile package spec `"];
/// What it warns about each target that the crates do not contain.
const LEFT_OUT: &str = " is not included in the published package";

/// Checks what is in the crates, and that they can be built from that.
pub fn checks() -> Vec<Check> {
    let mut checks = crates::checks();
    checks.push(("cargo would publish the crates, without a warning", publish()));
    checks
}

/// As `cargo publish` does it, up to the upload: it packages the crates, and builds them from the packages. Another
/// check is about uncommitted changes.
fn publish() -> Result<()> {
    let mut cargo = shell::cargo();
    cargo.args(["publish", "--dry-run", "--allow-dirty"]);
    for name in PACKAGES {
        cargo.args(["-p", name]);
    }
    let (passed, output) = progress::step("cargo publish --dry-run (some minutes)", || {
        run::quietly(&mut cargo, PUBLISH_WITHIN)
    })?;
    match warning(&output) {
        Some(warning) => bail!("`{}`: {warning}\n{output}", shell::show(&cargo)),
        None if !passed => bail!("`{}` failed\n{output}", shell::show(&cargo)),
        None => Ok(()),
    }
}

fn warning(output: &str) -> Option<&str> {
    output.lines().find(|line| is_unexpected(line))
}

fn is_unexpected(line: &str) -> bool {
    // Tests and examples stay in the repository: `include` in Cargo.toml.
    let is_left_out = line.starts_with("warning: ignoring ") && line.ends_with(LEFT_OUT);
    let is_expected = is_left_out || EXPECTED.iter().any(|expected| line.starts_with(expected));
    line.starts_with("warning:") && !is_expected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_of_cargo_publish_is_found() {
        assert_eq!(warning(&format!("   Verifying seamline v0.1.0\n{}\n", EXPECTED.join("\n"))), None);
        let left_out = format!("warning: ignoring example `tail` as `examples/tail.rs`{LEFT_OUT}");
        assert_eq!(warning(&left_out), None);
        let missing = "warning: manifest has no documentation, homepage or repository";
        assert_eq!(warning(&format!("{}\n{missing}\n", EXPECTED[1])), Some(missing));
    }
}
