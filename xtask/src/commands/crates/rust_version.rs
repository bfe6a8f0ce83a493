//! The Rust version that the crates require (`rust-version` in Cargo.toml), compared with what their dependencies
//! require. `cargo xtask msrv` compiles them with it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::PACKAGES;
use crate::tools::shell;

/// A version of Rust, as in `1.88`.
type Version = Vec<u64>;

/// Whether no dependency requires a newer Rust than the crate that has it.
pub fn fits() -> Result<()> {
    let mut cargo = shell::cargo();
    cargo.args(["metadata", "--locked", "--all-features", "--format-version", "1"]);
    let printed =
        shell::output(&mut cargo).context("`cargo metadata` failed; check Cargo.toml and Cargo.lock")?;
    match newer(&serde_json::from_str(&printed)?).first() {
        None => Ok(()),
        Some(newer) => bail!("{newer}; raise `rust-version`, or use an older release of the dependency"),
    }
}

/// The dependencies that require a newer Rust, without those of tests.
fn newer(metadata: &Value) -> Vec<String> {
    let packages: BTreeMap<_, _> = array(&metadata["packages"]).map(|it| (text(&it["id"]), it)).collect();
    let nodes: BTreeMap<_, _> =
        array(&metadata["resolve"]["nodes"]).map(|it| (text(&it["id"]), it)).collect();
    let mut found = Vec::new();
    for package in packages.values().filter(|it| PACKAGES.contains(&text(&it["name"]))) {
        let required = text(&package["rust_version"]);
        for id in dependencies(text(&package["id"]), &nodes) {
            let Some(dependency) = packages.get(id) else { continue };
            let theirs = text(&dependency["rust_version"]);
            if version(theirs) > version(required) {
                let (name, number) = (text(&dependency["name"]), text(&dependency["version"]));
                let ours = text(&package["name"]);
                found.push(format!("{ours} requires Rust {required}, but {name} {number} requires {theirs}"));
            }
        }
    }
    found
}

/// A package and everything that it is built from.
fn dependencies<'a>(root: &'a str, nodes: &BTreeMap<&str, &'a Value>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::from([root]);
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        for dependency in nodes.get(id).into_iter().flat_map(|node| array(&node["deps"])) {
            let is_built = array(&dependency["dep_kinds"]).any(|kind| kind["kind"] != "dev");
            if is_built && found.insert(text(&dependency["pkg"])) {
                open.push(text(&dependency["pkg"]));
            }
        }
    }
    found
}

/// Without zeros at the end: `1.88` is `1.88.0`, and less than `1.88.1`.
fn version(text: &str) -> Version {
    text.trim_end_matches(".0").split('.').filter_map(|part| part.parse().ok()).collect()
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_dependency_of_a_dependency_that_requires_more_is_found() {
        let package = |name: &str, rust: Value| json!({ "id": name, "name": name, "version": "4.6.0", "rust_version": rust });
        let node = |id: &str, dependencies: &[(&str, Value)]| {
            let deps =
                dependencies.iter().map(|(id, kind)| json!({ "pkg": id, "dep_kinds": [{ "kind": kind }] }));
            json!({ "id": id, "deps": deps.collect::<Vec<_>>() })
        };
        let metadata = json!({
            "packages": [
                package("seamline-server", json!("1.88")),
                package("store", Value::Null),
                package("redb", json!("1.90")),
                package("tempfile", json!("1.95")),
            ],
            "resolve": { "nodes": [
                node("seamline-server", &[("store", Value::Null), ("tempfile", json!("dev"))]),
                node("store", &[("redb", Value::Null)]),
            ] },
        });
        assert_eq!(newer(&metadata), ["seamline-server requires Rust 1.88, but redb 4.6.0 requires 1.90"]);
    }

    #[test]
    fn versions_compare_by_number() {
        assert!(version("1.9") < version("1.88"));
        assert!(version("1.88") < version("1.88.1"));
        assert_eq!(version("1.88"), version("1.88.0"));
        assert!(version("") < version("1.0"));
    }
}
