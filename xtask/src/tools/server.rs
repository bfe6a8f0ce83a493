//! The reference server: building it, and running it for tests.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};

use crate::tools::{paths, shell};

/// What the server prints when it listens, before its URL.
const LISTENING: &str = "listening on ";

/// Builds the server and returns its binary. Without the optimiser: demo and tests do not need it, the
/// server's own tests build the same, and it spares minutes.
pub fn build() -> Result<PathBuf> {
    let mut cargo = shell::cargo();
    cargo.args(["build", "-p", "seamline-server"]);
    shell::run("build seamline-server", &mut cargo, "Errors in server/ are to be fixed.")?;
    let binary = paths::target().join(format!("debug/seamline-server{}", std::env::consts::EXE_SUFFIX));
    if !binary.is_file() {
        bail!("cargo built no {}", paths::shown(&binary));
    }
    Ok(binary)
}

/// A running server with an empty log, ended when dropped.
pub struct Running {
    child: Child,
    /// Such as `http://127.0.0.1:40123`.
    pub url: String,
}

impl Running {
    /// Starts the server on a free port.
    pub fn start(binary: &Path, name: &str) -> Result<Running> {
        let data = paths::target().join("test-data").join(name);
        if data.exists() {
            fs::remove_dir_all(&data).with_context(|| format!("could not empty {}", data.display()))?;
        }
        fs::create_dir_all(&data).with_context(|| format!("could not create {}", data.display()))?;
        let log = data.join("stderr.log");
        let mut server = shell::command(binary);
        server.args(["--demo", "--listen", "127.0.0.1:0", "--data"]).arg(data.join("log"));
        // Each of its options is a variable, too; only those given here count.
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SEAMLINE_")) {
            server.env_remove(name);
        }
        server.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(fs::File::create(&log)?);
        let mut child = server.spawn().with_context(|| format!("could not start {}", binary.display()))?;

        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let url = lines.by_ref().map_while(|line| line.ok()).find_map(|line| url_in(&line));
        // Whatever else it prints must not fill the pipe.
        thread::spawn(move || lines.map_while(|line| line.ok()).for_each(drop));
        match url {
            Some(url) => Ok(Running { child, url }),
            None => {
                child.kill().ok();
                child.wait().ok();
                bail!("seamline-server did not start:\n{}", fs::read_to_string(&log).unwrap_or_default())
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The URL in `seamline-server listening on http://127.0.0.1:40123`.
fn url_in(line: &str) -> Option<String> {
    let (_, rest) = line.split_once(LISTENING)?;
    let url = rest.split_whitespace().next()?;
    url.starts_with("http").then(|| url.trim_end_matches('/').to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_read_from_the_line_that_says_it_listens() {
        let line = "seamline-server listening on http://127.0.0.1:40123";
        assert_eq!(url_in(line).as_deref(), Some("http://127.0.0.1:40123"));
        assert_eq!(url_in("anything else"), None);
    }
}
