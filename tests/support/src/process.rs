//! A process that tests kill, pause and restart. It keeps its port for life, and dies with this process.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::server::without_settings;
use crate::system;

/// How long a process may take until it listens.
const START_TIMEOUT: Duration = Duration::from_secs(30);
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// A process that listens on a port of this machine.
pub struct Process {
    program: PathBuf,
    args: Vec<String>,
    output: PathBuf,
    /// Where it listens.
    pub port: u16,
    child: Option<Child>,
}

impl Process {
    /// Starts it, and waits until it takes connections. `{port}` in an argument stands for its port. Its output is
    /// appended to the file `output`.
    pub async fn start(program: &Path, args: &[impl AsRef<str>], output: PathBuf) -> Result<Process> {
        let port = system::free_port()?;
        let args = args.iter().map(|arg| arg.as_ref().replace("{port}", &port.to_string())).collect();
        let mut process = Process { program: program.to_owned(), args, output, port, child: None };
        process.restart().await?;
        Ok(process)
    }

    /// Starts it after [`kill`](Self::kill), and waits until it takes connections. A process that ends meanwhile is
    /// started again, as a service manager would do.
    pub async fn restart(&mut self) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < START_TIMEOUT {
            if !self.is_running()? {
                self.child = Some(self.spawn()?);
            }
            sleep(RETRY_PAUSE).await;
            if TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return Ok(());
            }
        }
        let output = std::fs::read_to_string(&self.output).unwrap_or_default();
        let last_lines = output.lines().rev().take(20).collect::<Vec<_>>();
        let last_lines = last_lines.into_iter().rev().collect::<Vec<_>>().join("\n");
        bail!("{} does not listen on port {}:\n{last_lines}", self.program.display(), self.port)
    }

    fn is_running(&mut self) -> Result<bool> {
        Ok(match &mut self.child {
            Some(child) => child.try_wait()?.is_none(),
            None => false,
        })
    }

    fn spawn(&self) -> Result<Child> {
        let output = std::fs::OpenOptions::new().create(true).append(true).open(&self.output)?;
        let mut command = Command::new(&self.program);
        without_settings(command.as_std_mut());
        command
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true);
        command.spawn().with_context(|| format!("cannot start {}", self.program.display()))
    }

    /// Its process id, if it has been started and not killed.
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().and_then(Child::id)
    }

    /// Kills it with SIGKILL.
    pub async fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill().await?;
        }
        Ok(())
    }

    /// Pauses it with SIGSTOP: it accepts connections, and does not answer.
    pub fn pause(&self) -> Result<()> {
        self.id().map_or(Ok(()), |id| system::signal(id, "-STOP"))
    }

    /// Lets it go on after [`pause`](Self::pause), with SIGCONT. One that has been killed stays so.
    pub fn resume(&self) -> Result<()> {
        self.id().map_or(Ok(()), |id| system::signal(id, "-CONT"))
    }
}
