//! Runs tests and counts them.

use std::process::Command;

use anyhow::{Result, bail};

use crate::tools::progress::say;
use crate::tools::tally::Tally;
use crate::tools::{run, shell};

/// Runs tests and counts them. None at all is a failure: a group that runs nothing shows nothing.
pub fn count(command: &mut Command) -> Result<Tally> {
    let tally = count_some_or_none(command)?;
    if tally == Tally::default() {
        bail!("`{}` ran no tests", shell::show(command));
    }
    Ok(tally)
}

/// As [`count`], for commands that may run none. A failure that is not a test's, such as one to compile, counts as one.
pub fn count_some_or_none(command: &mut Command) -> Result<Tally> {
    let (status, output) = run::shown(command)?;
    let mut tally = Tally::of(&output);
    if !status.success() && tally.failed == 0 {
        say!("`{}` failed ({status})", shell::show(command));
        tally.failed = 1;
    }
    Ok(tally)
}
