//! The Rust toolchain that builds for wasm32-unknown-unknown.
//!
//! Tried in this order: the default toolchain, if it has the target; the toolchain that an earlier run linked;
//! `rustup target add`; and if rustup cannot reach its server, Debian's rustc with std built from Debian's source
//! (`wasm_std.rs`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::tools::progress::say;
use crate::tools::requirements::State;
use crate::tools::{apt, paths, run, shell, wasm_std};

/// The target.
pub const WASM: &str = "wasm32-unknown-unknown";

/// The name under which rustup knows Debian's rustc.
const LINKED: &str = "seamline-wasm";

/// How long rustup may try to fetch the target.
const RUSTUP_LIMIT: Duration = Duration::from_secs(180);

/// A toolchain that has the target's std.
pub struct Toolchain {
    /// For RUSTUP_TOOLCHAIN; `None` is the default one.
    name: Option<&'static str>,
    /// The linker, if the toolchain has none.
    linker: Option<PathBuf>,
    version: String,
    /// Whether the source of std is installed, from which a smaller std can be built.
    pub has_source: bool,
}

impl Toolchain {
    /// The toolchain on this machine, if there is one.
    pub fn find() -> Option<Toolchain> {
        Toolchain::with_std(None).or_else(|| {
            paths::on_path("rustup")?;
            Toolchain::with_std(Some(LINKED))
        })
    }

    /// The toolchain on this machine. Without one, the error asks for setup.
    pub fn get() -> Result<Toolchain> {
        Toolchain::find().context("no Rust toolchain for wasm32-unknown-unknown; run cargo xtask setup")
    }

    /// Makes a command that is cargo, or starts it, use this toolchain.
    pub fn apply(&self, command: &mut Command) {
        if let Some(name) = self.name {
            command.env("RUSTUP_TOOLCHAIN", name);
        }
        if let Some(linker) = &self.linker {
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
    }

    fn with_std(name: Option<&'static str>) -> Option<Toolchain> {
        let probe = Probe::new(name)?;
        if !wasm_std::is_there(&probe.libdir, &probe.verbose_version) {
            return None;
        }
        let linker = if probe.has_linker() { None } else { Some(newest_linker()?) };
        let has_source = probe.sysroot.join("lib/rustlib/src/rust/library/std/Cargo.toml").is_file();
        Some(Toolchain { name, linker, version: probe.version(), has_source })
    }
}

/// What a rustc reports about itself.
pub struct Probe {
    /// `rustc -vV`.
    pub verbose_version: String,
    /// Where the target's std is, or would be.
    pub libdir: PathBuf,
    sysroot: PathBuf,
}

impl Probe {
    fn new(name: Option<&str>) -> Option<Probe> {
        let rustc = || {
            let mut rustc = shell::command("rustc");
            if let Some(name) = name {
                rustc.env("RUSTUP_TOOLCHAIN", name);
            }
            rustc
        };
        let verbose_version = shell::output(rustc().arg("-vV"))?;
        let printed =
            shell::output(rustc().args(["--print=sysroot", "--print=target-libdir", "--target", WASM]))?;
        let (sysroot, libdir) = printed.split_once('\n')?;
        Some(Probe { verbose_version, libdir: libdir.into(), sysroot: sysroot.into() })
    }

    fn version(&self) -> String {
        self.verbose_version.lines().next().unwrap_or_default().to_string()
    }

    fn has_linker(&self) -> bool {
        let host =
            self.verbose_version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
        let own = self.sysroot.join("lib/rustlib").join(host).join("bin");
        own.join(paths::program("rust-lld")).is_file() || paths::on_path("rust-lld").is_some()
    }
}

/// For doctor and setup.
pub fn state() -> State {
    match Toolchain::find() {
        Some(found) => {
            let name = found.name.map(|name| format!(" (rustup toolchain {name})")).unwrap_or_default();
            State::Ready(format!("{} with {WASM}{name}", found.version))
        }
        None => {
            let mut plan = Vec::new();
            if paths::on_path("rustup").is_some() {
                plan.push(format!("run rustup target add {WASM}"));
            }
            if apt::is_usable() {
                plan.push("install Debian's rustc and build std for wasm from its source".into());
            }
            State::Missing(if plan.is_empty() {
                "stop and print how to install it".into()
            } else {
                plan.join(", or failing that ")
            })
        }
    }
}

/// For doctor and setup: the source of std.
pub fn source_state() -> State {
    match Toolchain::find() {
        Some(Toolchain { has_source: true, .. }) => State::Ready("installed".into()),
        _ => State::Missing("run rustup component add rust-src".into()),
    }
}

/// Installs the source of std. Without it the package is larger, so a failure is not an error.
pub fn install_source() -> Result<()> {
    let mut rustup = shell::command("rustup");
    rustup.args(["component", "add", "rust-src"]);
    if run::step_within("rustup component add rust-src", &mut rustup, RUSTUP_LIMIT, "").is_err() {
        say!("  rustup failed: the wasm will be 3 KB larger (gzip)");
    }
    Ok(())
}

/// Installs one.
pub fn install() -> Result<()> {
    let has_rustup = paths::on_path("rustup").is_some();
    if has_rustup {
        let mut rustup = shell::command("rustup");
        rustup.args(["target", "add", WASM]);
        let added = run::step_within(&format!("rustup target add {WASM}"), &mut rustup, RUSTUP_LIMIT, "");
        if added.is_ok() && Toolchain::find().is_some() {
            return Ok(());
        }
        if let Err(error) = added {
            let reason = format!("{error:#}");
            let reason = reason.lines().find(|line| line.contains("error")).unwrap_or("it took too long");
            say!("  rustup failed: {}", reason.trim_start_matches(['|', ' ']));
        }
    }
    if !apt::is_usable() {
        bail!(
            "cannot install a Rust toolchain for {WASM}.\n  \
             With rustup, run: rustup target add {WASM}\n  \
             Without rustup, install your distribution's package of std for {WASM}, and lld."
        );
    }
    install_from_debian(has_rustup)
}

fn install_from_debian(has_rustup: bool) -> Result<()> {
    if !Path::new("/usr/bin/rustc").exists() || newest_linker().is_none() || !wasm_std::source_is_there() {
        let lld = apt::newest("lld").unwrap_or_else(|| "lld".into());
        apt::install(
            "Debian's rustc with its source, and lld",
            &["rustc-web", "cargo-web", "rust-web-src", &lld],
        )?;
    }
    let name = has_rustup.then_some(LINKED);
    if has_rustup && Probe::new(name).is_none() {
        let mut link = shell::command("rustup");
        link.args(["toolchain", "link", LINKED, "/usr"]);
        run::step(
            &format!("rustup toolchain link {LINKED} /usr"),
            &mut link,
            "Check that /usr/bin/rustc exists.",
        )?;
    }
    let probe = Probe::new(name).context("Debian's rustc does not run; try /usr/bin/rustc --version")?;
    wasm_std::build(name, &probe)?;
    Toolchain::with_std(name)
        .context("the new toolchain does not build for wasm; check that lld is installed")
        .map(drop)
}

/// The newest wasm-ld: its LLVM must not be older than rustc's.
fn newest_linker() -> Option<PathBuf> {
    let dirs = std::env::split_paths(&std::env::var_os("PATH")?).collect::<Vec<_>>();
    let entries = dirs.iter().flat_map(|dir| fs::read_dir(dir).into_iter().flatten().flatten());
    let linkers = entries.filter_map(|entry| Some((linker_rank(entry.file_name().to_str()?)?, entry.path())));
    linkers.max_by_key(|(rank, _)| *rank).map(|(_, path)| path)
}

/// `wasm-ld-22` before `wasm-ld-19`, and both before an unnumbered `wasm-ld`.
fn linker_rank(name: &str) -> Option<u32> {
    match name.strip_prefix("wasm-ld")? {
        "" => Some(0),
        version => version.strip_prefix('-')?.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_numbered_linker_ranks_highest() {
        assert!(linker_rank("wasm-ld-22") > linker_rank("wasm-ld-9"));
        assert!(linker_rank("wasm-ld-9") > linker_rank("wasm-ld"));
        for other in ["ld", "wasm-ldd", "wasm-ld-", "wasm-ld-x"] {
            assert_eq!(linker_rank(other), None, "{other}");
        }
    }
}
