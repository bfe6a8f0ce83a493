//! Finds and writes files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// All files below `dir`, sorted; none if it does not exist.
pub fn below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_path_buf()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// Folders that a tool fills: installed packages, and the API reference.
#[cfg(test)]
const GENERATED: [&str; 2] = ["node_modules", "api"];

/// The Markdown pages below `docs/` and `examples/` that people wrote, those in the root, and the npm package's own.
#[cfg(test)]
pub fn pages() -> Vec<PathBuf> {
    let root = crate::tools::paths::root();
    let is_generated =
        |page: &Path| page.components().any(|part| GENERATED.iter().any(|name| part.as_os_str() == *name));
    let mut pages = below(&root.join("docs"));
    pages.extend(below(&root.join("examples")));
    pages.retain(|page| !is_generated(page.strip_prefix(&root).unwrap_or(page)));
    pages.extend(fs::read_dir(&root).into_iter().flatten().flatten().map(|entry| entry.path()));
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    pages.push(root.join("js/README.md"));
    pages
}

/// Copies all files below a directory into another.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    for file in below(from) {
        let target = to.join(file.strip_prefix(from).expect("`below` lists files below `from`"));
        write_if_changed(&target, &fs::read(&file)?)?;
    }
    Ok(())
}

/// Writes `content`, unless the file has it already: the time of the file shows when its content changed.
pub fn write_if_changed(file: &Path, content: &[u8]) -> Result<()> {
    if fs::read(file).is_ok_and(|old| old == content) {
        return Ok(());
    }
    if let Some(dir) = file.parent() {
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    }
    fs::write(file, content).with_context(|| format!("cannot write {}", file.display()))
}
