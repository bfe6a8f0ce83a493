//! `cargo xtask size`: prints the size of everything that a page downloads.

mod compressed;
mod entries;
mod peers;
mod rust;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::commands::pack;
use crate::tools::progress::say;

/// Options of `size`.
#[derive(clap::Args)]
pub struct Args {
    /// Fail if an entry of the package is over its budget
    #[arg(long)]
    check: bool,
    /// Also measure other libraries, and write docs/SIZE.md
    #[arg(long)]
    peers: bool,
    /// Instead, measure what the client adds to an application in Leptos and in Yew, and write docs/SIZE.md
    #[arg(long, conflicts_with_all = ["check", "peers"])]
    rust: bool,
}

/// `cargo xtask size`.
pub fn command(args: Args) -> Result<ExitCode> {
    if args.rust {
        rust::compare()?;
        return Ok(ExitCode::SUCCESS);
    }
    let over = measure()?;
    if args.peers {
        peers::compare(&pack::pack()?, &entries::measure()?)?;
    }
    match over {
        Some(over) if args.check => bail!("{over}"),
        Some(over) => say!("\n{over}"),
        None => say!("\nall entries are within their budgets"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds the package, prints the size of each entry, and returns which are over their budgets, if any is.
pub fn measure() -> Result<Option<String>> {
    pack::pack()?;
    let entries = entries::measure()?;
    entries::show(&entries);
    Ok(entries::over(&entries))
}
