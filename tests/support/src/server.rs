//! A `seamline-server` that a test starts.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// What the server prints before its URL when it listens.
pub const LISTENING: &str = "listening on ";
/// The same in its logs, for its admin port.
const ADMIN_LISTENS: &str = "the admin API listens on ";

/// How long it may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Removes the server's settings from the environment, and those of OpenTelemetry: a test's server has the options that
/// the test gives.
pub fn without_settings(command: &mut Command) -> &mut Command {
    let is_setting = |name: &str| name.starts_with("SEAMLINE_") || name.starts_with("OTEL_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_setting(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command
}

/// The URL that a child prints when it listens, such as `http://127.0.0.1:40123`; `None` if it ends, or prints none in
/// time. Its standard output must be piped. Further output is read and dropped, so that the pipe does not fill.
pub fn listening_url(child: &mut Child) -> Option<String> {
    let mut lines = BufReader::new(child.stdout.take()?).lines().map_while(Result::ok);
    let (sender, url) = mpsc::channel();
    thread::spawn(move || {
        if let Some(url) = lines.by_ref().find_map(|line| url_after(LISTENING, &line)) {
            sender.send(url).ok();
        }
        drop(sender);
        lines.for_each(drop);
    });
    url.recv_timeout(START_TIMEOUT).ok()
}

/// The URL after these words, as in `seamline-server listening on http://127.0.0.1:40123`.
fn url_after(words: &str, text: &str) -> Option<String> {
    let (_, rest) = text.split_once(words)?;
    let url = rest.split_whitespace().next()?;
    url.starts_with("http").then(|| url.trim_end_matches('/').to_owned())
}

/// A server with `--demo` and an empty embedded log, on a free port. It is killed when this is dropped.
pub struct DemoServer {
    child: Child,
    /// Such as `http://127.0.0.1:40123`.
    pub url: String,
    /// The file with its logs.
    logs: PathBuf,
}

impl DemoServer {
    /// Starts it. The directory is emptied first, and holds its log and its output.
    pub fn start(program: &Path, directory: &Path) -> Result<DemoServer> {
        DemoServer::start_with(program, directory, &[])
    }

    /// Like `start`, with more options.
    pub fn start_with(program: &Path, directory: &Path, options: &[&str]) -> Result<DemoServer> {
        if directory.exists() {
            fs::remove_dir_all(directory).with_context(|| format!("cannot empty {}", directory.display()))?;
        }
        fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
        let output = directory.join("stderr.log");
        let mut command = Command::new(program);
        without_settings(&mut command).args(["--demo", "--listen", "127.0.0.1:0", "--data"]);
        command.arg(directory.join("log")).args(options);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&output)?);
        let mut child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        match listening_url(&mut child) {
            Some(url) => Ok(DemoServer { child, url, logs: output }),
            None => {
                end(&mut child);
                let output = fs::read_to_string(&output).unwrap_or_default();
                bail!("{} does not start:\n{output}", program.display())
            }
        }
    }

    /// Such as `http://127.0.0.1:40124`, with `--admin-listen` among its options.
    pub fn admin_url(&self) -> Result<String> {
        let logs = fs::read_to_string(&self.logs)?;
        let url = url_after(ADMIN_LISTENS, &logs);
        url.with_context(|| format!("the server has no admin port:\n{logs}"))
    }

    /// Whether the process still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_none())
    }
}

impl Drop for DemoServer {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    child.kill().ok();
    child.wait().ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_read_from_the_line_that_reports_it() {
        let line = "seamline-server listening on http://127.0.0.1:40123/";
        assert_eq!(url_after(LISTENING, line).as_deref(), Some("http://127.0.0.1:40123"));
        assert_eq!(url_after(LISTENING, "anything else"), None);
        let logs = "INFO one\nINFO the admin API listens on http://127.0.0.1:40124\nINFO two\n";
        assert_eq!(url_after(ADMIN_LISTENS, logs).as_deref(), Some("http://127.0.0.1:40124"));
    }

    #[test]
    fn a_child_that_prints_no_url_has_none() {
        let mut child = Command::new("echo").arg("no").stdout(Stdio::piped()).spawn().expect("echo starts");
        assert_eq!(listening_url(&mut child), None);
        child.wait().expect("it ends");
    }
}
