//! How `redis-server` is started, and a command for it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;

/// The program, on the PATH.
pub const PROGRAM: &str = "redis-server";

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

/// Closes the pub/sub connections, and no others.
pub fn close_pub_sub(port: u16) -> std::io::Result<()> {
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    connection.write_all(b"CLIENT KILL TYPE pubsub\r\nQUIT\r\n")?;
    connection.read_to_end(&mut Vec::new())?;
    Ok(())
}
