//! The groups `browser` and `e2e`: tests in a real browser against a real server.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use seamline_test_support::server::DemoServer;

use super::runner::{File, cores, count, count_files};
use crate::commands::pack;
use crate::tools::engine::Engine;
use crate::tools::requirements::{self, Part};
use crate::tools::tally::Tally;
use crate::tools::toolchain::{Toolchain, WASM};
use crate::tools::{files, paths, server, wasm_bindgen};

/// How long the tests of one file may take in the browser.
const BROWSER_TIMEOUT_SECONDS: &str = "600";
/// How long its driver may take to listen.
const DRIVER_TIMEOUT_SECONDS: &str = "60";
/// How long the end-to-end tests of one file may take. In their long form, which the environment asks for, some take
/// minutes. It is only for tests that hang: on a busy machine, some files take five.
const FILE_LIMIT: Duration = Duration::from_secs(10 * 60);
const LONG_FILE_LIMIT: Duration = Duration::from_secs(60 * 60);
/// What asks for long forms, by name.
const LONG_FORMS: [&str; 6] = ["CHAOS", "EFFECTS", "LIFECYCLE", "STATE_LOSSES", "STORAGE", "TABS"];

/// The driver and the Rust API, in a browser.
pub fn rust_tests(engine: Engine) -> Result<Tally> {
    requirements::ensure(&[Part::WasmToolchain, Part::WasmBindgen])?;
    requirements::ensure(engine.parts())?;
    let server = DemoServer::start(&server::build()?, &paths::target().join("test-data/browser"))?;

    let mut test = engine.command("cargo");
    Toolchain::get()?.apply(&mut test);
    engine.set_driver(&mut test)?;
    test.args(["test", "-p", "seamline", "--target", WASM, "--test", "browser"]);
    test.env("CARGO_TARGET_DIR", paths::wasm_target())
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", wasm_bindgen::test_runner()?)
        .env("SEAMLINE_TEST_URL", &server.url)
        .env("WASM_BINDGEN_TEST_ONLY_WEB", "1")
        .env("WASM_BINDGEN_TEST_TIMEOUT", BROWSER_TIMEOUT_SECONDS)
        .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", DRIVER_TIMEOUT_SECONDS)
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", engine.webdriver_json()?);
    count(&mut test)
}

/// The packed tarball, in a browser.
pub fn e2e(engine: Engine) -> Result<Tally> {
    // Some tests need what only Chromium lets a test do.
    let fits = |name: &str| engine == Engine::Chrome || !name.ends_with(".chromium.test.mjs");
    let is_test = |file: &PathBuf| {
        let name = file.to_string_lossy();
        name.ends_with(".test.mjs") && fits(&name)
    };
    let files: Vec<_> = files::below(&paths::js().join("e2e")).into_iter().filter(is_test).collect();
    requirements::ensure(engine.parts())?;
    let tarball = pack::pack()?;
    let server = server::build_with_faults()?;
    let is_long = LONG_FORMS.iter().any(|name| env::var_os(name).is_some());
    let environment = engine.e2e_env()?;
    let of = |file: &PathBuf| {
        let name = paths::shown(file);
        let mut command = engine.command("node");
        command.args(["--test", "--test-reporter=spec", &name]);
        command.env("SEAMLINE_SERVER", &server).env("SEAMLINE_TARBALL", &tarball).envs(environment.clone());
        File { command, name }
    };
    let files = files.iter().map(of).collect();
    // A browser mostly waits. In their long form, tests also measure times: then one must not slow down another.
    let (at_a_time, limit) = if is_long { (1, LONG_FILE_LIMIT) } else { (cores(), FILE_LIMIT) };
    count_files(files, at_a_time, limit)
}
