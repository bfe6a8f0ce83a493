//! The text of `docs/SIZE.md`.

use super::{Measured, Size, kb};
use crate::commands::size::entries::Entry;

/// The page around its tables.
const TEXT: &str = include_str!("page.md");

/// Writes the page.
pub fn page(measured: &[Measured], entries: &[Entry], today: &str, esbuild: &str) -> String {
    let row = |Measured { peer, version, size }: &Measured| {
        format!("| {} | {version} | {} | {} |", peer.name, cells(size), peer.lacks)
    };
    let entry = |Entry { name, size, .. }: &Entry| format!("| `{name}` | {} |", cells(size));
    TEXT.replace("{{today}}", today)
        .replace("{{esbuild}}", esbuild)
        .replace("{{entries}}", &lines(entries.iter().map(entry)))
        .replace("{{libraries}}", &lines(measured.iter().map(row)))
}

fn cells(size: &Size) -> String {
    format!("{} | {} | {}", kb(size.raw), kb(size.gzip), kb(size.brotli))
}

fn lines(rows: impl Iterator<Item = String>) -> String {
    rows.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::{OURS, PAGE, PEERS};
    use super::*;
    use crate::tools::paths;

    #[test]
    fn the_page_lists_every_library() {
        let page = fs::read_to_string(paths::root().join(PAGE)).expect("cargo xtask size --peers writes it");
        for peer in OURS.iter().chain(&PEERS) {
            let row = page.lines().find(|line| line.starts_with(&format!("| {} |", peer.name)));
            let row =
                row.unwrap_or_else(|| panic!("{PAGE} lacks {}: run cargo xtask size --peers", peer.name));
            assert!(row.ends_with(&format!("| {} |", peer.lacks)), "{row}");
        }
    }

    #[test]
    fn the_page_has_the_text_around_its_tables() {
        let page = fs::read_to_string(paths::root().join(PAGE)).expect("cargo xtask size --peers writes it");
        let paragraphs = TEXT.split("\n\n").filter(|paragraph| !paragraph.contains("{{"));
        for paragraph in paragraphs {
            assert!(page.contains(paragraph), "{PAGE} is old: run cargo xtask size --peers\n{paragraph}");
        }
    }
}
