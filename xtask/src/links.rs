//! The docs and the tree agree: links lead to files that exist, and docs/ARCHITECTURE.md names every file of the crate.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::tools::{files, paths};

const ARCHITECTURE: &str = "docs/ARCHITECTURE.md";

/// The Markdown pages of the project.
fn pages() -> Vec<PathBuf> {
    let root = paths::root();
    let mut pages = files::below(&root.join("docs"));
    pages.extend(fs::read_dir(&root).expect("the root can be read").flatten().map(|entry| entry.path()));
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    pages
}

/// The files and folders that a page links to, except for other sites and for parts of the same page.
fn linked(page: &Path) -> BTreeSet<PathBuf> {
    let text = fs::read_to_string(page).unwrap_or_else(|e| panic!("cannot read {}: {e}", page.display()));
    let directory = page.parent().expect("a page is in a directory");
    let targets = targets(&text).into_iter().filter(|target| !target.contains("://"));
    let files = targets.filter_map(|target| target.split('#').next().filter(|file| !file.is_empty()));
    files.map(|file| paths::normalized(&directory.join(file))).collect()
}

/// The targets of the links in a text: `b` in `[a](b)`.
fn targets(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next()).collect()
}

#[test]
fn every_link_leads_to_a_file() {
    let mut broken = Vec::new();
    for page in pages() {
        let missing = linked(&page).into_iter().filter(|file| !file.exists());
        broken.extend(missing.map(|file| format!("{} -> {}", paths::shown(&page), paths::shown(&file))));
    }
    assert!(broken.is_empty(), "these links lead nowhere:\n{}", broken.join("\n"));
}

#[test]
fn the_architecture_names_every_file_of_the_crate() {
    let linked = linked(&paths::root().join(ARCHITECTURE));
    let files = files::below(&paths::root().join("src"));
    let missing: Vec<_> = files.iter().filter(|file| !linked.contains(*file)).collect();
    let shown: Vec<_> = missing.iter().map(|file| paths::shown(file)).collect();
    assert!(missing.is_empty(), "add these files to the tables of {ARCHITECTURE}:\n{}", shown.join("\n"));
}

#[test]
fn targets_of_links_are_found() {
    let text = "See [a](a.md#part), [`b`](../b.rs)\nand [c](https://example.com) but not (d.md).";
    assert_eq!(targets(text), ["a.md#part", "../b.rs", "https://example.com"]);
}
