//! Commands that behave as if they were typed in a shell, and what they print.

use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::tools::paths;

/// A command that runs in the workspace's root, without the variables that cargo has set for xtask.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(paths::root());
    for (name, _) in env::vars_os() {
        let set_by_cargo = name.to_str().is_some_and(|name| {
            name == "CARGO" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        if set_by_cargo {
            command.env_remove(name);
        }
    }
    if let Some(libraries) = env::var_os("LD_LIBRARY_PATH") {
        // `cargo run` puts its own toolchain's libraries first; another toolchain must not find them.
        let theirs = env::split_paths(&libraries).filter(|dir| {
            let text = dir.to_string_lossy();
            !(text.contains("/toolchains/") || text.contains("rustlib") || dir.starts_with(paths::target()))
        });
        if let Ok(theirs) = env::join_paths(theirs) {
            command.env("LD_LIBRARY_PATH", theirs);
        }
    }
    command
}

/// Cargo, building into the workspace's target directory.
pub fn cargo() -> Command {
    let mut cargo = command("cargo");
    cargo.env("CARGO_TARGET_DIR", paths::target());
    cargo
}

/// The standard output of a command that succeeds, trimmed.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
}

/// The first line `program --version` prints.
pub fn version(program: impl AsRef<OsStr>) -> Option<String> {
    output(command(program).arg("--version"))?.lines().next().map(str::to_string)
}

/// The command as one would type it.
pub fn show(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut text = program.to_string_lossy().into_owned();
    for arg in command.get_args() {
        let arg = arg.to_string_lossy();
        let quoted = arg.is_empty() || arg.contains(|c: char| c.is_whitespace() || "\"'$*".contains(c));
        text.push(' ');
        text.push_str(&if quoted { format!("'{arg}'") } else { arg.into_owned() });
    }
    text
}
