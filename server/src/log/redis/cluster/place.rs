//! Where the primary of a shard is at present, and the slots of its probe.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis::{Client, ConnectionAddr, ConnectionInfo, RedisResult};
use tokio::sync::Notify;

use super::nodes::HostPort;

/// See the module.
pub(in crate::log::redis) struct Place {
    /// How to connect to a node, except for its address.
    template: Arc<ConnectionInfo>,
    // A plain mutex: never held across an await.
    at: Mutex<At>,
    /// The slot map may be outdated.
    outdated: Arc<Notify>,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) struct At {
    pub address: HostPort,
    /// Tags for the keys of the probe, whose slots belong to the shard.
    pub probe_tags: Vec<String>,
}

impl Place {
    pub(super) fn new(template: Arc<ConnectionInfo>, at: At, outdated: Arc<Notify>) -> Self {
        Place { template, at: Mutex::new(at), outdated }
    }

    /// The slot map has changed. Returns whether the address has.
    pub(super) fn update(&self, at: At) -> bool {
        let before = std::mem::replace(&mut *self.lock(), at.clone());
        before.address != at.address
    }

    pub fn client(&self) -> RedisResult<Client> {
        Client::open(connect_to(&self.template, &self.address()))
    }

    pub fn address(&self) -> HostPort {
        self.lock().address.clone()
    }

    pub fn probe_tags(&self) -> Vec<String> {
        self.lock().probe_tags.clone()
    }

    /// Something shows that the slot map may be outdated.
    pub fn note_outdated(&self) {
        self.outdated.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, At> {
        self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How to connect to a node.
pub(super) fn connect_to(template: &ConnectionInfo, HostPort { host, port }: &HostPort) -> ConnectionInfo {
    let (host, port) = (host.clone(), *port);
    let address = match template.addr() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
        }
        _ => ConnectionAddr::Tcp(host, port),
    };
    template.clone().set_addr(address)
}
