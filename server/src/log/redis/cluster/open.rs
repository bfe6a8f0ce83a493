//! Opening a cluster: finds its nodes, checks them, and connects to the shards.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use redis::ConnectionInfo;
use tokio::time::timeout;

use super::ClusterStore;
use super::map::SlotMap;
use super::nodes::HostPort;
use super::refresh::Cluster;
use super::survey::Survey;
use crate::error::SetupError;
use crate::log::redis::address::AddressError;
use crate::log::redis::casts::Casts;
use crate::log::redis::{Parts, requirements};

/// How long the start waits for the shards. One that is down then may come back later.
const START_MAX: Duration = Duration::from_secs(5);

impl ClusterStore {
    pub async fn open(
        url: &str,
        nodes: Vec<ConnectionInfo>,
        replicas: usize,
        parts: Parts,
    ) -> Result<Self, SetupError> {
        let survey = Survey::new(nodes).ok_or_else(|| requirements::bad_url(url, &AddressError::NoHost))?;
        let map = first_map(url, &survey).await?;
        check_nodes(url, &survey, &map).await?;
        let (hub, node) = (parts.hub.clone(), parts.node.clone());
        let cluster = Arc::new(Cluster::new(parts, survey, replicas));
        cluster.apply(map).await;
        let routes = cluster.routes();
        let attempts = routes.members.iter().map(|member| member.shard.attempted());
        let _ = timeout(START_MAX, join_all(attempts)).await;
        let source = Arc::downgrade(&cluster);
        let casts = Casts::start(move || source.upgrade()?.any_connection(), 0, hub, node).await;
        let refreshing = tokio::spawn(cluster.clone().refresh_regularly());
        Ok(ClusterStore { cluster, casts, refreshing })
    }
}

/// The map by the nodes in the URL, and then by all that they know.
async fn first_map(url: &str, survey: &Survey) -> Result<SlotMap, SetupError> {
    let mut map = SlotMap::default();
    for _ in 0..2 {
        match survey.ask(&map.addresses()).await {
            Ok(answers) => map = map.updated(answers),
            Err(e) => return Err(requirements::no_cluster(url, &e).await),
        }
    }
    match map.primaries().is_empty() {
        true => Err(requirements::no_slots(url)),
        false => Ok(map),
    }
}

/// Checks the nodes that can be reached. Replicas count: each may be a primary tomorrow.
async fn check_nodes(url: &str, survey: &Survey, map: &SlotMap) -> Result<(), SetupError> {
    let check = async |address: HostPort| match survey.open(&address).await {
        Ok(mut connection) => requirements::check_node(url, &address.to_string(), &mut connection).await,
        Err(_) => Ok(()), // the shard reports it
    };
    join_all(map.addresses().into_iter().map(check)).await.into_iter().collect()
}
