//! Finds the Redis to connect to: it has a fixed address, Sentinel knows its present one, or it is the primary of a
//! shard of a cluster.

use std::sync::Arc;
use std::time::Duration;

use redis::sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType};
use redis::{Client, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError, RedisResult, TlsMode};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::cluster::place::Place;

/// A lookup asks several Sentinels at a time, and the primary for its role. Each has half a second to answer.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// See the module.
pub(super) enum Endpoint {
    Fixed(Box<Client>),
    /// A lookup keeps its connections to the Sentinels for the next one.
    Sentinel(Box<Mutex<SentinelClient>>),
    /// The slot map says where the primary of the shard is.
    Shard(Arc<Place>),
}

impl Endpoint {
    pub fn fixed(info: ConnectionInfo) -> RedisResult<Self> {
        Ok(Endpoint::Fixed(Box::new(Client::open(info)?)))
    }

    /// `primary` says how to connect to it, except for its address.
    pub fn sentinel(
        sentinels: Vec<ConnectionInfo>,
        name: &str,
        primary: &ConnectionInfo,
    ) -> RedisResult<Self> {
        let mut node = SentinelNodeConnectionInfo::default()
            .set_redis_connection_info(primary.redis_settings().clone())
            .set_tcp_settings(primary.tcp_settings().clone());
        if let ConnectionAddr::TcpTls { .. } = primary.addr() {
            node = node.set_tls_mode(TlsMode::Secure);
        }
        let client = SentinelClient::build(sentinels, name, Some(node), SentinelServerType::Master)?;
        Ok(Endpoint::Sentinel(Box::new(Mutex::new(client))))
    }

    /// The Redis to connect to at present.
    pub async fn client(&self) -> RedisResult<Client> {
        let sentinel = match self {
            Endpoint::Fixed(client) => return Ok(client.as_ref().clone()),
            Endpoint::Shard(place) => return place.client(),
            Endpoint::Sentinel(sentinel) => sentinel,
        };
        let mut sentinel = sentinel.lock().await;
        match timeout(LOOKUP_TIMEOUT, sentinel.async_get_client()).await {
            Ok(found) => found.map_err(explained),
            Err(_) => Err((ErrorKind::Io, "no Sentinel answers").into()),
        }
    }

    /// Whether the address of the Redis may change.
    pub fn is_variable(&self) -> bool {
        !matches!(self, Endpoint::Fixed(_))
    }

    /// Whether it is a part of a cluster, where a command may name keys of one slot only.
    pub fn is_shard(&self) -> bool {
        matches!(self, Endpoint::Shard(_))
    }

    /// What the logs call it.
    pub fn name(&self) -> String {
        match self {
            Endpoint::Fixed(_) | Endpoint::Sentinel(_) => "Redis".into(),
            Endpoint::Shard(place) => format!("the Redis shard {}", place.address()),
        }
    }

    /// Who knows where the primary is.
    pub fn authority(&self) -> &'static str {
        match self {
            Endpoint::Fixed(_) | Endpoint::Sentinel(_) => "Sentinel",
            Endpoint::Shard(_) => "the cluster",
        }
    }

    /// Tags for the keys of a node's probe. A slot that is moving rejects its keys for a while, so a shard has several.
    pub fn probe_tags(&self, node: &str) -> Vec<String> {
        match self {
            Endpoint::Fixed(_) | Endpoint::Sentinel(_) => vec![node.to_owned()],
            Endpoint::Shard(place) => place.probe_tags(),
        }
    }

    /// Something shows that the address may be another one by now.
    pub fn note_outdated(&self) {
        if let Endpoint::Shard(place) = self {
            place.note_outdated();
        }
    }
}

/// The library has one error for a name that is unknown and for a primary that is down.
fn explained(e: RedisError) -> RedisError {
    match e.kind() {
        kind @ ErrorKind::MasterNameNotFoundBySentinel => {
            (kind, "Sentinel knows no primary of this name that is up").into()
        }
        _ => e,
    }
}
