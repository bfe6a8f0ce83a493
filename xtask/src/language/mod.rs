//! The project's language, checked: `docs/STYLE.md` lists words that docs, doc comments and user-facing texts do not
//! use, and how wide docs are.

mod markdown;
mod script;
mod source;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

use words::Words;

use crate::tools::{files, paths};

/// A text in a file, and the line on which it starts.
struct Text {
    line: usize,
    text: String,
}

/// This page lists the rejected words.
const GUIDE: &str = "docs/STYLE.md";

/// Folders whose source code has texts that a user or a contributor reads.
const SOURCES: &[&str] = &["src", "server/src", "js/src", "xtask/src", "chaos/src", "bench/src", "www"];

fn guide() -> Words {
    Words::of_guide(&read(&paths::root().join(GUIDE)))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()))
}

/// All Markdown pages.
fn pages() -> Vec<PathBuf> {
    let templates = files::below(&paths::root().join(".github"));
    let mut pages = files::pages();
    pages.extend(
        templates.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")),
    );
    pages
}

/// What a file says to people.
fn texts_of(path: &Path) -> Vec<Text> {
    let content = read(path);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("rs") => source::texts(&content),
        Some("ts" | "js" | "mjs") => script::texts(&content),
        Some("html" | "toml") => vec![Text { line: 1, text: content }],
        _ => Vec::new(),
    }
}

/// One line per rejected word: the file, the line, the word, and what to say instead.
fn complaints(path: &Path, texts: &[Text], words: &Words) -> Vec<String> {
    let shown = paths::shown(path);
    let mut found = Vec::new();
    for Text { line, text } in texts {
        for (at, word) in words.find(text) {
            let line = line + text[..at].matches('\n').count();
            found.push(format!("{shown}:{line}: \"{}\"; say: {}", word.not, word.say));
        }
    }
    found
}

fn assert_none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "{} found (see {GUIDE}):\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn docs_use_the_words_of_the_style_guide() {
    let words = guide();
    let mut found = Vec::new();
    for page in pages().iter().filter(|page| !page.ends_with(GUIDE)) {
        found.extend(complaints(page, &[Text { line: 1, text: markdown::prose(&read(page)) }], &words));
    }
    assert_none(found);
}

#[test]
fn texts_in_source_code_use_the_words_of_the_style_guide() {
    let words = guide();
    let root = paths::root();
    let mut files: Vec<PathBuf> = SOURCES.iter().flat_map(|dir| files::below(&root.join(dir))).collect();
    files.push(root.join("server/deploy/seamline.toml"));
    let found = files.iter().flat_map(|file| complaints(file, &texts_of(file), &words)).collect();
    assert_none(found);
}

#[test]
fn docs_wrap_at_120_columns() {
    let mut found = Vec::new();
    for page in pages() {
        for (line, width) in markdown::wide_lines(&read(&page)) {
            found.push(format!(
                "{}:{line}: {width} columns, not {}",
                paths::shown(&page),
                markdown::WIDTH_MAX
            ));
        }
    }
    assert_none(found);
}
