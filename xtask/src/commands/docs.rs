//! `cargo xtask docs`: builds the documentation's site into target/docs/, and checks it.
//!
//! Three generators: TypeDoc writes the JavaScript API as pages, VitePress makes the site of them and of docs/, and
//! rustdoc's pages are copied beside it. The checks are Node scripts in docs/tools/.

use std::fs;
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::commands::{demo, pack};
use crate::tools::progress::say;
use crate::tools::stamp::Stamp;
use crate::tools::tally::Tally;
use crate::tools::toolchain::WASM;
use crate::tools::{browser, cargo, files, npm, paths, run, server, shell};

const PORT: u16 = 4173;

/// Options of `docs`.
#[derive(clap::Args)]
pub struct Args {
    /// Also check every kind of page for accessibility with axe, in Chromium
    #[arg(long)]
    axe: bool,

    /// Also run the programs in the guides (curl, Node, Python, Rust) against a real server; takes minutes at first
    #[arg(long)]
    run_code: bool,

    /// Serve the site after the checks
    #[arg(long)]
    serve: bool,

    /// Serve the site and open it in the default browser
    #[arg(long)]
    open: bool,

    /// Port to serve the site on
    #[arg(long, value_name = "P", default_value_t = PORT)]
    port: u16,
}

/// `cargo xtask docs`.
pub fn command(args: Args) -> Result<ExitCode> {
    tests()?;
    if args.run_code {
        let server = ("SEAMLINE_SERVER", server::build()?);
        check("run the code in the guides", "run-code.mjs", &[server], "Correct the code blocks.")?;
    }
    if args.axe {
        let chromium = ("CHROMIUM", browser::chromium()?);
        check("check the accessibility", "check-axe.mjs", &[chromium], "Correct the pages.")?;
    }
    say!("\n{}", paths::shown(&site().join("index.html")));
    if args.serve || args.open { serve(args.port, args.open) } else { Ok(ExitCode::SUCCESS) }
}

fn docs() -> PathBuf {
    paths::root().join("docs")
}

fn site() -> PathBuf {
    paths::target().join("docs")
}

/// The group `docs` of the tests: the site can be built, its links lead somewhere, and the code in it compiles.
pub fn tests() -> Result<Tally> {
    build()?;
    check("check the links", "check-links.mjs", &[], "Correct the links.")?;
    check("compile the code in the guides", "check-types.mjs", &[], "Correct the code blocks.")?;
    Ok(Tally::passed(3))
}

fn build() -> Result<()> {
    pack::pack()?; // the types that TypeDoc reads
    install()?;
    if site().exists() {
        fs::remove_dir_all(site()).with_context(|| format!("cannot empty {}", site().display()))?;
    }
    step("describe the JavaScript API", "typedoc", &[], "Correct the comments in js/src/.")?;
    step("build the site", "vitepress", &["build"], "Correct the pages in docs/.")?;
    rust_api()
}

/// Installs docs/node_modules.
fn install() -> Result<()> {
    let lock = docs().join("package-lock.json");
    Stamp::new("docs-packages", "npm ci", vec![lock], vec![docs().join("node_modules")]).renew(|| {
        let mut npm = npm::command()?;
        npm.current_dir(docs()).args(["ci", "--no-audit", "--no-fund"]);
        run::step("npm ci in docs/", &mut npm, "Check that the npm registry is reachable.")
    })?;
    Ok(())
}

/// Runs an installed program in docs/.
fn step(what: &str, program: &str, args: &[&str], hint: &str) -> Result<()> {
    let mut command = shell::command(docs().join("node_modules/.bin").join(program));
    run::step(what, command.args(args).current_dir(docs()), hint)
}

/// rustdoc's pages of the crate, as docs.rs shows them.
fn rust_api() -> Result<()> {
    let mut doc = cargo::for_wasm()?;
    doc.args(["doc", "-p", "seamline", "--no-deps", "--quiet", "--target", WASM]);
    run::step("describe the Rust API", &mut doc, "Correct the comments in src/.")?;
    files::copy(&paths::wasm_target().join(WASM).join("doc"), &site().join("rust"))
}

/// Runs a script of docs/tools/.
fn check(what: &str, script: &str, env: &[(&str, PathBuf)], hint: &str) -> Result<()> {
    let mut node = shell::command("node");
    node.arg(docs().join("tools").join(script)).env("SEAMLINE_SITE", site()).envs(env.iter().cloned());
    run::step(what, &mut node, hint)
}

/// Serves the site until it is stopped.
fn serve(port: u16, open: bool) -> Result<ExitCode> {
    if open {
        demo::open_later(&format!("http://127.0.0.1:{port}/"))?;
    }
    let mut node = shell::command("node");
    node.arg(docs().join("tools/serve.mjs")).arg(port.to_string()).env("SEAMLINE_SITE", site());
    let status = node.stdin(Stdio::null()).status().context("cannot start node")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
