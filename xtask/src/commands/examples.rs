//! `cargo xtask examples`: runs the examples as a newcomer does, and checks what they show.

use std::process::{Command, ExitCode};
use std::{env, iter};

use anyhow::{Result, bail};

use crate::commands::pack;
use crate::tools::engine::Engine;
use crate::tools::requirements::{self, Part};
use crate::tools::toolchain::Toolchain;
use crate::tools::{files, paths, server, shell, wasm_bindgen};

/// Those that install nothing but the package.
const FAST: [&str; 2] = ["html-page", "ai-stream"];

/// Options of `examples`.
#[derive(clap::Args)]
pub struct Args {
    /// Run only these examples
    #[arg(value_name = "NAME")]
    names: Vec<String>,

    /// Keep pictures of the pages, as wide as a desktop and as a phone, in this folder
    #[arg(long, value_name = "DIR")]
    screenshots: Option<String>,
}

/// `cargo xtask examples`.
pub fn command(args: Args) -> Result<ExitCode> {
    let mut node = tests(&args.names)?;
    node.envs(args.screenshots.map(|dir| ("SCREENSHOTS", dir)));
    let status = node.status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The examples that are part of `cargo xtask test`.
pub fn fast() -> Result<Command> {
    tests(&FAST.map(str::to_owned))
}

/// The tests of these examples; of all, if there are none.
fn tests(names: &[String]) -> Result<Command> {
    let known = known();
    if let Some(name) = names.iter().find(|name| !known.contains(name)) {
        bail!("no example is called {name}; use one of {}", known.join(", "));
    }
    let chosen = if names.is_empty() { &known } else { names };
    requirements::ensure(&[Part::Chromium])?;
    pack::pack()?;
    let mut node = shell::command("node");
    // For the examples in Rust. They share a folder for what cargo builds, because most of it is the same.
    let path = env::var_os("PATH").unwrap_or_default();
    let path = iter::once(wasm_bindgen::dir()?).chain(env::split_paths(&path));
    node.env("PATH", env::join_paths(path)?).env("CARGO_TARGET_DIR", paths::target().join("examples"));
    Toolchain::get()?.apply(&mut node);
    // One at a time: each starts a server and a browser.
    node.args(["--test", "--test-reporter=spec", "--test-concurrency=1"]);
    node.args(chosen.iter().map(|name| format!("tests/examples/{name}.test.mjs")));
    node.env("SEAMLINE_SERVER", server::build()?).envs(Engine::Chrome.e2e_env()?);
    Ok(node)
}

/// The names of all examples: each has a test.
fn known() -> Vec<String> {
    let tests = files::below(&paths::root().join("tests/examples"));
    let name =
        |path: &std::path::PathBuf| path.file_name()?.to_str()?.strip_suffix(".test.mjs").map(str::to_owned);
    tests.iter().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::{FAST, known};
    use crate::tools::paths;

    #[test]
    fn each_example_has_a_test() {
        let is_example = |path: &std::path::Path| {
            ["package.json", "Cargo.toml"].iter().any(|manifest| path.join(manifest).exists())
        };
        let folders = std::fs::read_dir(paths::root().join("examples")).expect("examples/ exists").flatten();
        let mut names: Vec<_> = folders
            .filter(|entry| is_example(&entry.path()))
            .map(|entry| entry.file_name().into_string().expect("names are UTF-8"))
            .collect();
        names.sort();
        assert_eq!(known(), names);
        assert!(FAST.iter().all(|name| names.iter().any(|other| other == name)));
    }
}
