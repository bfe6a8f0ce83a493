//! The documentation of the crates: that it can be built, and that its examples work.

use anyhow::Result;

use super::runner::{count, count_some_or_none};
use crate::tools::docs_rs::{self, Settings};
use crate::tools::tally::Tally;
use crate::tools::toolchain::WASM;
use crate::tools::{cargo, shell};

/// Builds it, and runs its examples.
pub fn tests() -> Result<Tally> {
    let mut tally = source()?;
    tally += as_docs_rs()?;
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
fn as_docs_rs() -> Result<Tally> {
    let Settings { features, targets } = docs_rs::settings()?;
    let mut tally = Tally::default();
    for target in targets {
        // This machine stands for the other target.
        let mut cargo = if target == WASM { cargo::for_wasm()? } else { shell::cargo() };
        cargo.args(["doc", "-p", "seamline", "--no-deps", "--quiet", "--features", &features.join(",")]);
        cargo.args((target == WASM).then_some(["--target", WASM]).into_iter().flatten());
        tally += count_some_or_none(cargo.env("RUSTDOCFLAGS", "-D warnings"))?;
    }
    Ok(tally)
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
