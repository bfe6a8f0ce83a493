//! How `redis-server` is started.

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
