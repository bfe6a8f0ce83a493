//! Debian's packages.

use std::env;
use std::process::Command;

use anyhow::{Result, bail};

use crate::tools::{paths, run, shell};

/// Another apt may hold the lock, and a server may fail once.
const RETRY: [&str; 4] = ["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"];

/// Whether packages can be installed: apt exists, and this user is root or can use sudo.
pub fn is_usable() -> bool {
    paths::on_path("apt-get").is_some() && (is_root() || paths::on_path("sudo").is_some())
}

/// Installs packages. If a package is not in the package lists, the lists are fetched first.
pub fn install(what: &str, packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    if !is_usable() {
        bail!("{what} is missing. Install it, or run as root: apt-get install {names}");
    }
    let hint = format!("Try: apt-get update && apt-get install --no-install-recommends {names}");
    let known = packages.iter().all(|package| is_known(package));
    if !known {
        update(&hint)?;
    }
    let first = run::step(&format!("install {what} ({names})"), &mut apt_install(packages), &hint);
    match first {
        Err(_) if known => {
            // The lists were old: the server no longer has what they name.
            update(&hint)?;
            run::step(&format!("install {what} again"), &mut apt_install(packages), &hint)
        }
        done => done,
    }
}

/// Stops a service that a package has started, and does not start it again.
pub fn disable(service: &str) {
    // Containers have neither program, and do not need them: ignore errors.
    let _ = shell::output(as_root("invoke-rc.d").args([service, "stop"]));
    let _ = shell::output(as_root("update-rc.d").args([service, "disable"]));
}

/// The newest of the packages `base-1`, `base-2`, …
pub fn newest(base: &str) -> Option<String> {
    let search = || {
        let pattern = format!("^{base}-[0-9]+$");
        let listed = shell::output(shell::command("apt-cache").args(["search", "--names-only", &pattern]))?;
        highest(base, &listed).map(|version| format!("{base}-{version}"))
    };
    search().or_else(|| {
        update("Check the network.").ok()?;
        search()
    })
}

fn highest(base: &str, listed: &str) -> Option<u32> {
    let names = listed.lines().filter_map(|line| line.split_whitespace().next());
    names.filter_map(|name| name.strip_prefix(base)?.strip_prefix('-')?.parse().ok()).max()
}

fn update(hint: &str) -> Result<()> {
    run::step("apt-get update", as_root("apt-get").args(RETRY).arg("update"), hint)
}

fn apt_install(packages: &[&str]) -> Command {
    let mut apt = as_root("apt-get");
    apt.args(RETRY)
        .args(["install", "-y", "--no-install-recommends"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive");
    apt
}

fn is_known(package: &str) -> bool {
    shell::output(shell::command("apt-cache").args(["show", "--no-all-versions", package]))
        .is_some_and(|text| !text.is_empty())
}

pub fn as_root(program: &str) -> Command {
    if is_root() {
        return shell::command(program);
    }
    let mut sudo = shell::command("sudo");
    if env::var_os("CI").is_some() {
        sudo.arg("-n"); // never ask
    }
    sudo.arg(program);
    sudo
}

fn is_root() -> bool {
    shell::output(shell::command("id").arg("-u")).as_deref() == Some("0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_number_is_the_newest_version() {
        let listed = "lld-9 - LLVM-based linker\nlld-22 - LLVM-based linker\nlld-19 - LLVM-based linker\nlldb-30 - x\n";
        assert_eq!(highest("lld", listed), Some(22));
        assert_eq!(highest("lld", ""), None);
    }
}
