//! `cargo xtask demo`: serves the demo page from the real server.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::commands::pack;
use crate::tools::progress::say;
use crate::tools::{files, paths, server, shell};

const PORT: u16 = 8080;

/// Options of `demo`.
#[derive(clap::Args)]
pub struct Args {
    /// Port to listen on [default: 8080, or a free port if 8080 is in use]
    #[arg(long, value_name = "P")]
    port: Option<u16>,

    /// Open the page in the default browser
    #[arg(long)]
    open: bool,
}

/// `cargo xtask demo`.
pub fn command(args: Args) -> Result<ExitCode> {
    let port = port(args.port)?;
    pack::pack()?;
    let binary = server::build()?;
    let www = paths::target().join("www");
    assemble(&www)?;

    let url = format!("http://127.0.0.1:{port}/");
    if args.open {
        open_later(&url)?;
    }
    say!("\n  Seamline demo: {url}\n  Press Ctrl-C to stop it.\n");
    let mut server = shell::command(binary);
    server.arg("--www").arg(www).arg("--data").arg(paths::target().join("demo-data"));
    server.args(["--demo", "--listen", &format!("127.0.0.1:{port}")]);
    become_process(server)
}

/// Opens the URL in the default browser, in a process of its own that waits until something listens there.
pub fn open_later(url: &str) -> Result<()> {
    let mut opener = Command::new(std::env::current_exe()?);
    opener
        .args(["open-when-up", url])
        .stdin(Stdio::null())
        .spawn()
        .context("cannot start the command that opens the browser")?;
    Ok(())
}

fn port(wanted: Option<u16>) -> Result<u16> {
    let bind = |port| {
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|listener| Ok(listener.local_addr()?.port()))
    };
    match (wanted, bind(wanted.unwrap_or(PORT))) {
        (_, Ok(port)) => Ok(port),
        (None, Err(_)) => bind(0).context("no port is free"),
        (Some(port), Err(error)) => {
            bail!("cannot listen on port {port}: {error}. Choose another port with --port")
        }
    }
}

/// The page and, in `seamline/`, the built package.
fn assemble(www: &Path) -> Result<()> {
    let page = paths::root().join("www");
    if !page.join("index.html").exists() {
        bail!("www/index.html is missing: check out the whole project");
    }
    if www.exists() {
        fs::remove_dir_all(www).with_context(|| format!("cannot empty {}", www.display()))?;
    }
    files::copy(&page, www)?;
    files::copy(&paths::js().join("dist"), &www.join("seamline"))
}

/// Replaces this process, so that signals reach the server.
#[cfg(unix)]
fn become_process(mut command: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(command.exec()).context("cannot start seamline-server")
}

#[cfg(not(unix))]
fn become_process(mut command: Command) -> Result<ExitCode> {
    let status = command.status().context("cannot start seamline-server")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Options of the hidden command that `--open` starts.
#[derive(clap::Args)]
pub struct OpenArgs {
    url: String,
}

/// Opens the URL once its server listens.
pub fn open_when_up(args: OpenArgs) -> Result<ExitCode> {
    let address = args.url.trim_start_matches("http://").trim_end_matches('/').to_string();
    let is_up = (0..100).any(|_| {
        thread::sleep(Duration::from_millis(100));
        TcpStream::connect(&address).is_ok()
    });
    if is_up {
        let openers: &[&[&str]] =
            if cfg!(windows) { &[&["cmd", "/C", "start"]] } else { &[&["xdg-open"], &["open"]] };
        let open =
            |opener: &&[&str]| Command::new(opener[0]).args(&opener[1..]).arg(&args.url).status().is_ok();
        if !openers.iter().any(open) {
            eprintln!("cannot open a browser; open {} yourself", args.url);
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_port_in_use_is_an_error() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let number = taken.local_addr().unwrap().port();
        let error = port(Some(number)).unwrap_err().to_string();
        assert!(error.contains(&number.to_string()) && error.contains("--port"), "{error}");
        assert_ne!(port(None).unwrap(), 0);
    }
}
