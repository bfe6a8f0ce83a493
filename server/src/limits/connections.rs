//! The open sockets: counted, so that a drain knows when they are gone and nobody takes them all; and found by
//! client id.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use crate::limits::quota::Counts;

/// See the module.
#[derive(Default)]
pub struct Connections {
    next: AtomicU64,
    open: watch::Sender<usize>,
    // A plain mutex: never held across an await.
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    named: HashMap<u64, (String, Arc<Notify>)>,
    by_ip: Counts<IpAddr>,
    by_user: Counts<String>,
}

/// One socket's entry; dropping it ends the entry.
pub struct Entry {
    /// The connection's number, for telling apart who sent what.
    pub number: u64,
    /// Notified when the socket is to be cut.
    pub cut: Arc<Notify>,
    ip: IpAddr,
    user: Option<String>,
    connections: Arc<Connections>,
}

impl Connections {
    /// A socket has been opened; nothing if its address has `per_ip_max` of them already (0: no limit).
    pub fn enter(self: &Arc<Self>, ip: IpAddr, per_ip_max: u64) -> Option<Entry> {
        if !self.lock().by_ip.up(ip, per_ip_max) {
            return None;
        }
        self.open.send_modify(|open| *open += 1);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Some(Entry { number, cut: Arc::default(), ip, user: None, connections: self.clone() })
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        *self.open.borrow()
    }

    /// Cuts all sockets of a client; returns how many there were.
    pub fn cut(&self, client_id: &str) -> usize {
        let known = self.lock();
        let theirs = known.named.values().filter(|(name, _)| name == client_id);
        theirs.map(|(_, cut)| cut.notify_one()).count()
    }

    /// Returns when no socket is open.
    pub async fn all_gone(&self) {
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await; // the sender is in `self`
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// The socket has said whose it is.
    pub fn name(&self, client_id: &str) {
        self.connections.lock().named.insert(self.number, (client_id.to_owned(), self.cut.clone()));
    }

    /// It belongs to a user, unless they have `per_user_max` already (0: no limit).
    #[must_use]
    pub fn belongs_to(&mut self, user: &str, per_user_max: u64) -> bool {
        if self.user.is_some() || !self.connections.lock().by_user.up(user.to_owned(), per_user_max) {
            return false;
        }
        self.user = Some(user.to_owned());
        true
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut known = self.connections.lock();
        known.named.remove(&self.number);
        known.by_ip.down(&self.ip);
        if let Some(user) = &self.user {
            known.by_user.down(user);
        }
        drop(known);
        self.connections.open.send_modify(|open| *open -= 1);
    }
}
