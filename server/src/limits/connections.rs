//! The open WebSockets: counted, for the connection limits and for a drain.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::quota::Quota;
use crate::net::proxy::address_or_network;

/// See the module.
#[derive(Default)]
pub struct Connections {
    next: AtomicU64,
    open: watch::Sender<usize>,
    // A plain mutex: never held across an await.
    registry: Mutex<Registry>,
}

#[derive(Default)]
struct Registry {
    by_ip: Quota<IpAddr>,
    by_user: Quota<Arc<str>>,
}

/// One connection's registration; dropping it ends it.
pub struct ConnectionGuard {
    /// The connection's number. No other connection has it.
    pub number: u64,
    /// The client's.
    pub address: IpAddr,
    /// The user, and whether the connection is counted for them.
    user: Option<(Arc<str>, bool)>,
    connections: Arc<Connections>,
}

impl Connections {
    /// Registers a new connection. Returns `None` if its address has `per_ip_max` already (0: no limit).
    pub fn register(self: &Arc<Self>, address: IpAddr, per_ip_max: u64) -> Option<ConnectionGuard> {
        if !self.lock().by_ip.acquire(address_or_network(address), per_ip_max) {
            return None;
        }
        self.open.send_modify(|open| *open += 1);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Some(ConnectionGuard { number, address, user: None, connections: self.clone() })
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        *self.open.borrow()
    }

    /// Returns when no connection is open.
    pub async fn all_closed(&self) {
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await; // the sender is in `self`
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConnectionGuard {
    /// Counts the connection for a user. Returns `false` if they have `per_user_max` already (0: no limit).
    #[must_use]
    pub fn set_user(&mut self, user: &Arc<str>, per_user_max: u64) -> bool {
        let counted =
            self.user.is_none() && self.connections.lock().by_user.acquire(user.clone(), per_user_max);
        self.user.get_or_insert_with(|| (user.clone(), counted));
        counted
    }

    /// The user, once they are known, whether or not the connection is counted for them.
    pub fn user(&self) -> Option<&str> {
        self.user.as_ref().map(|(user, _)| &**user)
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let mut registry = self.connections.lock();
        registry.by_ip.release(&address_or_network(self.address));
        if let Some((user, true)) = &self.user {
            registry.by_user.release(user);
        }
        drop(registry);
        self.connections.open.send_modify(|open| *open -= 1);
    }
}
