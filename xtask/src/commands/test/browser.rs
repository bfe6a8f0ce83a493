//! The groups `browser` and `e2e`: tests in a real browser against a real server.

use std::env;
use std::path::PathBuf;

use anyhow::Result;
use seamline_test_support::server::DemoServer;

use super::runner::count;
use crate::commands::pack;
use crate::tools::engine::Engine;
use crate::tools::requirements::{self, Part};
use crate::tools::tally::Tally;
use crate::tools::toolchain::Toolchain;
use crate::tools::{files, paths, server, wasm_bindgen, wasm_pack};

/// How long the tests of one file may take in the browser.
const BROWSER_TIMEOUT_SECONDS: &str = "600";
/// How long its driver may take to listen.
const DRIVER_TIMEOUT_SECONDS: &str = "60";
/// Longer than any file of tests takes, also with LIFECYCLE=long; in milliseconds.
const NODE_TEST_TIMEOUT: &str = "--test-timeout=1800000";

/// The driver and the Rust API, in a browser.
pub fn rust_tests(engine: Engine) -> Result<Tally> {
    requirements::ensure(&[Part::WasmToolchain, Part::WasmBindgen, Part::WasmPack])?;
    requirements::ensure(engine.parts())?;
    let server = DemoServer::start(&server::build()?, &paths::target().join("test-data/browser"))?;

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
    let mut node = engine.command("node");
    // One file at a time, so that a second browser does not slow down the first. The timeout ends a test that failed
    // and left something running, such as a publisher whose server is gone.
    node.args(["--test", "--test-reporter=spec", "--test-concurrency=1", NODE_TEST_TIMEOUT]);
    node.args(files.iter().map(|file| paths::shown(file)));
    node.env("SEAMLINE_SERVER", server).env("SEAMLINE_TARBALL", tarball).envs(engine.e2e_env()?);
    count(&mut node)
}
