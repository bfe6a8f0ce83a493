//! Who is connected: the sockets whose client has said who it is. The admin API lists and disconnects them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::connection::Subscriptions;
use super::interrupt::Cause;
use super::writer::Shared;
use crate::log::Owner;
use crate::net::shutdown::Drain;
use crate::time::now_ms;

/// See the module.
#[derive(Default)]
pub struct Registry {
    // A plain mutex: never held across an await. The order of the numbers is that of the connections.
    sockets: Mutex<BTreeMap<u64, Arc<Entry>>>,
}

/// One socket.
pub struct Entry {
    /// The connection's number. No other connection has it.
    pub number: u64,
    /// Whose it is.
    pub owner: Owner,
    /// The client's address.
    pub address: IpAddr,
    /// When it was greeted, since the Unix epoch.
    pub since_ms: u64,
    pub(super) subscriptions: Subscriptions,
    shared: Arc<Shared>,
}

/// How to disconnect a client.
#[derive(Clone, Debug)]
pub enum Disconnect {
    /// Without a close frame, for demonstrations.
    Abort,
    /// With a close frame.
    Close {
        /// Its code, which decides what the client does.
        code: u16,
        /// A sentence.
        reason: String,
        /// When the client may reconnect, if it is to do that.
        reconnect_in_ms: Option<u64>,
    },
}

/// What a socket is subscribed to.
pub struct Followed {
    /// The channel.
    pub ch: Arc<str>,
    /// The offset up to which everything was sent.
    pub sent: u64,
    /// Whether it has reached the live stream.
    pub live: bool,
}

/// Which sockets. What is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The number of the connection.
    pub number: Option<u64>,
    /// The user.
    pub user: Option<String>,
    /// The client id.
    pub client_id: Option<String>,
    /// A channel that it is subscribed to.
    pub ch: Option<String>,
}

impl Filter {
    fn matches(&self, entry: &Entry) -> bool {
        let Filter { number, user, client_id, ch } = self;
        number.is_none_or(|number| entry.number == number)
            && user.as_ref().is_none_or(|user| *entry.owner.user == **user)
            && client_id.as_ref().is_none_or(|client_id| entry.owner.client_id == *client_id)
            && ch.as_ref().is_none_or(|ch| entry.subscriptions.follows(ch))
    }
}

/// One socket's registration; dropping it ends it.
pub(super) struct Registered {
    registry: Arc<Registry>,
    pub entry: Arc<Entry>,
}

impl Registry {
    /// Registers a socket.
    pub(super) fn register(
        self: &Arc<Self>,
        number: u64,
        owner: Owner,
        address: IpAddr,
        shared: Arc<Shared>,
    ) -> Registered {
        let (since_ms, subscriptions) = (now_ms(), Subscriptions::default());
        let entry = Arc::new(Entry { number, owner, address, since_ms, subscriptions, shared });
        self.lock().insert(number, entry.clone());
        Registered { registry: self.clone(), entry }
    }

    /// The sockets after this one that match, in the order of their numbers, up to a limit.
    pub fn list(&self, filter: &Filter, after: Option<u64>, max: usize) -> Vec<Arc<Entry>> {
        // A copy, because looking into all sockets takes longer than the others should wait.
        let from = after.map_or(Unbounded, Excluded);
        let sockets: Vec<_> = self.lock().range((from, Unbounded)).map(|(_, entry)| entry.clone()).collect();
        sockets.into_iter().filter(|entry| filter.matches(entry)).take(max).collect()
    }

    /// Disconnects the sockets that match, each as `how` says for that number of sockets. Returns the number.
    pub fn disconnect(&self, filter: &Filter, how: impl Fn(usize) -> Disconnect) -> usize {
        let sockets = self.list(filter, None, usize::MAX);
        let cause = || Cause::Disconnect(how(sockets.len()));
        sockets.iter().for_each(|entry| entry.shared.interrupt.send(cause()));
        sockets.len()
    }

    /// Sends the clients away. A connection that registers later has to look whether the server drains.
    pub fn drain(&self, drain: Drain) {
        let sockets = self.list(&Filter::default(), None, usize::MAX);
        sockets.iter().for_each(|entry| entry.shared.interrupt.send(Cause::Drain(drain)));
    }

    /// The heartbeat is due of the connections with these numbers.
    pub fn beat(&self, due: impl Fn(u64) -> bool) {
        let sockets: Vec<_> =
            self.lock().iter().filter(|(number, _)| due(**number)).map(|(_, entry)| entry.clone()).collect();
        sockets.iter().for_each(|entry| entry.shared.interrupt.beat());
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Entry>>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// Its subscriptions, by the names of their channels.
    pub fn followed(&self) -> Vec<Followed> {
        let mut followed = self.subscriptions.followed();
        followed.sort_by(|a, b| a.ch.cmp(&b.ch));
        followed
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.registry.lock().remove(&self.entry.number);
    }
}
