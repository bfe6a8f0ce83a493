//! The manifests of the crates: what they require of those who depend on them.

use anyhow::{Result, bail};
use serde_json::Value;

use super::PACKAGES;
use crate::tools::cargo;

/// Whether the crates accept every compatible release of their dependencies. With `=1.2.3`, an application could not
/// use the next release of that dependency, nor another crate that requires it.
pub fn pins_nothing() -> Result<()> {
    let pinned = pinned(&cargo::manifests()?);
    match pinned.first() {
        None => Ok(()),
        Some(pinned) => bail!("{pinned}; require a range, and leave the version to Cargo.lock"),
    }
}

/// Whether the crates are plain libraries and programs. If one were a `cdylib` too, each dependent would link a wasm of
/// it that nobody uses.
pub fn are_rust_only() -> Result<()> {
    match c_libraries(&cargo::manifests()?).first() {
        None => Ok(()),
        Some(name) => {
            bail!("{name} has the crate type cdylib; give it to the build that needs it, as pack.rs does")
        }
    }
}

fn c_libraries(metadata: &Value) -> Vec<String> {
    let of = |target: &Value| array(&target["crate_types"]).iter().any(|kind| kind == "cdylib");
    let packages = crates(metadata).into_iter();
    packages.filter(|package| array(&package["targets"]).iter().any(of)).map(|it| name(&it)).collect()
}

/// The dependencies of the crates, without those of their tests, that accept one version only.
fn pinned(metadata: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for package in crates(metadata) {
        for dependency in array(&package["dependencies"]) {
            let requirement = dependency["req"].as_str().unwrap_or_default();
            if dependency["kind"] != "dev" && requirement.starts_with('=') {
                found.push(format!("{} pins {} {requirement}", name(&package), name(&dependency)));
            }
        }
    }
    found
}

fn crates(metadata: &Value) -> Vec<Value> {
    let is_ours = |package: &Value| PACKAGES.iter().any(|name| package["name"] == *name);
    array(&metadata["packages"]).into_iter().filter(is_ours).collect()
}

fn array(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn name(value: &Value) -> String {
    value["name"].as_str().unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_exact_requirements_of_the_crates_count() {
        let dependency =
            |name: &str, req: &str, kind: Value| json!({ "name": name, "req": req, "kind": kind });
        let dependencies = json!([
            dependency("wasm-bindgen", "=0.2.130", Value::Null),
            dependency("serde", "^1", Value::Null),
            dependency("tempfile", "=3.0.0", json!("dev")),
        ]);
        let metadata = json!({ "packages": [
            { "name": "seamline", "dependencies": dependencies },
            { "name": "xtask", "dependencies": dependencies },
        ] });
        assert_eq!(pinned(&metadata), ["seamline pins wasm-bindgen =0.2.130"]);
    }

    #[test]
    fn a_crate_of_type_cdylib_is_found() {
        let package =
            |name: &str, types: Value| json!({ "name": name, "targets": [{ "crate_types": types }] });
        let metadata = json!({ "packages": [
            package("seamline", json!(["cdylib", "rlib"])),
            package("seamline-server", json!(["lib"])),
        ] });
        assert_eq!(c_libraries(&metadata), ["seamline"]);
    }
}
