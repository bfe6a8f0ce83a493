//! Checks that are reported line by line.

use anyhow::Result;

use crate::tools::failures::Failure;
use crate::tools::progress::say;
use crate::tools::tally::Tally;

/// A check: what it checks, and the error if that is not so.
pub type Check = (&'static str, Result<()>);

/// Prints a line for each check, and counts them.
pub fn report(checks: &[Check]) -> Tally {
    let mut tally = Tally::default();
    say!("");
    for (what, outcome) in checks {
        match outcome {
            Ok(()) => {
                tally += Tally::passed(1);
                say!("ok      {what}");
            }
            Err(error) => {
                tally += Tally::failed(Failure::new(*what, &format!("{error:#}")));
                say!("FAILED  {what}: {error:#}");
            }
        }
    }
    tally
}
