//! The open WebSockets: counted, for the connection limits and for a drain; and found by client id.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use super::quota::Quota;

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
    by_number: HashMap<u64, (String, Arc<Notify>)>,
    by_ip: Quota<IpAddr>,
    by_user: Quota<String>,
}

/// One connection's registration; dropping it ends it.
pub struct ConnectionGuard {
    /// The connection's number. No other connection has it.
    pub number: u64,
    /// Notified when the client is to be disconnected.
    pub disconnect: Arc<Notify>,
    ip: IpAddr,
    user: Option<String>,
    connections: Arc<Connections>,
}

impl Connections {
    /// Registers a new connection. Returns `None` if its address has `per_ip_max` already (0: no limit).
    pub fn register(self: &Arc<Self>, ip: IpAddr, per_ip_max: u64) -> Option<ConnectionGuard> {
        if !self.lock().by_ip.acquire(ip, per_ip_max) {
            return None;
        }
        self.open.send_modify(|open| *open += 1);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Some(ConnectionGuard {
            number,
            disconnect: Arc::default(),
            ip,
            user: None,
            connections: self.clone(),
        })
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        *self.open.borrow()
    }

    /// Disconnects a client: all its connections. Returns how many there were.
    pub fn disconnect(&self, client_id: &str) -> usize {
        let registry = self.lock();
        let connections = registry.by_number.values().filter(|(client, _)| client == client_id);
        connections.map(|(_, disconnect)| disconnect.notify_one()).count()
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
    /// Records which client this is.
    pub fn set_client(&self, client_id: &str) {
        let entry = (client_id.to_owned(), self.disconnect.clone());
        self.connections.lock().by_number.insert(self.number, entry);
    }

    /// Counts the connection for a user. Returns `false` if they have `per_user_max` already (0: no limit).
    #[must_use]
    pub fn set_user(&mut self, user: &str, per_user_max: u64) -> bool {
        if self.user.is_some() || !self.connections.lock().by_user.acquire(user.to_owned(), per_user_max) {
            return false;
        }
        self.user = Some(user.to_owned());
        true
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let mut registry = self.connections.lock();
        registry.by_number.remove(&self.number);
        registry.by_ip.release(&self.ip);
        if let Some(user) = &self.user {
            registry.by_user.release(user);
        }
        drop(registry);
        self.connections.open.send_modify(|open| *open -= 1);
    }
}
