//! The repository's state before a release.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::tools::{paths, shell};

/// Every change is committed: the tag names what is published.
pub fn is_clean() -> Result<()> {
    let changes = shell::output(shell::command("git").args(["status", "--porcelain"]))
        .context("`git status` failed; run this in a clone of the repository")?;
    match changes.lines().next() {
        None => Ok(()),
        Some(first) => bail!("`{}` and possibly more; commit or discard it", first.trim()),
    }
}

/// Everything that names the version names this one.
pub fn has_version(version: &str) -> Result<()> {
    let places = [
        ("Cargo.toml", format!("\nversion = \"{version}\"\n")),
        ("server/Cargo.toml", format!("seamline = {{ path = \"..\", version = \"{version}\" }}")),
        ("js/package.json", format!("\n  \"version\": \"{version}\",\n")),
        ("js/src/version.ts", format!("\nexport const VERSION = \"{version}\";\n")),
        ("js/package-lock.json", format!("\n  \"version\": \"{version}\",\n")),
    ];
    for (file, line) in places {
        if !read(file)?.contains(&line) {
            bail!("{file} has another version; write `{}`", line.trim());
        }
    }
    Ok(())
}

/// The changelog has a section of the version, with the day of the release.
pub fn has_changelog(version: &str) -> Result<()> {
    if is_dated(&read("CHANGELOG.md")?, version) {
        return Ok(());
    }
    bail!("CHANGELOG.md has no line like `## [{version}] - 2026-01-31`; add it")
}

fn is_dated(changelog: &str, version: &str) -> bool {
    let heading = format!("## [{version}] - ");
    let mut days = changelog.lines().filter_map(|line| line.strip_prefix(&heading));
    days.next().is_some_and(|day| {
        let parts: Vec<_> = day.split('-').map(str::len).collect();
        parts == [4, 2, 2] && day.chars().all(|c| c.is_ascii_digit() || c == '-')
    })
}

fn read(file: &str) -> Result<String> {
    fs::read_to_string(paths::root().join(file)).with_context(|| format!("cannot read {file}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_of_the_changelog_needs_a_date() {
        let with = |heading: &str| format!("# Changelog\n\n{heading}\n\n### Added\n");
        assert!(is_dated(&with("## [1.2.3] - 2026-01-31"), "1.2.3"));
        for heading in
            ["## [1.2.3]", "## [1.2.3] - soon", "## [1.2.30] - 2026-01-31", "## 1.2.3 - 2026-01-31"]
        {
            assert!(!is_dated(&with(heading), "1.2.3"), "{heading}");
        }
    }

    #[test]
    fn every_file_has_the_version() {
        has_version(env!("CARGO_PKG_VERSION")).unwrap();
        assert!(has_version("0.0.0").unwrap_err().to_string().contains("Cargo.toml has another version"));
    }
}
