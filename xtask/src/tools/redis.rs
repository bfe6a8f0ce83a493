//! redis-server. The server's tests start it on free ports, in empty directories.

use anyhow::Result;

use crate::tools::requirements::State;
use crate::tools::{apt, paths, shell};

const SERVICE: &str = "redis-server";

/// For doctor and setup.
pub fn state() -> State {
    match paths::on_path("redis-server") {
        Some(program) => State::Ready(version(&shell::version(&program).unwrap_or_default())),
        None => State::Missing("run apt-get install redis-server".into()),
    }
}

/// Installs redis-server, and disables the service that Debian's package starts.
pub fn install() -> Result<()> {
    apt::install("redis-server", &["redis-server"])?;
    apt::disable(SERVICE);
    Ok(())
}

/// `7.0.15` of `Redis server v=7.0.15 sha=00000000:0 malloc=…`.
fn version(line: &str) -> String {
    let found = line.split_whitespace().find_map(|word| word.strip_prefix("v="));
    found.unwrap_or(line).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_parsed() {
        assert_eq!(version("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64"), "7.0.15");
        assert_eq!(version("something else"), "something else");
    }
}
