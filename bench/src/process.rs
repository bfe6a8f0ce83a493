//! A server's process, and what the kernel says of it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::Args;
use crate::peer::Kind;

const START_TIMEOUT: Duration = Duration::from_secs(30);
const RETRY_PAUSE: Duration = Duration::from_millis(50);
/// Until a garbage collection that was asked for is done.
const GC_PAUSE: Duration = Duration::from_millis(1500);
/// Linux counts a process's time in these (`CLK_TCK`).
const TICKS_PER_SECOND: f64 = 100.0;

/// A running server, with an empty log. Ended when dropped.
pub struct Server {
    pub kind: Kind,
    pub port: u16,
    pid: u32,
    child: Child,
    directory: TempDir,
}

impl Server {
    pub async fn start(kind: Kind, args: &Args) -> Result<Server> {
        let directory = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
        let mut command = match kind {
            Kind::Seamline => seamline(&args.seamline, port, directory.path()),
            Kind::SocketIo => socketio(&args.socketio, port),
        };
        let output = std::fs::File::create(directory.path().join("output"))?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("cannot start {kind}"))?;
        let pid = child.id().context("it ended at once")?;
        let mut server = Server { kind, port, pid, child, directory };
        server.wait_until_it_listens().await?;
        Ok(server)
    }

    async fn wait_until_it_listens(&mut self) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < START_TIMEOUT && self.child.try_wait()?.is_none() {
            if TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return Ok(());
            }
            sleep(RETRY_PAUSE).await;
        }
        let output = std::fs::read_to_string(self.directory.path().join("output")).unwrap_or_default();
        bail!("{} does not start:\n{output}", self.kind)
    }

    /// Makes memory what is in use: Node is asked for a full garbage collection.
    pub async fn collect_garbage(&self) -> Result<()> {
        if self.kind == Kind::SocketIo {
            Command::new("kill").args(["-USR2", &self.pid.to_string()]).status().await?;
            sleep(GC_PAUSE).await;
        }
        Ok(())
    }

    /// Resident memory, in bytes.
    pub fn memory(&self) -> Result<f64> {
        self.status("VmRSS:")
    }

    /// The most it had since [`forget_peak`](Self::forget_peak).
    pub fn peak_memory(&self) -> Result<f64> {
        self.status("VmHWM:")
    }

    /// See proc(5), `clear_refs`.
    pub fn forget_peak(&self) -> Result<()> {
        std::fs::write(format!("/proc/{}/clear_refs", self.pid), "5").context("cannot reset VmHWM")
    }

    fn status(&self, name: &str) -> Result<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line =
            text.lines().find_map(|line| line.strip_prefix(name)).context("not in /proc/PID/status")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib * 1024.0)
    }

    /// Processor time that it has used, of all threads, in seconds.
    pub fn cpu_seconds(&self) -> Result<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        // The name in parentheses may have spaces; `utime` and `stime` are the 14th and 15th field of all.
        let (_, rest) = text.rsplit_once(')').context("/proc/PID/stat is not as expected")?;
        let ticks = rest.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        Ok(ticks.sum::<Result<u64, _>>()? as f64 / TICKS_PER_SECOND)
    }
}

fn seamline(program: &Path, port: u16, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["--listen", &format!("127.0.0.1:{port}"), "--data"]).arg(directory.join("log"));
    // All come from one address, and one socket publishes for all.
    command.args(["--max-connections-per-ip", "0", "--max-publishes-per-second", "0"]);
    // Each of its options is a variable, too; it is measured with these here.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SEAMLINE_")) {
        command.env_remove(name);
    }
    command
}

fn socketio(script: &Path, port: u16) -> Command {
    let mut command = Command::new("node");
    command.arg("--expose-gc").arg(script).arg(port.to_string()).env("NODE_ENV", "production");
    command
}
