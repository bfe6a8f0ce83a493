//! `cargo xtask`: the project's commands.
//!
//! Each command installs what it needs and does nothing twice. `commands/` has one file per command, `tools/` one per
//! external program or helper.

mod commands;
#[cfg(test)]
mod language;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use commands::{audit, bench, chaos, demo, doctor, fmt, mutants, pack, setup, sim, size, test};

/// Seamline's commands: each sets up what it needs, and does nothing twice
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", long_about = None)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install everything that pack, demo and test need and this machine lacks
    Setup,
    /// Show what is there, what is missing and what setup would do about it; changes nothing
    Doctor,
    /// Build the npm package into target/npm/
    Pack,
    /// Show the raw, gzip and brotli bytes of everything a page downloads
    Size(size::Args),
    /// Format all source code: Rust, JavaScript and TypeScript
    Fmt(fmt::Args),
    /// Run the tests
    Test(test::Args),
    /// Run the simulation: the core in seeded worlds of trouble
    Sim(sim::Args),
    /// Throw damaged frames at the readers and at a session
    Fuzz(sim::FuzzArgs),
    /// Run real servers and clients while everything around them fails, and check what each was told
    Chaos(chaos::Args),
    /// Look for known vulnerabilities and unwanted licences in what others have written
    Audit(audit::Args),
    /// Measure the server under load, beside socket.io
    Bench(bench::Args),
    /// Plant bugs in a copy of the core, one at a time, and see whether the tests find them
    Mutants(mutants::Args),
    /// Build everything, start the server with the demo page and print its URL
    Demo(demo::Args),
    #[command(hide = true)]
    OpenWhenUp(demo::OpenArgs),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Setup => setup::command(),
        Command::Doctor => doctor::command(),
        Command::Pack => pack::command(),
        Command::Size(args) => size::command(args),
        Command::Fmt(args) => fmt::command(args),
        Command::Test(args) => test::command(args),
        Command::Sim(args) => sim::command(args),
        Command::Fuzz(args) => sim::fuzz(args),
        Command::Chaos(args) => chaos::command(args),
        Command::Audit(args) => audit::command(args),
        Command::Bench(args) => bench::command(args),
        Command::Mutants(args) => mutants::command(args),
        Command::Demo(args) => demo::command(args),
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
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        super::Cli::command().debug_assert();
    }
}
