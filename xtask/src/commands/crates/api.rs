//! The public API of the crate `seamline` as lists, one for each target: a change of it shows in a review.

mod description;
mod signature;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::tools::progress::say;
use crate::tools::{docs_rs, files, paths, rustdoc};
use description::Description;

/// A list.
struct List {
    for_wasm: bool,
    file: &'static str,
}

const LISTS: [List; 2] =
    [List { for_wasm: true, file: "api-wasm.txt" }, List { for_wasm: false, file: "api-native.txt" }];

/// Whether the API is that of the lists.
pub fn is_listed() -> Result<()> {
    for list in LISTS {
        let path = list.path();
        let listed =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", paths::shown(&path)))?;
        compare(&list.lines()?, &listed)
            .with_context(|| format!("the API is not that of {}", paths::shown(&path)))?;
    }
    Ok(())
}

/// Writes the lists.
pub fn write() -> Result<()> {
    for list in LISTS {
        let lines = list.lines()?;
        files::write_if_changed(&list.path(), format!("{}\n", lines.join("\n")).as_bytes())?;
        say!("{}: {} lines", paths::shown(&list.path()), lines.len());
    }
    Ok(())
}

impl List {
    fn path(&self) -> PathBuf {
        paths::root().join("tests/crates").join(self.file)
    }

    fn lines(&self) -> Result<Vec<String>> {
        let features = docs_rs::settings()?.features.join(",");
        Description::new(rustdoc::describe(self.for_wasm, &features)?)?.lines()
    }
}

fn compare(lines: &[String], listed: &str) -> Result<()> {
    let listed: Vec<_> = listed.lines().collect();
    let Some(at) = (0..lines.len().max(listed.len()))
        .find(|&at| lines.get(at).map(String::as_str) != listed.get(at).copied())
    else {
        return Ok(());
    };
    let show = |line: Option<&str>| line.map_or("nothing".to_string(), |line| format!("`{}`", line.trim()));
    bail!(
        "line {} is {} in the crate and {} in the list; if that is right, run cargo xtask crates --write",
        at + 1,
        show(lines.get(at).map(String::as_str)),
        show(listed.get(at).copied())
    )
}
