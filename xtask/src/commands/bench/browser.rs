//! The parts that run in headless Chromium: `bench/runner` measures, and this builds and installs what it needs.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use super::peers;
use crate::commands::pack;
use crate::tools::requirements::{self, Part};
use crate::tools::{browser, paths, run, shell};

/// Options of a part that runs in a page.
#[derive(clap::Args, Clone, Default)]
pub struct PageArgs {
    #[command(flatten)]
    common: Common,

    /// Round trip times in milliseconds, such as `0,100`
    #[arg(long, value_name = "MS")]
    rtt: Option<String>,
}

/// Options of every part.
#[derive(clap::Args, Clone, Default)]
pub struct Common {
    /// Number of rounds; ours and theirs alternate in each [default: 5, with --quick 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=99))]
    rounds: Option<u64>,

    /// Measure less, to see that it works
    #[arg(long)]
    pub quick: bool,

    /// Measure only those whose names begin so, such as `ours,raw`; `ours` stands for Seamline's
    #[arg(long, value_name = "NAMES")]
    pub only: Option<String>,

    #[command(flatten)]
    pub builds: Builds,
}

impl Common {
    /// How many rounds there are.
    pub fn rounds(&self) -> u64 {
        self.rounds.unwrap_or(if self.quick { 2 } else { 5 })
    }

    /// Whether `--only` leaves some whose names begin so.
    fn measures(&self, name: &str) -> bool {
        let Some(only) = &self.only else { return true };
        only.split(',').any(|one| one.starts_with(name) || name.starts_with(one))
    }
}

/// What to measure instead of what is built from this checkout.
#[derive(clap::Args, Clone, Default)]
pub struct Builds {
    /// The seamline-server binary [default: builds this checkout's]
    #[arg(long, value_name = "FILE")]
    pub server: Option<PathBuf>,

    /// The npm package: a tarball, or the folder that it was unpacked into [default: packs this checkout's]
    #[arg(long, value_name = "PATH")]
    package: Option<PathBuf>,

    /// Measure this seamline-server, too, as `before` [default with --before-package: the same server]
    #[arg(long, value_name = "FILE")]
    pub before_server: Option<PathBuf>,

    /// Measure this npm package, too, as `before` [default with --before-server: the same package]
    #[arg(long, value_name = "PATH")]
    before_package: Option<PathBuf>,
}

/// Runs a part in a page.
pub fn command(part: &str, PageArgs { common, rtt }: &PageArgs) -> Result<ExitCode> {
    run_part(part, common, &[("--rtt", rtt.as_deref())])
}

/// Runs a part of `bench/runner`, with options of its own.
pub fn run_part(part: &str, args: &Common, options: &[(&str, Option<&str>)]) -> Result<ExitCode> {
    requirements::ensure(&[Part::Node, Part::NpmPackages, Part::Chromium])?;
    let mut node = shell::command("node");
    node.arg(paths::root().join("bench/runner/run.mjs")).arg(part);
    node.env("CHROMIUM", browser::chromium()?).current_dir(paths::root());
    node.args(["--rounds", &args.rounds().to_string()]);
    if args.quick {
        node.arg("--quick");
    }
    for (name, value) in options.iter().chain(&[("--only", args.only.as_deref())]) {
        if let Some(value) = value {
            node.args([name, value]);
        }
    }
    node.arg("--dir").arg(super::dir()).arg("--peers").arg(peers::install()?);
    if args.measures("NATS") {
        node.arg("--nats").arg(peers::nats()?);
    }
    if args.measures("MQTT") {
        peers::mosquitto()?;
    }
    give_builds(&mut node, &args.builds)?;
    run::to_exit_code(&mut node)
}

/// Builds what is not given.
fn give_builds(node: &mut Command, builds: &Builds) -> Result<()> {
    let [server, link] = build(builds.server.is_none())?;
    let server = builds.server.clone().unwrap_or(server);
    let package = match &builds.package {
        Some(package) => package.clone(),
        None => pack::pack()?,
    };
    let before = [("--before-server", &builds.before_server), ("--before-package", &builds.before_package)];
    let given = before.into_iter().filter_map(|(name, path)| Some((name, path.as_ref()?)));
    for (name, path) in [("--server", &server), ("--package", &package)].into_iter().chain(given) {
        node.arg(name).arg(absolute(path)?);
    }
    node.arg("--link").arg(link);
    if let (None, None) = (&builds.server, &builds.package) {
        name_commit(node);
    }
    Ok(())
}

/// Passes on which commit was built.
pub fn name_commit(node: &mut Command) {
    if let Some(commit) = shell::output(shell::command("git").args(["rev-parse", "--short", "HEAD"])) {
        node.args(["--built", &commit]);
    }
}

/// The path, from wherever the runner is started.
pub fn absolute(path: &Path) -> Result<PathBuf> {
    match path.canonicalize() {
        Ok(path) => Ok(path),
        Err(error) => bail!("cannot find {}: {error}", path.display()),
    }
}

/// Builds the links and, if it is not given, the server, with the optimizer.
pub fn build(with_server: bool) -> Result<[PathBuf; 2]> {
    let mut cargo = shell::cargo();
    cargo.args(["build", "--release", "-p", "seamline-bench"]);
    if with_server {
        cargo.args(["-p", "seamline-server"]);
    }
    run::step("build what is measured", &mut cargo, "Fix the errors in server/ or bench/.")?;
    Ok(["seamline-server", "seamline-link"].map(|name| paths::built("release", name)))
}
