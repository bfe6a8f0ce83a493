//! Gives the browser tests a server. In order: the one that `SEAMLINE_TEST_URL` names (`cargo xtask test`
//! sets it); one that is built and started here, where a runner for the tests is set (`wasm-pack test` sets
//! it); none, where the tests are only compiled.
//!
//! A server that was started here ends when cargo ends: this program, started once more, watches both.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use seamline_test_support::server::{DemoServer, LISTENING, listening_url};

/// Cargo's variable for the program that runs tests of this target.
const RUNNER: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER";
/// wasm-pack sets it for tests that run in Node, where the browser tests do not run.
const ONLY_NODE: &str = "WASM_BINDGEN_TEST_ONLY_NODE";
const GIVEN_URL: &str = "SEAMLINE_TEST_URL";

/// Settings of the build that this script is part of, which are not meant for the server's.
const OF_THE_WASM_BUILD: [&str; 5] = [
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
    "RUSTFLAGS",
    "RUSTC_BOOTSTRAP",
];

/// The argument with which this program watches a server.
const WATCH: &str = "watch";
/// A server ends after this time in any case; the tests take minutes at most.
const LIFE_MAX: Duration = Duration::from_secs(3600);

fn main() -> Result<()> {
    let args: Vec<String> = env::args().collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, WATCH, cargo, server, data] => watch(cargo.parse()?, server, Path::new(data)),
        _ => prepare(),
    }
}

/// The build script.
fn prepare() -> Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    for name in [GIVEN_URL, RUNNER, ONLY_NODE] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let runs = env::var("TARGET")? == "wasm32-unknown-unknown"
        && env::var_os(RUNNER).is_some()
        && env::var_os(ONLY_NODE).is_none();
    let url = match env::var(GIVEN_URL) {
        Ok(url) => url,
        Err(_) if runs => start()?,
        Err(_) => return Ok(()),
    };
    println!("cargo::rustc-env=SEAMLINE_TEST_SERVER_URL={url}");
    Ok(())
}

/// Builds the server, and starts it together with its watcher. Returns its URL.
fn start() -> Result<String> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    // Each run of the tests has a server of its own: a file that is never there has this script run again.
    println!("cargo::rerun-if-changed={}", out.join("never").display());
    let server = build(&out)?;
    let mut watcher = Command::new(env::current_exe()?);
    watcher.args([WATCH, &cargo_id().to_string()]).arg(server).arg(out.join("data"));
    let errors = File::create(out.join("watcher.log"))?;
    let mut watcher = watcher.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).spawn()?;
    listening_url(&mut watcher).with_context(|| {
        let errors = fs::read_to_string(out.join("watcher.log")).unwrap_or_default();
        format!("the server for the browser tests does not start: {errors}")
    })
}

/// Builds the server for this machine and returns its program. In a target directory of its own: the cargo
/// that waits for this script holds the other one's lock.
fn build(out: &Path) -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(3)
        .context("this crate lies in the workspace")?;
    let target = out.ancestors().find(|dir| dir.ends_with("wasm32-unknown-unknown")).and_then(Path::parent);
    let target = target.unwrap_or(out).join("test-server");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for name in OF_THE_WASM_BUILD {
        cargo.env_remove(name);
    }
    cargo.args(["build", "--quiet", "--package", "seamline-server"]).current_dir(root);
    let built = cargo.env("CARGO_TARGET_DIR", &target).stdin(Stdio::null()).output()?;
    if !built.status.success() {
        let errors = String::from_utf8_lossy(&built.stderr);
        bail!(
            "cannot build the server for the browser tests; try `cargo build -p seamline-server`:\n{errors}"
        );
    }
    Ok(target.join("debug").join(format!("seamline-server{}", env::consts::EXE_SUFFIX)))
}

/// The watcher: starts the server, prints its URL, and ends it when the cargo process has ended.
fn watch(cargo: u32, server: &str, data: &Path) -> Result<()> {
    let started = Instant::now();
    let mut server = DemoServer::start(Path::new(server), data)?;
    println!("{LISTENING}{}", server.url);
    while is_running(cargo) && server.is_running() && started.elapsed() < LIFE_MAX {
        thread::sleep(Duration::from_millis(500));
    }
    Ok(())
}

/// The process that waits for this script, and runs the tests after it.
#[cfg(unix)]
fn cargo_id() -> u32 {
    std::os::unix::process::parent_id()
}

#[cfg(not(unix))]
fn cargo_id() -> u32 {
    0 // std does not tell: the server runs until `LIFE_MAX`
}

/// Whether a process runs.
fn is_running(id: u32) -> bool {
    if Path::new("/proc/self").exists() {
        return Path::new("/proc").join(id.to_string()).exists();
    }
    cfg!(not(unix))
        || Command::new("kill").args(["-0", &id.to_string()]).status().is_ok_and(|status| status.success())
}
