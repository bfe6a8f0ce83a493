//! Opening the store that a URL names.

use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use tokio_rustls::rustls::crypto::ring;

use super::address::{Address, AddressError, Target};
use super::broken_channels::BrokenChannels;
use super::cluster::ClusterStore;
use super::connection::SharedConnection;
use super::endpoint::Endpoint;
use super::{RedisStore, requirements};
use crate::error::SetupError;
use crate::http::metrics;
use crate::log::hub::Hub;
use crate::log::{Retention, Store};

/// Checks whether a URL is well-formed, without connecting.
pub fn check_url(url: &str) -> Result<(), SetupError> {
    Address::parse(url).map(drop).map_err(|e| requirements::bad_url(url, &e))
}

/// Opens the store at this URL, and checks whether Redis is suitable. If it is a replica, or denies a command to this
/// user, the node starts all the same and waits: both can change while it runs.
pub async fn open(url: &str, retention: Retention, hub: Arc<Hub>) -> Result<Arc<dyn Store>, SetupError> {
    // The library uses the default provider of the process. If there is one, it is the same.
    let _ = ring::default_provider().install_default();
    let bad_url = |e: AddressError| requirements::bad_url(url, &e);
    let Address { target, replicas } = Address::parse(url).map_err(bad_url)?;
    let parts = Parts::new(retention, hub);
    let (endpoint, db) = match target {
        Target::Cluster { nodes } => {
            return Ok(Arc::new(ClusterStore::open(url, nodes, replicas, parts).await?));
        }
        Target::Fixed(info) => {
            let db = info.redis_settings().db();
            (Endpoint::fixed(info), db)
        }
        Target::Sentinel { sentinels, name, primary } => {
            (Endpoint::sentinel(sentinels, &name, &primary), primary.redis_settings().db())
        }
    };
    let endpoint = endpoint.map_err(|e| bad_url(e.into()))?;
    Ok(Arc::new(RedisStore::open(url, endpoint, replicas, db, parts).await?))
}

/// What a store is made of, apart from its connections. The shards of a cluster share it.
#[derive(Clone)]
pub(super) struct Parts {
    pub hub: Arc<Hub>,
    pub retention: Retention,
    /// The name of this node in Redis.
    pub node: String,
    pub broken: Arc<BrokenChannels>,
    /// Counts reads of the sweep that found messages which no wake-up announced.
    pub missed_wakeups: Counter,
    pub command_seconds: Histogram,
}

impl Parts {
    fn new(retention: Retention, hub: Arc<Hub>) -> Self {
        let (node, broken) = (crate::random::name(), Arc::default());
        let (missed_wakeups, command_seconds) = (Counter::default(), metrics::seconds());
        Parts { hub, retention, node, broken, missed_wakeups, command_seconds }
    }

    pub fn shared_connection(&self, endpoint: Endpoint, replicas: usize) -> Arc<SharedConnection> {
        let (node, command_seconds) = (self.node.clone(), self.command_seconds.clone());
        Arc::new(SharedConnection::new(endpoint, replicas, node, command_seconds))
    }
}
