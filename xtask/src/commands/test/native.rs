//! The group `native`: the native Rust client and its example against a real server.

use std::path::Path;

use anyhow::Result;
use seamline_test_support::server::DemoServer;

use super::runner::count;
use crate::tools::tally::Tally;
use crate::tools::{paths, run, server, shell};

/// The same features for each command, so that cargo builds the crate once.
const FEATURES: [&str; 4] = ["-p", "seamline", "--features", "native,plain"];

/// Runs the group.
pub fn tests() -> Result<Tally> {
    let server = server::build()?;
    let mut example = shell::cargo();
    example.args(["build", "--example", "tail"]).args(FEATURES);
    run::step("build the example tail", &mut example, "Fix the errors in examples/tail.rs.")?;
    let tail = paths::built("debug", &Path::new("examples").join("tail").display().to_string());

    let mut tally = count(shell::cargo().args(["test", "--quiet", "--lib"]).args(FEATURES).arg("native::"))?;
    let demo = DemoServer::start(&server, &paths::target().join("test-data/native"))?;
    let mut tests = shell::cargo();
    tests.args(["test", "--quiet", "-p", "seamline-native-tests"]);
    tests.env("SEAMLINE_SERVER", server).env("SEAMLINE_TAIL", tail).env("SEAMLINE_TEST_URL", &demo.url);
    tally += count(&mut tests)?;
    Ok(tally)
}
