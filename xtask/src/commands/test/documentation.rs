//! The documentation of the crates: that it can be built, and that its examples work.

use anyhow::{Context, Result};
use serde_json::Value;

use super::runner::{count, count_some_or_none};
use crate::tools::tally::Tally;
use crate::tools::toolchain::WASM;
use crate::tools::{cargo, shell};

/// Builds it, and runs its examples.
pub fn tests() -> Result<Tally> {
    let mut tally = source()?;
    tally += docs_rs()?;
    tally += examples()?;
    Ok(tally)
}

/// As readers of the source see it. Links to private items work there, and `--help` shows URLs as they stand in the
/// source.
fn source() -> Result<Tally> {
    let mut cargo = shell::cargo();
    cargo.args(["doc", "--workspace", "--no-deps", "--document-private-items", "--quiet"]);
    cargo.env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links -A rustdoc::bare_urls");
    count_some_or_none(&mut cargo)
}

/// As docs.rs shows it: with the features and for the targets that Cargo.toml names for it.
fn docs_rs() -> Result<Tally> {
    let printed = shell::output(shell::cargo().args(["metadata", "--no-deps", "--format-version", "1"]));
    let metadata: Value =
        serde_json::from_str(&printed.context("`cargo metadata` failed; check Cargo.toml")?)?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let settings =
        packages.filter(|it| it["name"] == "seamline").map(|it| &it["metadata"]["docs"]["rs"]).next();
    let settings = settings.context("`cargo metadata` lists no crate seamline")?;
    let features = texts(&settings["features"]).join(",");
    let mut tally = Tally::default();
    for target in texts(&settings["targets"]) {
        // This machine stands for the other target.
        let mut cargo = if target == WASM { cargo::for_wasm()? } else { shell::cargo() };
        cargo.args(["doc", "-p", "seamline", "--no-deps", "--quiet", "--features", &features]);
        cargo.args((target == WASM).then_some(["--target", WASM]).into_iter().flatten());
        tally += count_some_or_none(cargo.env("RUSTDOCFLAGS", "-D warnings"))?;
    }
    Ok(tally)
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Runs the examples, and compiles those of a page: with `true` as the runner, nothing else happens to them. A cargo
/// older than 1.89 skips them.
fn examples() -> Result<Tally> {
    const TEST: [&str; 5] = ["test", "--quiet", "-p", "seamline", "--doc"];
    let mut tally = count(shell::cargo().args(TEST))?;
    let mut wasm = cargo::for_wasm()?;
    wasm.args(TEST).args(["--target", WASM]).env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "true");
    tally += count_some_or_none(&mut wasm)?;
    Ok(tally)
}
