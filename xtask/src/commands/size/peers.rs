//! `cargo xtask size --peers`: the package beside other libraries, in `docs/SIZE.md`.
//!
//! All are installed from npm into a folder below `target/`, and bundled with the same options in the same run.

mod list;
mod page;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use self::list::{OURS, PEERS, Peer};
use super::compressed::{self, Size, kb};
use super::entries::Entry;
use super::rust;
use crate::tools::progress::say;
use crate::tools::{files, npm, paths, run, shell};

const PAGE: &str = "docs/SIZE.md";

/// As an application is built for browsers. What the framework entries import counts as the application's.
const ESBUILD: [&str; 6] = [
    "--bundle",
    "--minify",
    "--format=esm",
    "--platform=browser",
    "--define:process.env.NODE_ENV=\"production\"",
    "--external:react",
];

/// A library as it was measured.
struct Measured {
    peer: &'static Peer,
    version: String,
    size: Size,
}

/// Measures the others and the packed tarball, prints the table, and writes the page.
pub fn compare(tarball: &Path, entries: &[Entry]) -> Result<()> {
    let folder = install(tarball)?;
    let peers = OURS.iter().chain(&PEERS);
    let mut measured: Vec<_> = peers.map(|peer| measure(&folder, peer)).collect::<Result<_>>()?;
    measured.sort_by_key(|measured| measured.size.gzip);
    say!("\n{:<42} {:>10} {:>9} {:>9} {:>9}", "bundled, KB", "version", "raw", "gzip", "brotli");
    for Measured { peer, version, size } in &measured {
        say!(
            "{:<42} {version:>10} {:>9} {:>9} {:>9}",
            peer.name,
            kb(size.raw),
            kb(size.gzip),
            kb(size.brotli)
        );
    }
    let today = node("new Date().toISOString().slice(0, 10)")?;
    let esbuild = version(&paths::js(), "esbuild")?;
    let file = paths::root().join(PAGE);
    let old = fs::read_to_string(&file).with_context(|| format!("cannot read {PAGE}"))?;
    // `--rust` measures those.
    let page = page::page(&measured, entries, &today, &esbuild).replace("{{rust}}", &rust::table(&old)?);
    files::write_if_changed(&file, page.as_bytes())?;
    say!("\n{PAGE} is written");
    Ok(())
}

/// Installs the tarball and the newest version of each other library.
fn install(tarball: &Path) -> Result<PathBuf> {
    let folder = paths::target().join("size-peers");
    files::write_if_changed(&folder.join("package.json"), b"{ \"private\": true, \"type\": \"module\" }\n")?;
    let packages = PEERS.iter().flat_map(|peer| peer.packages).map(|name| format!("{name}@latest"));
    let mut npm = npm::command()?;
    npm.current_dir(&folder).args(["install", "--no-audit", "--no-fund", "--no-save", "--ignore-scripts"]);
    npm.args(["--legacy-peer-deps", "--no-package-lock"]).arg(tarball).args(packages);
    run::step("npm install of the others", &mut npm, "Check that the npm registry is reachable.")?;
    Ok(folder)
}

fn measure(folder: &Path, peer: &'static Peer) -> Result<Measured> {
    let name = peer.name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let (script, bundle) = (folder.join(format!("{name}.mjs")), folder.join(format!("{name}.bundle.js")));
    files::write_if_changed(&script, peer.script.as_bytes())?;
    let mut esbuild = shell::command(npm::bin("esbuild"));
    esbuild.args(ESBUILD).arg(&script).arg(format!("--outfile={}", bundle.display()));
    run::step(
        &format!("esbuild {}", peer.name),
        &mut esbuild,
        "Its interface may have changed: see xtask/src/commands/size/peers/list.rs.",
    )?;
    let size = compressed::sizes(&[bundle])?.into_iter().sum();
    Ok(Measured { peer, version: version(folder, peer.packages[0])?, size })
}

/// The version of a package that is installed in a folder.
fn version(folder: &Path, package: &str) -> Result<String> {
    let manifest = folder.join("node_modules").join(package).join("package.json");
    let text = fs::read(&manifest).with_context(|| format!("cannot read {}", paths::shown(&manifest)))?;
    let manifest: Value = serde_json::from_slice(&text)?;
    manifest["version"].as_str().map(String::from).with_context(|| format!("{package} has no version"))
}

/// What node prints for an expression.
fn node(expression: &str) -> Result<String> {
    let printed = shell::output(shell::command("node").args(["-p", expression]));
    Ok(printed.context("node is missing")?.trim().to_string())
}
