//! The files that cargo packages, compared with lists: a change of `include`, or a new folder, shows in a review.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::PACKAGES;
use crate::tools::progress::say;
use crate::tools::{files, paths, shell};

/// What cargo adds to a package; the first one only in a clone.
const ADDED: [&str; 2] = [".cargo_vcs_info.json", "Cargo.toml.orig"];

/// Whether each crate has the files of its list.
pub fn are_listed() -> Result<()> {
    PACKAGES.iter().try_for_each(|name| {
        let list = list(name);
        let text =
            std::fs::read_to_string(&list).with_context(|| format!("cannot read {}", paths::shown(&list)))?;
        compare(&packaged(name)?, &text.lines().map(str::to_string).collect::<Vec<_>>())
            .with_context(|| format!("{name} and {} differ", paths::shown(&list)))
    })
}

/// Writes the lists.
pub fn write() -> Result<()> {
    for name in PACKAGES {
        let packaged = packaged(name)?;
        files::write_if_changed(&list(name), format!("{}\n", packaged.join("\n")).as_bytes())?;
        say!("{}: {} files", paths::shown(&list(name)), packaged.len());
    }
    Ok(())
}

fn list(name: &str) -> PathBuf {
    paths::root().join("tests/crates").join(format!("{name}.txt"))
}

fn packaged(name: &str) -> Result<Vec<String>> {
    let mut cargo = shell::cargo();
    cargo.args(["package", "--list", "--allow-dirty", "--quiet", "-p", name]);
    let printed = shell::output(&mut cargo).context("`cargo package --list` failed")?;
    let mut files: Vec<_> = printed.lines().map(|file| file.replace('\\', "/")).collect();
    files.retain(|file| !ADDED.contains(&file.as_str()));
    files.sort();
    Ok(files)
}

fn compare(packaged: &[String], listed: &[String]) -> Result<()> {
    let added = packaged.iter().find(|file| !listed.contains(file));
    let missing = listed.iter().find(|file| !packaged.contains(file));
    match (added, missing) {
        (None, None) => Ok(()),
        (Some(file), _) => bail!("{file} is not listed; if it belongs there, run cargo xtask crates --write"),
        (_, Some(file)) => bail!("{file} is missing; if that is right, run cargo xtask crates --write"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unlisted_or_missing_file_is_named() {
        let files = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        let listed = files(&["Cargo.toml", "src/lib.rs"]);
        assert!(compare(&listed, &listed).is_ok());
        let added = compare(&files(&["Cargo.toml", "js/src/client.ts", "src/lib.rs"]), &listed);
        assert!(added.unwrap_err().to_string().starts_with("js/src/client.ts is not listed"));
        let missing = compare(&files(&["Cargo.toml"]), &listed);
        assert!(missing.unwrap_err().to_string().starts_with("src/lib.rs is missing"));
    }
}
