//! How `redis-server` is started, alone or in a set, and commands for it.

#[cfg(feature = "net")]
pub mod cluster;
#[cfg(feature = "net")]
pub mod sentinel;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;
#[cfg(feature = "net")]
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// The program, on the PATH.
pub const PROGRAM: &str = "redis-server";

/// How long a change may take.
#[cfg(feature = "net")]
const PATIENCE: Duration = Duration::from_secs(60);

/// Arguments for a Redis that keeps what it has acknowledged, even if it is killed.
pub fn durable(port: &str, directory: &Path) -> Vec<String> {
    let directory = directory.display().to_string();
    let args = ["--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", &directory];
    [&args[..], &["--appendonly", "yes", "--appendfsync", "always"]]
        .concat()
        .into_iter()
        .map(Into::into)
        .collect()
}

/// Waits for a condition; an error means that it is not met.
#[cfg(feature = "net")]
async fn until(what: &str, mut condition: impl FnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !condition().unwrap_or(false) {
        ensure!(start.elapsed() < PATIENCE, "timed out waiting for {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Runs a command with `redis-cli`, which Debian installs with the server. An error in the answer is an error.
pub fn cli(port: u16, command: &[&str]) -> Result<String> {
    let mut cli = Command::new("timeout"); // a Redis that is paused never answers
    cli.args(["5", "redis-cli", "-e", "-p", &port.to_string()]).args(command);
    let output = cli.output().context("cannot run redis-cli")?;
    let answer = String::from_utf8_lossy(&output.stdout).trim_end().replace('\r', "");
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {answer}{error}");
    Ok(answer)
}

/// Closes the pub/sub connections, and no others.
pub fn close_pub_sub(port: u16) -> std::io::Result<()> {
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    connection.write_all(b"CLIENT KILL TYPE pubsub\r\nQUIT\r\n")?;
    connection.read_to_end(&mut Vec::new())?;
    Ok(())
}
