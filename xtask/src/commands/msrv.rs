//! `cargo xtask msrv`: compiles the crates with the oldest Rust that they support, `rust-version` in Cargo.toml.
//!
//! It is not one of the tests: a machine may not be able to install another toolchain. The tests compare `rust-version`
//! with that of the dependencies (`crates/rust_version.rs`).

use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::tools::progress::{self, say};
use crate::tools::toolchain::WASM;
use crate::tools::{cargo, paths, run, shell};

/// How long rustup may try to install a toolchain.
const RUSTUP_LIMIT: Duration = Duration::from_secs(300);
const CHECK_WITHIN: Duration = Duration::from_secs(1200);

/// Something that an application is built from.
struct Build {
    what: &'static str,
    package: &'static str,
    args: &'static [&'static str],
}

const BUILDS: [Build; 6] = [
    Build { what: "the client in a page", package: "seamline", args: &["--target", WASM] },
    Build {
        what: "the same, with the plain dialect",
        package: "seamline",
        args: &["--target", WASM, "--features", "plain"],
    },
    Build { what: "the crate without a platform", package: "seamline", args: &[] },
    Build { what: "the native client", package: "seamline", args: &["--features", "native,plain"] },
    Build { what: "the server", package: "seamline-server", args: &["--bins"] },
    Build {
        what: "the server with traces",
        package: "seamline-server",
        args: &["--bins", "--features", "otel"],
    },
];

/// What came of a build.
enum Outcome {
    Compiles,
    Fails,
    /// The toolchain cannot be had here.
    NotChecked,
}

/// `cargo xtask msrv`.
pub fn command() -> Result<ExitCode> {
    let mut rows = Vec::new();
    for Build { what, package, args } in BUILDS {
        let version = rust_version(package)?;
        rows.push((what, version.clone(), check(&version, package, args)?));
    }
    say!("\n{:<36} {:>6}", "", "Rust");
    for (what, version, outcome) in &rows {
        let outcome = match outcome {
            Outcome::Compiles => "ok",
            Outcome::Fails => "FAILED: see above",
            Outcome::NotChecked => "NOT CHECKED: rustup cannot install it here",
        };
        say!("{what:<36} {version:>6} {outcome}");
    }
    let fails = rows.iter().any(|(_, _, outcome)| matches!(outcome, Outcome::Fails));
    Ok(if fails { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// `rust-version` of a package.
fn rust_version(package: &str) -> Result<String> {
    let manifest = cargo::manifest(package)?;
    let version = manifest["rust_version"].as_str().map(str::to_string);
    version.with_context(|| format!("{package} has no `rust-version`"))
}

/// Only what an application compiles: `cargo check` leaves the tests and their dependencies out.
fn check(version: &str, package: &str, args: &[&str]) -> Result<Outcome> {
    if !is_installed(version) && !install(version)? {
        return Ok(Outcome::NotChecked);
    }
    let mut check = with_toolchain(version, "cargo");
    check.args(["check", "--locked", "-p", package]).args(args);
    check.env("CARGO_TARGET_DIR", paths::target().join("msrv"));
    let what = format!("cargo +{version} check -p {package} {}", args.join(" "));
    let (passed, output) = progress::step(what.trim(), || run::quietly(&mut check, CHECK_WITHIN))?;
    if passed {
        return Ok(Outcome::Compiles);
    }
    say!("{output}");
    Ok(Outcome::Fails)
}

/// Whether it is there with std for wasm, which rustup installs with it.
fn is_installed(version: &str) -> bool {
    let mut rustc = with_toolchain(version, "rustc");
    let printed = shell::output(rustc.args(["--print=target-libdir", "--target", WASM]));
    printed.is_some_and(|dir| std::path::Path::new(dir.trim()).is_dir())
}

/// Whether it could be installed.
fn install(version: &str) -> Result<bool> {
    if paths::on_path("rustup").is_none() {
        say!("- rustup is missing, so Rust {version} cannot be installed");
        return Ok(false);
    }
    let mut rustup = shell::command("rustup");
    rustup.args(["toolchain", "install", version, "--profile", "minimal", "--no-self-update"]);
    rustup.args(["--target", WASM]);
    let what = format!("rustup toolchain install {version}");
    let (installed, output) = progress::step(&what, || run::quietly(&mut rustup, RUSTUP_LIMIT))?;
    if !installed {
        say!("- rustup failed: {}", output.lines().last().unwrap_or("it took too long"));
    }
    Ok(installed && is_installed(version))
}

fn with_toolchain(version: &str, program: &str) -> Command {
    let mut command = shell::command(program);
    command.env("RUSTUP_TOOLCHAIN", version).env("RUSTUP_AUTO_INSTALL", "0");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_build_has_a_rust_version() {
        for build in BUILDS {
            assert!(rust_version(build.package).unwrap().starts_with("1."), "{}", build.package);
        }
        assert!(rust_version("none").unwrap_err().to_string().contains("no package none"));
    }
}
