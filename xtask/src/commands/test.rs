//! `cargo xtask test`: runs all tests, in groups, and prints one table at the end, and what failed.

mod browser;
mod documentation;
mod js;
mod lints;
mod native;
pub mod runner;
mod server;
mod unit;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::ValueEnum;

use crate::commands::{chaos, docs, examples, fixtures, sim};
use crate::tools::engine::{Choice, Engine};
use crate::tools::failures::Failure;
use crate::tools::progress::{self, say};
use crate::tools::requirements;
use crate::tools::shell;
use crate::tools::tally::Tally;
use runner::count;

/// Options of `test`.
#[derive(clap::Args)]
pub struct Args {
    /// Run only these groups, separated by commas
    #[arg(long, value_enum, value_name = "GROUP", value_delimiter = ',')]
    only: Vec<Group>,

    /// Run the groups browser and e2e in this browser
    #[arg(long, value_enum, default_value_t = Choice::Chrome, value_name = "BROWSER")]
    browser: Choice,
}

/// A group of tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Group {
    /// Formatting, lints, documentation, and the tests of the core and of xtask
    Unit,
    /// The core in thousands of seeded simulations with injected faults
    Sim,
    /// The server, over the wire
    Server,
    /// Real servers, Redis and clients with injected faults, 30 seconds for each log
    Chaos,
    /// The native Rust client against a real server that is killed
    Native,
    /// The npm package in Node, and its size, files, metadata and types
    Js,
    /// The driver and the Rust API, in a browser against a real server
    Browser,
    /// The packed npm package, in a browser against a real server that is killed again and again
    E2e,
    /// The packed npm package in the bundlers, runtimes and examples that install quickly
    Fixtures,
    /// The documentation's site: its links, and the types of the code in it
    Docs,
}

/// One row of the table.
struct Row {
    name: String,
    tally: Tally,
    time: Duration,
}

/// `cargo xtask test`.
pub fn command(args: Args) -> Result<ExitCode> {
    let is_wanted = |group: &Group| args.only.is_empty() || args.only.contains(group);
    let mut rows = Vec::new();
    let mut ran_on = Vec::new();
    for group in Group::value_variants().iter().copied().filter(is_wanted) {
        for engine in group.engines(args.browser) {
            let name = engine.map_or(group.name(), |engine| format!("{} {}", group.name(), engine.name()));
            say!("\n── {name} ──");
            if let Some(versions) = engine.map(versions) {
                say!("on {versions}");
                if !ran_on.contains(&versions) {
                    ran_on.push(versions);
                }
            }
            let started = Instant::now();
            let tally = group.run(engine.unwrap_or(Engine::Chrome)).unwrap_or_else(|error| {
                eprintln!("\nerror: {error:#}");
                ended_by(&error)
            });
            rows.push(Row { name, tally, time: started.elapsed() });
        }
    }
    Ok(report(&rows, &ran_on))
}

/// A group that an error ended, such as one of a build.
fn ended_by(error: &anyhow::Error) -> Tally {
    let text = format!("{error:#}");
    let (first, others) = text.split_once('\n').unwrap_or((&text, ""));
    Tally::failed(Failure::at_the_end("an error ended the group", first, others))
}

/// What the tests of an engine run on: a new version of a browser may be why a test fails.
fn versions(engine: Engine) -> String {
    let versions = || {
        requirements::ensure(engine.parts())?;
        let node = shell::version("node").unwrap_or_else(|| "of unknown version".to_string());
        Ok::<_, anyhow::Error>(format!("{}, Node {node}", engine.version()?))
    };
    versions().unwrap_or_else(|error| format!("{}: {error:#}", engine.name()))
}

fn report(rows: &[Row], ran_on: &[String]) -> ExitCode {
    say!("\n{:<16} {:>7} {:>7} {:>9}", "group", "passed", "failed", "time");
    let mut total = Tally::default();
    for Row { name, tally, time } in rows {
        say!("{name:<16} {:>7} {:>7} {:>9}", tally.passed, tally.failed, progress::seconds(*time));
        total += tally.clone();
    }
    for versions in ran_on {
        say!("on {versions}");
    }
    // At the very end: some services show only the end of the output.
    for Row { name, tally, .. } in rows {
        for failure in &tally.failures {
            say!("\n{}", failure.shown(name));
        }
    }
    say!("\n{} passed, {} failed", total.passed, total.failed);
    if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Group {
    fn name(self) -> String {
        self.to_possible_value().expect("no group is hidden").get_name().to_string()
    }

    /// The engines to run on; `None` for a group that needs no browser and runs once.
    fn engines(self, choice: Choice) -> Vec<Option<Engine>> {
        match self {
            Group::Browser | Group::E2e => choice.engines().iter().copied().map(Some).collect(),
            Group::Unit
            | Group::Sim
            | Group::Server
            | Group::Chaos
            | Group::Native
            | Group::Js
            | Group::Fixtures
            | Group::Docs => {
                vec![None]
            }
        }
    }

    fn run(self, engine: Engine) -> Result<Tally> {
        match self {
            Group::Unit => unit::tests(),
            Group::Sim => count(&mut sim::command_line("simulation")),
            Group::Server => server::tests(),
            Group::Chaos => chaos::tests(),
            Group::Native => native::tests(),
            Group::Js => js::tests(),
            Group::Browser => browser::rust_tests(engine),
            Group::E2e => browser::e2e(engine),
            Group::Fixtures => fixtures_tests(),
            Group::Docs => docs::tests(),
        }
    }
}

/// The fixtures and examples that install quickly.
fn fixtures_tests() -> Result<Tally> {
    let mut tally = Tally::default();
    for mut command in fixtures::fast()? {
        tally += count(&mut command)?;
    }
    tally += count(&mut examples::fast()?)?;
    Ok(tally)
}
