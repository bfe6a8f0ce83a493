//! File descriptors. Each connection holds one, and a process may have only so many.
//!
//! The last of them are a reserve: without it, a server with too many clients could not answer a health check, look up
//! a name or open a file. The system gives a new connection the lowest number that is free (POSIX), so a high number
//! shows how many are in use. Nothing has to be counted.

use std::os::fd::AsRawFd;
use std::sync::Arc;

use rlimit::Resource;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::{info, warn};

/// The reserve has this many at most, …
const RESERVE_MAX: u64 = 64;
/// … and this share of all at most.
const RESERVE_SHARE: u64 = 4;
/// The limit of a system that reports none.
const LIMIT_DEFAULT: u64 = 1024;

/// See the module.
pub struct Descriptors {
    /// Connections with this number and above are served from the reserve.
    scarce_from: u64,
    /// Half of the reserve. The rest is for files and for connections of the server's own.
    reserve: Arc<Semaphore>,
}

impl Descriptors {
    /// Raises the limit of this process as far as the system allows: the soft limit of most systems is 1024, for
    /// programs that use `select`.
    pub fn raise_limit() -> Self {
        let before = Resource::NOFILE.get_soft();
        let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or_else(|e| {
            warn!("cannot raise the limit of file descriptors: {e}");
            before.unwrap_or(LIMIT_DEFAULT)
        });
        info!(limit, "each connection holds a file descriptor");
        Descriptors::new(limit)
    }

    fn new(limit: u64) -> Self {
        let reserve = RESERVE_MAX.min(limit / RESERVE_SHARE);
        let for_connections = usize::try_from(reserve / 2).unwrap_or_default();
        Descriptors { scarce_from: limit - reserve, reserve: Arc::new(Semaphore::new(for_connections)) }
    }

    /// Whether a connection belongs to the reserve.
    pub fn are_scarce(&self, tcp: &TcpStream) -> bool {
        u64::try_from(tcp.as_raw_fd()).is_ok_and(|number| number >= self.scarce_from)
    }

    /// Allows a short connection from the reserve, unless too many of them are open.
    pub fn acquire_reserve(&self) -> Option<OwnedSemaphorePermit> {
        self.reserve.clone().try_acquire_owned().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_reserved() {
        let reserve = |limit| {
            let descriptors = Descriptors::new(limit);
            (descriptors.scarce_from, descriptors.reserve.available_permits())
        };
        assert_eq!(reserve(1 << 20), ((1 << 20) - 64, 32));
        assert_eq!(reserve(u64::MAX).1, 32);
        assert_eq!(reserve(64), (48, 8));
        assert_eq!(reserve(0), (0, 0));
    }
}
