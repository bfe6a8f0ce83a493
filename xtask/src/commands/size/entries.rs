//! The entries of the npm package: what each adds to a page, and its budget.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::compressed::{self, Size, kb};
use crate::tools::progress::say;
use crate::tools::{paths, shell};

/// Prints the table of entries that the package is built from.
const PRINT_ENTRIES: &str = r#"
import(process.argv[1]).then(({ ENTRIES }) => console.log(JSON.stringify(ENTRIES)));
"#;

/// A row of `js/build/entries.mjs`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    gzip_kb_max: u64,
    wasm: Option<String>,
}

/// An entry as it was built.
pub struct Entry {
    pub name: String,
    /// The script, and the wasm that it needs beside it.
    pub size: Size,
    gzip_max: u64,
}

impl Entry {
    fn is_over(&self) -> bool {
        self.size.gzip > self.gzip_max
    }
}

/// Measures the entries in `js/dist`.
pub fn measure() -> Result<Vec<Entry>> {
    let dist = paths::js().join("dist");
    rows()?
        .into_iter()
        .map(|Row { name, gzip_kb_max, wasm }| {
            let files: Vec<_> = [Some(format!("{name}.js")), wasm].into_iter().flatten().collect();
            let paths: Vec<_> = files.iter().map(|file| dist.join(file)).collect();
            let size = compressed::sizes(&paths)?.into_iter().sum();
            Ok(Entry { name: files.join(" + "), size, gzip_max: gzip_kb_max * 1024 })
        })
        .collect()
}

fn rows() -> Result<Vec<Row>> {
    let table = paths::js().join("build/entries.mjs");
    let printed = shell::output(shell::command("node").args(["-e", PRINT_ENTRIES, "--"]).arg(&table));
    serde_json::from_str(&printed.with_context(|| format!("cannot read {}", paths::shown(&table)))?)
        .with_context(|| format!("a row of {} has no `name` or `gzipKbMax`", paths::shown(&table)))
}

/// Prints the entries with their sizes.
pub fn show(entries: &[Entry]) {
    say!("\n{:<42} {:>8} {:>9} {:>9} {:>9}", "entry, KB", "raw", "gzip", "brotli", "budget");
    for Entry { name, size, gzip_max } in entries {
        let budget = gzip_max / 1024;
        say!("{name:<42} {:>8} {:>9} {:>9} {budget:>9}", kb(size.raw), kb(size.gzip), kb(size.brotli));
    }
}

/// What is wrong with the entries that are over their budgets, if any is.
pub fn over(entries: &[Entry]) -> Option<String> {
    let over: Vec<_> = entries.iter().filter(|entry| entry.is_over()).map(problem).collect();
    (!over.is_empty()).then(|| over.join("\n"))
}

fn problem(Entry { name, size, gzip_max }: &Entry) -> String {
    format!("{name} has {} bytes gzip, {} over its budget", size.gzip, size.gzip - gzip_max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_entries_over_their_budgets_are_reported() {
        let entry = |name: &str, gzip| Entry {
            name: name.into(),
            size: Size { gzip, ..Size::default() },
            gzip_max: 1024,
        };
        assert_eq!(over(&[entry("a.js", 1024)]), None);
        let problem = over(&[entry("a.js", 1024), entry("b.js", 1030)]);
        assert_eq!(problem.as_deref(), Some("b.js has 1030 bytes gzip, 6 over its budget"));
    }
}
