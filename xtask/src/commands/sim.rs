//! `cargo xtask sim` and `cargo xtask fuzz`: the tests with random inputs, with as many inputs as you like.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::commands::pack;
use crate::tools::{paths, run, shell};

/// Options of `sim`.
#[derive(clap::Args)]
pub struct Args {
    /// Number of seeds to run
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    seeds: u64,

    /// The first seed
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,

    /// The faults, as JSON, instead of those that each seed draws
    #[arg(long, value_name = "JSON")]
    world: Option<String>,

    /// Print every event of the first seed
    #[arg(long)]
    trace: bool,

    /// Simulate pages that run the npm package, instead of the core alone
    #[arg(long)]
    pages: bool,
}

/// Options of `fuzz`.
#[derive(clap::Args)]
pub struct FuzzArgs {
    /// Number of inputs for each test
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    inputs: u64,

    /// The seed of the first input
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
}

/// `cargo xtask fuzz`.
pub fn fuzz(args: FuzzArgs) -> Result<ExitCode> {
    let mut test = command_line("fuzz");
    test.args(["--", "--nocapture"]);
    test.env("FUZZ_INPUTS", args.inputs.to_string()).env("FUZZ_SEED", args.seed.to_string());
    run::to_exit_code(&mut test)
}

/// `cargo xtask sim`.
pub fn command(args: Args) -> Result<ExitCode> {
    if args.pages {
        return pages(args);
    }
    let mut test = command_line("simulation");
    test.args(["--", "--exact", "seeds", "--nocapture"]);
    test.env("SIM_SEEDS", args.seeds.to_string()).env("SIM_SEED", args.seed.to_string());
    if let Some(world) = args.world {
        test.env("SIM_WORLD", world);
    }
    if args.trace {
        test.env("SIM_TRACE", "1");
    }
    run::to_exit_code(&mut test)
}

/// The simulation of the npm package, which is not Rust: js/simulation.
fn pages(args: Args) -> Result<ExitCode> {
    pack::pack()?;
    let mut node = shell::command("node");
    node.current_dir(paths::js()).arg("simulation/main.mjs");
    node.args(["--seeds", &args.seeds.to_string(), "--seed", &args.seed.to_string()]);
    if let Some(world) = &args.world {
        node.args(["--world", world]);
    }
    if args.trace {
        node.arg("--trace");
    }
    run::to_exit_code(&mut node)
}

/// The cargo command that runs one of these tests.
pub fn command_line(test: &str) -> Command {
    let mut cargo = shell::cargo();
    cargo.args(["test", "-p", "seamline", "--profile", "sim", "--test", test]);
    cargo
}
