//! `cargo xtask test`: every test there is, in groups, and one table at the end.

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde_json::Value;

use crate::commands::{chaos, pack, sim, size};
use crate::tools::engine::{Choice, Engine};
use crate::tools::requirements::{self, Part};
use crate::tools::shell::say;
use crate::tools::tally::Tally;
use crate::tools::toolchain::Toolchain;
use crate::tools::{biome, cargo, npm, paths, server, shell, wasm_bindgen, wasm_pack};

/// How long the tests of one file may take in the browser.
const BROWSER_TIMEOUT_SECONDS: &str = "600";
/// How long its driver may take to listen.
const DRIVER_TIMEOUT_SECONDS: &str = "60";
/// Also with LIFECYCLE=long, a file of tests takes less, in milliseconds.
const NODE_TEST_TIMEOUT: &str = "--test-timeout=1800000";

/// Options of `test`.
#[derive(clap::Args)]
pub struct Args {
    /// Run only these groups (repeat it, or separate them by commas)
    #[arg(long, value_enum, value_name = "GROUP", value_delimiter = ',')]
    only: Vec<Group>,

    /// The browsers of the groups browser and e2e
    #[arg(long, value_enum, default_value_t = Choice::Chrome, value_name = "BROWSER")]
    browser: Choice,
}

/// What is run together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Group {
    /// Formatting, lints, and the tests of the core and of xtask
    Unit,
    /// Thousands of seeded runs of the core against faults
    Sim,
    /// The tests of the server
    Server,
    /// Real servers and clients under fire, some seconds for each log
    Chaos,
    /// The tests of the npm package, in Node
    Js,
    /// The tests of the driver, in a browser against a real server
    Browser,
    /// The packed tarball in a browser against a real server that is killed again and again
    E2e,
}

/// `cargo xtask test`.
pub fn command(args: Args) -> Result<ExitCode> {
    let groups: Vec<_> = Group::value_variants()
        .iter()
        .copied()
        .filter(|group| args.only.is_empty() || args.only.contains(group))
        .collect();

    let mut rows = Vec::new();
    let mut ran_on = Vec::new();
    for group in groups {
        for engine in group.engines(args.browser) {
            let name = match engine {
                Some(engine) => format!("{} {}", group.name(), engine.name()),
                None => group.name(),
            };
            say!("\n── {name} ──");
            if let Some(engine) = engine {
                let versions =
                    versions(engine).unwrap_or_else(|error| format!("{}: {error:#}", engine.name()));
                say!("on {versions}");
                if !ran_on.contains(&versions) {
                    ran_on.push(versions);
                }
            }
            let started = Instant::now();
            let tally = run(group, engine.unwrap_or(Engine::Chrome)).unwrap_or_else(|error| {
                eprintln!("\nerror: {error:#}");
                Tally { passed: 0, failed: 1 }
            });
            rows.push((name, tally, started.elapsed()));
        }
    }
    Ok(report(&rows, &ran_on))
}

/// What the tests of an engine run on. A browser may change what a test has seen it do.
fn versions(engine: Engine) -> Result<String> {
    requirements::ensure(engine.parts())?;
    let node = shell::version("node").unwrap_or_else(|| "of unknown version".to_string());
    Ok(format!("{}, Node {node}", engine.version()?))
}

fn report(rows: &[(String, Tally, Duration)], ran_on: &[String]) -> ExitCode {
    say!("\n{:<16} {:>7} {:>7} {:>9}", "group", "passed", "failed", "time");
    let mut total = Tally::default();
    for (name, tally, time) in rows {
        say!("{name:<16} {:>7} {:>7} {:>9}", tally.passed, tally.failed, shell::seconds(*time));
        total += *tally;
    }
    for versions in ran_on {
        say!("on {versions}");
    }
    say!("\n{} passed, {} failed", total.passed, total.failed);
    if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Group {
    fn name(self) -> String {
        self.to_possible_value().expect("no group is hidden").get_name().to_string()
    }

    /// The engines that it is to run on; `None` where it runs once, on none.
    fn engines(self, choice: Choice) -> Vec<Option<Engine>> {
        match self {
            Group::Browser | Group::E2e => choice.engines().iter().copied().map(Some).collect(),
            Group::Unit | Group::Sim | Group::Server | Group::Chaos | Group::Js => vec![None],
        }
    }
}

fn run(group: Group, engine: Engine) -> Result<Tally> {
    match group {
        Group::Unit => unit(),
        Group::Sim => sim(),
        Group::Server => server_tests(),
        Group::Chaos => chaos::tests(),
        Group::Js => js(),
        Group::Browser => browser_tests(engine),
        Group::E2e => e2e(engine),
    }
}

fn unit() -> Result<Tally> {
    let mut tally = lint("fmt", &["--all", "--check"])?;
    tally += count_some_or_none(&mut biome::command(true)?)?;
    tally += lint("clippy", &["--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])?;
    let mut tests = shell::cargo();
    tests.args([
        "test",
        "--quiet",
        "-p",
        "seamline",
        "-p",
        "xtask",
        "-p",
        "seamline-bench",
        "--lib",
        "--bins",
    ]);
    // The same cases each time, unless others are asked for.
    tests.env("PROPTEST_RNG_SEED", env::var_os("PROPTEST_RNG_SEED").unwrap_or_else(|| "1".into()));
    // The simulation and the browser's tests are groups of their own.
    for target in
        test_targets()?.iter().filter(|target| !["simulation", "browser"].contains(&target.as_str()))
    {
        tests.args(["--test", target]);
    }
    tally += count(&mut tests)?;
    tally += count_some_or_none(shell::cargo().args(["test", "--quiet", "-p", "seamline", "--doc"]))?;
    Ok(tally)
}

/// A lint that passes counts nothing; one that is not installed is left out.
fn lint(component: &str, args: &[&str]) -> Result<Tally> {
    if cargo::component_version(component).is_none() {
        say!("- cargo {component} is not installed: left out");
        return Ok(Tally::default());
    }
    count_some_or_none(shell::cargo().arg(component).args(args))
}

fn sim() -> Result<Tally> {
    count(&mut sim::command_line("simulation"))
}

fn server_tests() -> Result<Tally> {
    requirements::ensure(&[Part::Redis])?;
    count(shell::cargo().args(["test", "--quiet", "-p", "seamline-server"]))
}

fn js() -> Result<Tally> {
    let mut tally = size()?;
    tally += count(npm::command()?.arg("test"))?;
    Ok(tally)
}

/// The client stays small. Without std's source it is larger, which is nobody's fault.
fn size() -> Result<Tally> {
    let over = size::measure()?;
    if !Toolchain::get()?.has_source {
        say!("- std's source is not there: the client's size is not judged");
        return Ok(Tally::default());
    }
    let failed = u64::from(over > 0);
    say!("test size ... {}", if over > 0 { "FAILED" } else { "ok" });
    Ok(Tally { passed: 1 - failed, failed })
}

fn browser_tests(engine: Engine) -> Result<Tally> {
    requirements::ensure(&[Part::WasmToolchain, Part::WasmBindgen, Part::WasmPack])?;
    requirements::ensure(engine.parts())?;
    let server = server::Running::start(&server::build()?, "browser")?;

    let mut path = vec![wasm_bindgen::dir()?];
    path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let mut test = engine.command(wasm_pack::program()?);
    Toolchain::get()?.apply(&mut test);
    test.args(["test", "--mode", "no-install", "--headless"]).args(engine.wasm_pack_args()?);
    test.args([".", "--test", "browser"]);
    test.env("PATH", env::join_paths(path)?)
        .env("CARGO_TARGET_DIR", paths::wasm_target())
        .env("SEAMLINE_TEST_URL", &server.url)
        .env("WASM_BINDGEN_TEST_TIMEOUT", BROWSER_TIMEOUT_SECONDS)
        .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", DRIVER_TIMEOUT_SECONDS)
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", engine.webdriver_json()?);
    count(&mut test)
}

fn e2e(engine: Engine) -> Result<Tally> {
    let dir = paths::root().join("js/e2e");
    // Some need what only Chromium lets a test do.
    let fits = |name: &str| engine == Engine::Chrome || !name.ends_with(".chromium.test.mjs");
    let is_test = |file: &PathBuf| {
        let name = file.to_string_lossy();
        name.ends_with(".test.mjs") && fits(&name)
    };
    let files: Vec<_> = paths::files_below(&dir).into_iter().filter(is_test).collect();
    requirements::ensure(engine.parts())?;
    let tarball = pack::pack()?;
    let server = server::build()?;
    let mut node = engine.command("node");
    // A test that fails may leave something that never ends: a publisher whose server is gone.
    // One file at a time: no other browser is to slow down what is promised soon.
    node.args(["--test", "--test-reporter=spec", "--test-concurrency=1", NODE_TEST_TIMEOUT]);
    node.args(files.iter().map(|file| paths::shown(file)));
    node.env("SEAMLINE_SERVER", server).env("SEAMLINE_TARBALL", tarball).envs(engine.e2e_env()?);
    count(&mut node)
}

/// Runs tests and counts them. None at all is a failure: a group that runs nothing shows nothing.
fn count(command: &mut Command) -> Result<Tally> {
    let tally = count_some_or_none(command)?;
    if tally == Tally::default() {
        bail!("`{}` ran no tests", shell::show(command));
    }
    Ok(tally)
}

/// Runs tests and counts them. A failure that is not a test's, such as one to compile, counts as one.
fn count_some_or_none(command: &mut Command) -> Result<Tally> {
    let (status, output) = shell::run_shown(command)?;
    let mut tally = Tally::of(&output);
    if !status.success() && tally.failed == 0 {
        say!("`{}` failed ({status})", shell::show(command));
        tally.failed = 1;
    }
    Ok(tally)
}

/// The names of the integration tests of the crate `seamline`.
fn test_targets() -> Result<Vec<String>> {
    let printed = shell::output(shell::cargo().args(["metadata", "--no-deps", "--format-version", "1"]));
    let metadata: Value =
        serde_json::from_str(&printed.context("cargo metadata failed; is Cargo.toml in order?")?)?;
    Ok(targets_of_kind_test(&metadata, "seamline"))
}

fn targets_of_kind_test(metadata: &Value, package: &str) -> Vec<String> {
    let packages = metadata["packages"].as_array().into_iter().flatten().filter(|p| p["name"] == package);
    let targets = packages.flat_map(|package| package["targets"].as_array().into_iter().flatten());
    let tests = targets
        .filter(|target| target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|k| k == "test")));
    tests.filter_map(|target| target["name"].as_str().map(str::to_string)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_packages_own_integration_tests_are_listed() {
        let target = |name: &str, kind: &str| json!({ "name": name, "kind": [kind] });
        let metadata = json!({ "packages": [
            { "name": "seamline", "targets": [target("seamline", "rlib"), target("simulation", "test")] },
            { "name": "seamline-server", "targets": [target("http", "test")] },
        ] });
        assert_eq!(targets_of_kind_test(&metadata, "seamline"), ["simulation"]);
    }
}
