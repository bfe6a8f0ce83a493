//! A shard: a primary and its replicas. It is a store of its own, with its connections, its reader and its writer, so a
//! shard that fails holds up no other.

use std::sync::{Arc, Weak};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::nodes::HostPort;
use super::place::{At, Place};
use super::refresh::Cluster;
use crate::log::redis::RedisStore;
use crate::log::redis::connection::NOT_CONNECTED;
use crate::log::redis::endpoint::Endpoint;
use crate::log::{Health, Store};

/// See the module.
pub(super) struct Shard {
    pub store: RedisStore,
    place: Arc<Place>,
    reporting: JoinHandle<()>,
}

impl Drop for Shard {
    fn drop(&mut self) {
        self.reporting.abort();
    }
}

impl Shard {
    /// Starts it. It connects by itself.
    pub fn start(cluster: &Arc<Cluster>, at: At) -> Self {
        let place = Place::new(cluster.survey.template.clone(), at, cluster.outdated.clone());
        let place = Arc::new(place);
        let parts = cluster.parts.clone();
        let shared = parts.shared_connection(Endpoint::Shard(place.clone()), cluster.replicas);
        let store = RedisStore::start(parts, shared, None);
        let reporting = tokio::spawn(report(store.health(), Arc::downgrade(cluster)));
        Shard { store, place, reporting }
    }

    /// Where its primary is.
    pub fn address(&self) -> HostPort {
        self.place.address()
    }

    /// The slot map has changed. A connection to a primary that was replaced is dropped.
    pub async fn update(&self, at: At) {
        if self.place.update(at) {
            self.store.shared.follow_primary().await;
        }
    }

    pub fn health(&self) -> Health {
        self.store.health().borrow().clone()
    }

    /// Resolves when the first attempt to connect has ended.
    pub async fn attempted(&self) {
        let mut health = self.store.health();
        let _ = health.wait_for(|health| *health != Health::Degraded(NOT_CONNECTED.into())).await;
    }
}

async fn report(mut health: watch::Receiver<Health>, cluster: Weak<Cluster>) {
    while health.changed().await.is_ok() {
        match cluster.upgrade() {
            Some(cluster) => cluster.report_health(),
            None => return,
        }
    }
}
