//! `cargo xtask sim` and `cargo xtask fuzz`: the tests that draw their inputs, with as many as one likes.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::tools::{run, shell};

/// Options of `sim`.
#[derive(clap::Args)]
pub struct Args {
    /// How many seeds to run
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    seeds: u64,

    /// The first one
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,

    /// What goes wrong, as JSON, instead of what each seed draws
    #[arg(long, value_name = "JSON")]
    world: Option<String>,

    /// Tell everything that happens in the first one
    #[arg(long)]
    trace: bool,
}

/// Options of `fuzz`.
#[derive(clap::Args)]
pub struct FuzzArgs {
    /// How many inputs each test tries
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    inputs: u64,

    /// The first one's seed
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
}

/// `cargo xtask fuzz`.
pub fn fuzz(args: FuzzArgs) -> Result<ExitCode> {
    let mut test = command_line("fuzz");
    test.args(["--", "--nocapture"]);
    test.env("FUZZ_INPUTS", args.inputs.to_string()).env("FUZZ_SEED", args.seed.to_string());
    let (status, _) = run::shown(&mut test)?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `cargo xtask sim`.
pub fn command(args: Args) -> Result<ExitCode> {
    let mut test = command_line("simulation");
    test.args(["--", "--exact", "seeds", "--nocapture"]);
    test.env("SIM_SEEDS", args.seeds.to_string()).env("SIM_SEED", args.seed.to_string());
    if let Some(world) = args.world {
        test.env("SIM_WORLD", world);
    }
    if args.trace {
        test.env("SIM_TRACE", "1");
    }
    let (status, _) = run::shown(&mut test)?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One of these tests, as cargo is told to run it.
pub fn command_line(test: &str) -> Command {
    let mut cargo = shell::cargo();
    cargo.args(["test", "-p", "seamline", "--profile", "sim", "--test", test]);
    cargo
}
