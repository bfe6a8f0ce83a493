//! `cargo xtask bench page`: docs/BENCHMARKS.md and its charts.

use std::process::ExitCode;

use anyhow::Result;

use super::peers;
use crate::tools::requirements::{self, Part};
use crate::tools::{paths, run, shell};

/// Writes the page from the results in `target/bench/results`.
pub fn write() -> Result<ExitCode> {
    requirements::ensure(&[Part::Node])?;
    let mut node = shell::command("node");
    node.arg(paths::root().join("bench/runner/report/page.mjs"));
    node.arg("--dir").arg(super::dir());
    node.arg("--peers").arg(peers::install()?).arg("--nats").arg(peers::nats()?);
    run::to_exit_code(&mut node)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(path: &str) -> String {
        fs::read_to_string(paths::root().join(path)).unwrap_or_else(|e| panic!("cannot read {path}: {e}"))
    }

    #[test]
    fn the_page_has_the_text_around_its_tables() {
        let (page, text) = (read("docs/BENCHMARKS.md"), read("bench/runner/report/page.md"));
        for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.contains("{{")) {
            assert!(
                page.contains(paragraph),
                "docs/BENCHMARKS.md is old: run cargo xtask bench page\n{paragraph}"
            );
        }
    }

    #[test]
    fn the_page_shows_every_chart() {
        let page = read("docs/BENCHMARKS.md");
        let sections = read("bench/runner/report/sections.mjs");
        let charts = sections.split('"').filter(|text| text.starts_with("bench-")).collect::<Vec<_>>();
        assert!(!charts.is_empty());
        for chart in charts {
            assert!(
                page.contains(&format!("(images/{chart}.svg)")),
                "docs/BENCHMARKS.md does not show {chart}"
            );
            assert!(read(&format!("docs/images/{chart}.svg")).starts_with("<svg"));
        }
    }
}
