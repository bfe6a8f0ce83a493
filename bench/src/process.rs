//! A server's process, and what the kernel says about it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use seamline_test_support::process::Process;
use seamline_test_support::system;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::Args;
use crate::peer::Kind;

/// How long a garbage collection takes.
const GC_PAUSE: Duration = Duration::from_millis(1500);
/// The unit in which Linux counts the time of a process (`CLK_TCK`).
const TICKS_PER_SECOND: f64 = 100.0;

/// A running server, with an empty log. It is killed when this is dropped.
pub struct Server {
    pub kind: Kind,
    pub port: u16,
    pid: u32,
    _process: Process,
    _directory: TempDir,
}

impl Server {
    pub async fn start(kind: Kind, args: &Args) -> Result<Server> {
        let directory = tempfile::tempdir()?;
        let output = directory.path().join("output");
        let process = match kind {
            Kind::Seamline => {
                Process::start(&args.seamline, &seamline_args(directory.path()), output).await?
            }
            Kind::SocketIo => {
                Process::start(Path::new("env"), &socketio_args(&args.socketio), output).await?
            }
        };
        let pid = process.id().with_context(|| format!("{kind} is not running"))?;
        Ok(Server { kind, port: process.port, pid, _process: process, _directory: directory })
    }

    /// Asks Node for a full garbage collection, so that its memory is what it uses.
    pub async fn collect_garbage(&self) -> Result<()> {
        if self.kind == Kind::SocketIo {
            system::signal(self.pid, "-USR2")?;
            sleep(GC_PAUSE).await;
        }
        Ok(())
    }

    /// Resident memory, in bytes.
    pub fn memory(&self) -> Result<f64> {
        self.memory_bytes("VmRSS")
    }

    /// The peak of its resident memory since [`reset_peak_memory`](Self::reset_peak_memory), in bytes.
    pub fn peak_memory(&self) -> Result<f64> {
        self.memory_bytes("VmHWM")
    }

    /// See proc(5), `clear_refs`.
    pub fn reset_peak_memory(&self) -> Result<()> {
        std::fs::write(format!("/proc/{}/clear_refs", self.pid), "5").context("cannot reset VmHWM")
    }

    fn memory_bytes(&self, figure: &str) -> Result<f64> {
        Ok(system::memory_kib(self.pid, figure)? as f64 * 1024.0)
    }

    /// The processor time of all its threads, in seconds.
    pub fn cpu_seconds(&self) -> Result<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        // The name in parentheses may have spaces; `utime` and `stime` are the 14th and 15th field of all.
        let (_, rest) = text.rsplit_once(')').context("/proc/PID/stat is not as expected")?;
        let ticks = rest.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        Ok(ticks.sum::<Result<u64, _>>()? as f64 / TICKS_PER_SECOND)
    }
}

fn seamline_args(directory: &Path) -> Vec<String> {
    let data = directory.join("log").display().to_string();
    // All clients have one address, and one socket publishes for all.
    let limits = ["--max-connections-per-ip", "0", "--max-publishes-per-second", "0"];
    let args = [&["--listen", "127.0.0.1:{port}", "--data", &data][..], &limits].concat();
    args.into_iter().map(Into::into).collect()
}

/// For `env`, which becomes node.
fn socketio_args(script: &Path) -> Vec<String> {
    let script = script.display().to_string();
    ["NODE_ENV=production", "node", "--expose-gc", &script, "{port}"].map(Into::into).into()
}
