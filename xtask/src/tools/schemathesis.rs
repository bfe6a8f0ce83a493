//! Schemathesis, which tests an HTTP API against its OpenAPI document. pip installs it into a virtual environment below
//! `target/`.

use std::path::PathBuf;

use anyhow::Result;

use crate::tools::{apt, paths, run, shell};

const VERSION: &str = "4.32.5";

/// The program. It is installed if it is missing.
pub fn program() -> Result<PathBuf> {
    let environment = paths::target().join(format!("schemathesis-{VERSION}"));
    let programs = environment.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let program = programs.join(paths::program("schemathesis"));
    // pip installs it after its dependencies.
    if program.is_file() {
        return Ok(program);
    }
    let python = if cfg!(windows) { "python" } else { "python3" };
    // Debian's Python has no pip for virtual environments by itself.
    if shell::output(shell::command(python).args(["-c", "import ensurepip, venv"])).is_none() {
        apt::install("Python's virtual environments", &["python3-venv"])?;
    }
    let mut venv = shell::command(python);
    venv.args(["-m", "venv", "--clear"]).arg(&environment);
    run::step("create a virtual environment", &mut venv, "Check that python3 works.")?;
    let mut pip = shell::command(programs.join(paths::program("python")));
    pip.args(["-m", "pip", "install", "--quiet", &format!("schemathesis=={VERSION}")]);
    run::step(
        &format!("pip install schemathesis {VERSION}"),
        &mut pip,
        "Check that pip can reach its package index, and run the command again.",
    )?;
    Ok(program)
}
