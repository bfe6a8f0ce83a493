//! Ports and signals, and what the kernel says about a process.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::{fs, io};

use anyhow::{Context, Result, ensure};

/// A port of this machine on which nothing listens. Another process may take it before you do.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Sends a signal, such as `-STOP`.
pub fn signal(pid: u32, signal: &str) -> Result<()> {
    let status =
        Command::new("kill").args([signal, &pid.to_string()]).status().context("cannot run `kill`")?;
    ensure!(status.success(), "`kill {signal} {pid}` failed ({status})");
    Ok(())
}

/// A memory figure of a process, such as `VmRSS` (resident) or `VmHWM` (the peak of that), in units of 1024 bytes.
pub fn memory_kib(pid: u32, figure: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    kib(&status, figure).with_context(|| format!("/proc/{pid}/status has no {figure}"))
}

fn kib(status: &str, figure: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':'))?;
    value.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_figures_are_found_by_their_whole_name() {
        let status = "Name:\tx y\nVmRSSx:\t 1 kB\nVmRSS:\t   5120 kB\n";
        assert_eq!(kib(status, "VmRSS"), Some(5120));
        assert_eq!(kib(status, "VmHWM"), None);
    }

    #[test]
    fn a_free_port_can_be_bound() {
        let port = free_port().expect("a port is free");
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("nothing listens there");
    }
}
