//! The package for JSR, as `deno publish` reads it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::tools::checks::Check;
use crate::tools::{npm, paths, run, shell};

/// From npm: it needs no installation, and JSR's own checks are part of it.
const DENO: &str = "deno@2.9.6";
const CHECK_WITHIN: Duration = Duration::from_secs(300);

/// The folder to publish.
pub fn folder() -> PathBuf {
    paths::target().join("jsr")
}

/// Makes the folder out of js/dist, and checks it.
pub fn checks() -> Vec<Check> {
    vec![("JSR takes the package, with fast types", make().and_then(|()| dry_run()))]
}

fn make() -> Result<()> {
    let mut node = shell::command("node");
    node.current_dir(paths::js()).arg("build/jsr.mjs").arg(folder());
    run::step("the package for JSR", &mut node, "See js/build/jsr.mjs.")
}

fn dry_run() -> Result<()> {
    let mut npm = npm::command()?;
    npm.current_dir(folder()).env("NO_COLOR", "1");
    npm.args(["exec", "--yes", DENO, "--", "publish", "--dry-run", "--allow-dirty"]);
    let (passed, output) = run::quietly(&mut npm, CHECK_WITHIN)?;
    if !passed {
        bail!("`{}` failed\n{output}", shell::show(&npm));
    }
    Ok(())
}
