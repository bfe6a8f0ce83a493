//! `cargo xtask size`: prints the size of everything that a page downloads.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::commands::pack;
use crate::tools::progress::say;
use crate::tools::{files, paths, shell};

/// The budget of the whole client, gzipped.
const GZIP_BYTES_MAX: u64 = 32 * 1024;

/// Node is required anyway, and has both compressions.
const COMPRESS: &str = r#"
const { gzipSync, brotliCompressSync } = require("zlib");
const sizes = process.argv.slice(1).map((file) => {
  const bytes = require("fs").readFileSync(file);
  return [bytes.length, gzipSync(bytes, { level: 9 }).length, brotliCompressSync(bytes).length];
});
console.log(JSON.stringify(sizes));
"#;

/// Options of `size`.
#[derive(clap::Args)]
pub struct Args {
    /// Fail if the client is over its budget of 32 KB gzip
    #[arg(long)]
    check: bool,
}

/// `cargo xtask size`.
pub fn command(args: Args) -> Result<ExitCode> {
    let (over, text) = match measure()? {
        0 => (false, format!("within the budget of {} KB gzip", kb(GZIP_BYTES_MAX))),
        over => (true, format!("{} KB over the budget of {} KB gzip", kb(over), kb(GZIP_BYTES_MAX))),
    };
    if over && args.check {
        bail!("the client is {text}");
    }
    say!("\n{text}");
    Ok(ExitCode::SUCCESS)
}

/// The script and the wasm of the plain dialect. Only a page that uses it downloads them.
const ON_DEMAND: [&str; 2] = ["plain.js", "seamline-plain.wasm"];

/// Builds the package, prints its size, and returns by how many bytes it is over the budget.
pub fn measure() -> Result<u64> {
    pack::pack()?;
    let dist = paths::js().join("dist");
    let files = downloaded(&dist)?;
    let on_demand = |file: &&PathBuf| ON_DEMAND.iter().any(|name| **file == dist.join(name));
    let (plain, every): (Vec<_>, Vec<_>) = files.iter().partition(|file| on_demand(file));
    let bytes = show("what a page downloads", &dist, &every)?;
    // The script is the same. The wasm replaces the default one.
    let scripts = every.into_iter().filter(|file| file.extension().is_some_and(|ext| ext != "wasm"));
    show(
        "what a page with `dialect: \"plain\"` downloads",
        &dist,
        &scripts.chain(plain).collect::<Vec<_>>(),
    )?;
    Ok(bytes.saturating_sub(GZIP_BYTES_MAX))
}

/// Prints the sizes of these files, and returns their gzipped bytes.
fn show(title: &str, dist: &Path, files: &[&PathBuf]) -> Result<u64> {
    say!("\n{title:<42} {:>9} {:>9} {:>9}", "raw", "gzip", "brotli");
    let mut total = [0; 3];
    for (file, size) in files.iter().zip(sizes(files)?) {
        let name = file.strip_prefix(dist).unwrap_or(file).display().to_string();
        say!("{name:<42} {:>9} {:>9} {:>9}", size[0], size[1], size[2]);
        for (sum, bytes) in total.iter_mut().zip(size) {
            *sum += bytes;
        }
    }
    say!("{:<42} {:>9} {:>9} {:>9}", "total, bytes", total[0], total[1], total[2]);
    say!("{:<42} {:>9} {:>9} {:>9}", "total, KB", kb(total[0]), kb(total[1]), kb(total[2]));
    Ok(total[1])
}

fn kb(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1024.0)
}

/// `index.js`, what it imports, and the wasm.
fn downloaded(dist: &Path) -> Result<Vec<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut open = vec![dist.join("index.js")];
    while let Some(file) = open.pop() {
        if !found.insert(file.clone()) || file.extension().is_none_or(|ext| ext == "wasm") {
            continue;
        }
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let dir = file.parent().expect("a file lies in a directory");
        open.extend(
            relative_files(&text)
                .into_iter()
                .map(|name| paths::normalized(&dir.join(name)))
                .filter(|file| file.exists()),
        );
    }
    found.extend(
        files::below(dist).into_iter().filter(|file| file.extension().is_some_and(|ext| ext == "wasm")),
    );
    Ok(found.into_iter().collect())
}

/// The relative paths of scripts and wasm in string literals: those of `import … from`, `import()` and `new URL()`.
fn relative_files(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for quote in ['"', '\'', '`'] {
        let literals =
            text.split(quote).filter(|literal| literal.starts_with("./") || literal.starts_with("../"));
        found.extend(literals.filter(|name| {
            !name.contains('\n') && [".js", ".mjs", ".wasm"].iter().any(|ext| name.ends_with(ext))
        }));
    }
    found
}

/// Raw, gzip and brotli bytes of each file.
fn sizes(files: &[&PathBuf]) -> Result<Vec<[u64; 3]>> {
    let printed = shell::output(shell::command("node").args(["-e", COMPRESS]).args(files));
    let rows: Value = serde_json::from_str(&printed.context("node cannot compress the files")?)?;
    let row = |row: &Value| Some([row[0].as_u64()?, row[1].as_u64()?, row[2].as_u64()?]);
    rows.as_array().and_then(|rows| rows.iter().map(row).collect()).context("node printed no sizes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_of_every_form_are_found() {
        let text = r#"import{a}from"./a.js";export * from './b.mjs'; await import("../c.js");
            new URL("./seamline.wasm",import.meta.url); import "seamline"; const x = "./not a file";"#;
        assert_eq!(relative_files(text), ["./a.js", "../c.js", "./seamline.wasm", "./b.mjs"]);
    }
}
