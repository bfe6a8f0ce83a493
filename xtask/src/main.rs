//! `cargo xtask`: the project's commands.
//!
//! Each command installs what it needs and does nothing twice. `commands/` has one file per command, `tools/` one per
//! external program or helper.

mod commands;
#[cfg(test)]
mod language;
#[cfg(test)]
mod links;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use commands::{
    audit, bench, chaos, crates, demo, docs, doctor, examples, fixtures, fmt, msrv, mutants, openapi, pack,
    release, setup, sim, size, test,
};

/// Seamline's commands. Each installs what it needs, and skips what is up to date
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", long_about = None)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install everything that is missing on this machine for pack, demo and test
    Setup,
    /// Show what is installed, what is missing, and what setup would do. Changes nothing
    Doctor,
    /// Build the npm package into target/npm/
    Pack,
    /// Pack and check what a release publishes, and print the commands that publish it
    Release(release::Args),
    /// Show the raw, gzip and brotli bytes of everything a page downloads
    Size(size::Args),
    /// Format all source code: Rust, JavaScript and TypeScript
    Fmt(fmt::Args),
    /// Run the tests
    Test(test::Args),
    /// Run the packed npm package in bundlers, frameworks and runtimes
    Fixtures(fixtures::Args),
    /// Run the examples as their READMEs say, and check what they show
    Examples(examples::Args),
    /// Run the simulation: the core in seeded runs with injected faults
    Sim(sim::Args),
    /// Fuzz the frame parsers and a session with damaged frames
    Fuzz(sim::FuzzArgs),
    /// Run real servers and clients, inject faults, and check what every client received
    Chaos(chaos::Args),
    /// Check what crates.io gets: the files of the crates, their public API, and what they require of a dependent
    Crates(crates::Args),
    /// Compile the crates with the oldest Rust that they support
    Msrv,
    /// Check the dependencies for known vulnerabilities and unwanted licenses
    Audit(audit::Args),
    /// Test a real server against its OpenAPI document with Schemathesis
    Openapi(openapi::Args),
    /// Measure the client and the server beside others
    Bench(bench::Args),
    /// Plant bugs in a copy of the core, one at a time, and check that the tests find each
    Mutants(mutants::Args),
    /// Build everything, start the server with the demo page and print its URL
    Demo(demo::Args),
    /// Build the documentation's site into target/docs/ and check its links
    Docs(docs::Args),
    #[command(hide = true)]
    OpenWhenUp(demo::OpenArgs),
}

fn main() -> ExitCode {
    if let Some(code) = tools::rustdoc::stand_in() {
        return code;
    }
    let done = match Cli::parse().command {
        Command::Setup => setup::command(),
        Command::Doctor => doctor::command(),
        Command::Pack => pack::command(),
        Command::Release(args) => release::command(args),
        Command::Size(args) => size::command(args),
        Command::Fmt(args) => fmt::command(args),
        Command::Test(args) => test::command(args),
        Command::Fixtures(args) => fixtures::command(args),
        Command::Examples(args) => examples::command(args),
        Command::Sim(args) => sim::command(args),
        Command::Fuzz(args) => sim::fuzz(args),
        Command::Chaos(args) => chaos::command(args),
        Command::Crates(args) => crates::command(args),
        Command::Msrv => msrv::command(),
        Command::Audit(args) => audit::command(args),
        Command::Openapi(args) => openapi::command(args),
        Command::Bench(args) => bench::command(args),
        Command::Mutants(args) => mutants::command(args),
        Command::Demo(args) => demo::command(args),
        Command::Docs(args) => docs::command(args),
        Command::OpenWhenUp(args) => demo::open_when_up(args),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_valid() {
        use clap::CommandFactory;
        super::Cli::command().debug_assert();
    }
}
