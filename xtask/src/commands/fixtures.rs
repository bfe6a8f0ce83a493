//! `cargo xtask fixtures`: the packed npm package in bundlers, frameworks and runtimes.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::commands::pack;
use crate::tools::engine::Engine;
use crate::tools::requirements::{self, Part};
use crate::tools::{server, shell};

const RUNNER: &str = "tests/packaging/run.mjs";

/// Options of `fixtures`.
#[derive(clap::Args)]
pub struct Args {
    /// Run only these fixtures or rows, such as vite, vite@8 or "vite@8/build"
    #[arg(value_name = "NAME")]
    names: Vec<String>,

    /// Print the names of the rows and run nothing
    #[arg(long)]
    list: bool,

    /// Write the results into docs/COMPATIBILITY.md
    #[arg(long, conflicts_with = "list")]
    write: bool,
}

/// `cargo xtask fixtures`.
pub fn command(args: Args) -> Result<ExitCode> {
    // To list the rows, nothing needs to be built.
    let mut node = if args.list { shell::command("node") } else { node()? };
    node.arg(RUNNER);
    for (option, is_set) in [("--list", args.list), ("--write", args.write)] {
        if is_set {
            node.arg(option);
        }
    }
    node.arg("--").args(args.names);
    let status = node.status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The tests of the runner, and the rows that are part of `cargo xtask test`.
pub fn fast() -> Result<[Command; 2]> {
    let mut tests = node()?;
    tests.args(["--test", "--test-reporter=spec", "tests/packaging/runner.test.mjs"]);
    let mut rows = node()?;
    rows.args([RUNNER, "--fast"]);
    Ok([tests, rows])
}

/// Node, with what the runner needs: the tarball, a server and a browser.
fn node() -> Result<Command> {
    requirements::ensure(&[Part::Chromium])?;
    let (tarball, server) = (pack::pack()?, server::build()?);
    let mut node = shell::command("node");
    node.env("SEAMLINE_SERVER", server).env("SEAMLINE_TARBALL", tarball).envs(Engine::Chrome.e2e_env()?);
    Ok(node)
}
