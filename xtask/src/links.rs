//! The docs and the tree agree: links lead to files that exist, and docs/ARCHITECTURE.md names every file of the crate.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::tools::{files, paths};

const ARCHITECTURE: &str = "docs/ARCHITECTURE.md";

/// The files and folders that a page links to, except for other sites and for parts of the same page.
fn linked(page: &Path) -> BTreeSet<PathBuf> {
    let text = fs::read_to_string(page).unwrap_or_else(|e| panic!("cannot read {}: {e}", page.display()));
    let directory = page.parent().expect("a page is in a directory");
    let targets = targets(&text).into_iter().filter(|target| !target.contains("://"));
    let files = targets.filter_map(|target| target.split('#').next().filter(|file| !file.is_empty()));
    files.map(|file| normalized(&directory.join(file))).collect()
}

/// The targets of the links in a text: `b` in `[a](b)`.
fn targets(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next()).collect()
}

#[test]
fn every_link_leads_to_a_file() {
    let mut broken = Vec::new();
    for page in files::pages() {
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

/// A row of a walk, `| [file](target) | `Owner::function` | … |`: the target, and the function's own name.
fn hop(row: &str) -> Option<(&str, &str)> {
    let mut cells = row.strip_prefix("| ")?.split(" | ");
    let target = *targets(cells.next()?).first()?;
    let function = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
    Some((target, function.rsplit([':', '.']).next()?))
}

/// Whether a source file defines a function or a method of this name.
fn defines(source: &str, function: &str) -> bool {
    let starts = |line: &str| {
        let line = line.trim_start();
        let words = ["export ", "pub(super) ", "pub(crate) ", "pub ", "async ", "fn ", "function "];
        let name = words.iter().fold(line, |rest, word| rest.strip_prefix(word).unwrap_or(rest));
        name.strip_prefix(function).is_some_and(|rest| rest.starts_with(['(', '<']))
    };
    source.lines().filter(|line| !line.trim_end().ends_with(';')).any(starts)
}

#[test]
fn each_hop_of_a_walk_is_where_the_architecture_says() {
    let page = paths::root().join(ARCHITECTURE);
    let text = fs::read_to_string(&page).expect("the architecture can be read");
    let hops: Vec<_> = text.lines().filter_map(hop).collect();
    assert!(hops.len() >= 30, "the walks have {} hops: are their tables still read?", hops.len());
    for (target, function) in hops {
        let file = normalized(&page.with_file_name(target));
        let source = fs::read_to_string(&file).unwrap_or_else(|e| panic!("cannot read {target}: {e}"));
        assert!(
            defines(&source, function),
            "{target} does not define `{function}`: mend the walk in {ARCHITECTURE}"
        );
    }
}

#[test]
fn targets_of_links_are_found() {
    let text = "See [a](a.md#part), [`b`](../b.rs)\nand [c](https://example.com) but not (d.md).";
    assert_eq!(targets(text), ["a.md#part", "../b.rs", "https://example.com"]);
}

/// The path without `.` and `..`.
fn normalized(path: &Path) -> PathBuf {
    let mut normalized = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(normalized.pop()),
            component => normalized.push(component),
        }
    }
    normalized
}

#[test]
fn paths_are_normalized() {
    assert_eq!(normalized(Path::new("/dist/lib/.././a.js")), Path::new("/dist/a.js"));
}
