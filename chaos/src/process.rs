//! Server and Redis processes: each on a port of its own for life, ended by their ids with this process.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// How long a process may take until it answers; with Redis away, a server is started again and again.
const START_TIMEOUT: Duration = Duration::from_secs(30);
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// See the module.
pub struct Process {
    program: PathBuf,
    args: Vec<String>,
    output: PathBuf,
    /// Where it listens.
    pub port: u16,
    child: Option<Child>,
}

impl Process {
    /// Starts it. `{port}` in an argument is its port.
    pub async fn start(program: &Path, args: &[&str], output: PathBuf) -> Result<Process> {
        let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
        let args = args.iter().map(|arg| arg.replace("{port}", &port.to_string())).collect();
        let mut process = Process { program: program.to_owned(), args, output, port, child: None };
        process.restart().await?;
        Ok(process)
    }

    /// Starts it again after [`kill`](Self::kill), and waits until it takes connections.
    pub async fn restart(&mut self) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < START_TIMEOUT {
            let running = match &mut self.child {
                Some(child) => child.try_wait()?.is_none(),
                None => false,
            };
            if !running {
                self.child = Some(self.spawn()?);
            }
            sleep(RETRY_PAUSE).await;
            if TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return Ok(());
            }
        }
        bail!("{} does not start; see {}", self.program.display(), self.output.display())
    }

    fn spawn(&self) -> Result<Child> {
        let output = std::fs::OpenOptions::new().create(true).append(true).open(&self.output)?;
        let mut command = Command::new(&self.program);
        // Each of the server's options is a variable, too; only those given here count.
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SEAMLINE_"))
        {
            command.env_remove(name);
        }
        command
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))
    }

    /// SIGKILL.
    pub async fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill().await?;
        }
        Ok(())
    }

    /// SIGSTOP: it is there, and does not answer.
    pub async fn pause(&self) -> Result<()> {
        self.signal("-STOP").await
    }

    /// SIGCONT.
    pub async fn resume(&self) -> Result<()> {
        self.signal("-CONT").await
    }

    async fn signal(&self, signal: &str) -> Result<()> {
        let Some(id) = self.child.as_ref().and_then(Child::id) else { return Ok(()) };
        Command::new("kill").args([signal, &id.to_string()]).status().await?;
        Ok(())
    }
}
